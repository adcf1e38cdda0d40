import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '../lib/clock.ts'
import type { Run } from '../lib/run.ts'

export interface TidyMemoryOptions {
  readonly clock: Clock
  /** A number that grows with the work that is done: the store's revision. */
  readonly work: () => Promise<number>
  readonly heapInBytes: () => number
  readonly collect: () => void
}

const everyMs = 2500
/** What a start writes once it is ready is written by then. */
const startedAfterMs = 1500
/** Fewer writes than this between two looks are rest, not work. */
const restingWrites = 25
/** Collecting costs milliseconds; it is done for this much growth since the last time, and not below a heap this big. */
const growth = 1.25
const smallHeapInBytes = 48 * 2 ** 20
/** V8 gives back what the young generation grew to only when little was allocated in the five seconds before. */
const looksUntilQuiet = 2

/**
 * Collects garbage once a burst of work is over, and the start is one. V8 lets a heap grow to about twice what lives in it and sees no
 * reason to collect while nothing is allocated, so a burst would be remembered in megabytes for as long as the cluster then rests.
 */
export function tidyMemory({ clock, work, heapInBytes, collect }: TidyMemoryOptions): Run {
  return async signal => {
    await clock.sleep(startedAfterMs, signal)
    let done = await work()
    let tidyInBytes = 0
    let looksUntilAgain = 0
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal)
      const now = await work()
      const isResting = now - done < restingWrites
      done = now
      if (signal.aborted || !isResting) continue
      const hasGrown = heapInBytes() >= tidyInBytes * growth
      if (hasGrown) looksUntilAgain = looksUntilQuiet
      else if (looksUntilAgain === 0 || --looksUntilAgain > 0) continue
      collect()
      tidyInBytes = Math.max(smallHeapInBytes, heapInBytes())
    }
  }
}

/** A full collection that moves what lives together, so that whole pages can be given back. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  setFlagsFromString('--compact-on-every-full-gc')
  collect()
  setFlagsFromString('--no-compact-on-every-full-gc')
}
