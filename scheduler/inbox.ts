import { type Bell, bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { nextTurn } from '../lib/turn.ts'

/**
 * Works off what arrives in batches one by one and in order, also across its handlers: at once when it is little, in slices with turns
 * of the event loop in between when it is much (the first list of ten thousand pods).
 */
export interface Inbox {
  handler<T>(work: (item: T) => void): (items: readonly T[]) => void
  /** Resolves when nothing is left. */
  emptied(): Promise<void>
}

const sliceInMs = 4
const itemsPerLook = 16

export function inbox(clock: Clock): Inbox {
  const waiting: (() => boolean)[] = []
  const empty: Bell = bell()

  /** Works items off until the slice is over; answers whether that was all. */
  const workOff = <T>(items: readonly T[], work: (item: T) => void) => {
    let at = 0
    return () => {
      const until = clock.monotonic() + sliceInMs
      while (at < items.length) {
        work(items[at++] as T)
        if (at % itemsPerLook === 0 && clock.monotonic() >= until) return at === items.length
      }
      return true
    }
  }
  const continueLater = async () => {
    for (let first = waiting[0]; first; first = waiting[0]) {
      await nextTurn()
      if (first()) waiting.shift()
    }
    empty.ring()
  }

  return {
    handler: work => items => {
      const batch = workOff(items, work)
      if (waiting.length > 0) waiting.push(batch)
      else if (!batch()) {
        waiting.push(batch)
        void continueLater()
      }
    },
    async emptied() {
      while (waiting.length > 0) await empty.wait()
    },
  }
}
