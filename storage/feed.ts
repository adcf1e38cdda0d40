import { bell } from '../lib/bell.ts'
import { Compacted, type StoreEvent } from './store.ts'

/** What watchers of an embedded store read: the newest events from memory, older ones from the log. */
export interface Feed {
  /** Hands newly committed events over and wakes the watchers. */
  publish(events: readonly StoreEvent[]): void
  /** A recent event that is still in hand, with the very bytes its writer made. */
  recent(revision: number): StoreEvent | undefined
  watch(prefix: string, since: number, signal: AbortSignal): AsyncIterable<readonly StoreEvent[]>
  /** Drops what is in hand and lets watchers look at the log again. */
  reset(): void
  /** Ends all watches. */
  end(): void
}

export interface FeedOptions {
  /** The newest committed revision. */
  readonly revision: () => number
  readonly compactedRevision: () => number
  /** At least one of the commits after a revision that is not the newest; in order, without gaps. Throws Compacted. */
  readonly readLog: (since: number) => Promise<readonly StoreEvent[]>
}

/** Watchers that are at most this far behind cost no disk reads. */
const mostEventsInHand = 1000
const mostBytesInHand = 4 * 1024 * 1024

export function feed({ revision, compactedRevision, readLog }: FeedOptions): Feed {
  const committed = bell()
  let inHand: StoreEvent[] = [] // the newest revisions, without gaps
  let bytesInHand = 0
  let ended = false

  function trim(): void {
    const excess = inHand.length - mostEventsInHand
    let count = 0
    for (; (count < excess || bytesInHand > mostBytesInHand) && count < inHand.length; count++) {
      bytesInHand -= inHand[count]?.entry.value.length ?? 0
    }
    if (count > 0) inHand.splice(0, count)
  }

  /** The events after a revision if all of them are in hand. */
  function newest(since: number): readonly StoreEvent[] | undefined {
    const first = inHand[0]?.entry.revision
    return first === undefined || first > since + 1 ? undefined : inHand.slice(since + 1 - first)
  }

  return {
    publish(events) {
      for (const event of events) {
        inHand.push(event)
        bytesInHand += event.entry.value.length
      }
      trim()
      committed.ring()
    },
    recent(revision) {
      const first = inHand[0]?.entry.revision
      return first === undefined ? undefined : inHand[revision - first]
    },
    async *watch(prefix, since, signal) {
      if (since < compactedRevision()) throw new Compacted(since, compactedRevision())
      let seen = since
      while (!signal.aborted && !ended) {
        if (revision() <= seen) {
          await committed.wait(signal)
          continue
        }
        const events = newest(seen) ?? (await readLog(seen))
        seen = events.at(-1)?.entry.revision ?? seen
        const wanted = events.filter(event => event.entry.key.startsWith(prefix))
        if (wanted.length > 0 && !signal.aborted) yield wanted
      }
    },
    reset() {
      inHand = []
      bytesInHand = 0
      committed.ring()
    },
    end() {
      ended = true
      committed.ring()
    },
  }
}
