import type { Clock } from './clock.ts'

/** Asked before a piece of work: `undefined`, it may begin; or a promise to wait for, because others have waited long enough. */
export type Pace = () => Promise<void> | undefined

/** Longest stretch of work that the event loop is held up for. */
const sliceInMs = 5

/** So many of those who wait go on in each turn of the event loop. */
const perTurn = 8

/**
 * Keeps many pieces of work, each short, from holding up the event loop together: promises that resolve one another go on within one
 * turn for as long as there are any. Once a turn has taken a few milliseconds, whoever asks waits in line for a later one.
 */
export function pace(clock: Clock): Pace {
  const waiting: (() => void)[] = []
  let next = 0
  let turnBeganAt: number | undefined

  const letOn = () => {
    for (let i = 0; i < perTurn && next < waiting.length; i++) waiting[next++]?.()
    if (next < waiting.length) return void setImmediate(letOn)
    waiting.length = next = 0
  }

  return () => {
    if (turnBeganAt === undefined) {
      turnBeganAt = clock.monotonic()
      setImmediate(() => {
        turnBeganAt = undefined
      })
    }
    if (waiting.length === 0 && clock.monotonic() - turnBeganAt < sliceInMs) return undefined
    return new Promise(resolve => {
      if (waiting.push(resolve) === 1) setImmediate(letOn)
    })
  }
}
