import type { Clock } from '../lib/clock.ts'
import { type Log, silentLog } from '../lib/log.ts'
import type { Run } from '../lib/run.ts'
import { type Store, StoreUnavailable } from './store.ts'

/** How much history a store keeps. A commit is forgotten when it is neither recent by count nor by age, or one too many. */
export interface Retention {
  /** At least this many of the newest revisions. */
  readonly keepRevisions: number
  /** At least the commits of this long. */
  readonly keepInMs: number
  /** Never more revisions than this, however young they are. */
  readonly mostRevisions: number
}

/** What is kept unless someone says otherwise: an hour, and as a rule not more than some hundred megabytes. */
export const defaultRetention: Retention = { keepRevisions: 10_000, keepInMs: 60 * 60_000, mostRevisions: 200_000 }

export interface CompactorOptions {
  readonly store: Store
  readonly clock: Clock
  readonly retention?: Partial<Retention>
  readonly everyInMs?: number
  readonly log?: Log
}

/** A stop is heard after this many revisions. */
const step = 5000

/** Compacts a store again and again, so that it keeps what `retention` says. A full or broken disk does not end it. */
export function compactor({ store, clock, retention, everyInMs = 60_000, log = silentLog }: CompactorOptions): Run {
  const keep = { ...defaultRetention, ...retention }
  return async signal => {
    while (!signal.aborted) {
      try {
        const target = await compactionTarget(store, clock.now(), keep)
        for (let at = await store.compactedRevision(); at < target && !signal.aborted; ) {
          at = Math.min(target, at + step)
          await store.compact(at)
        }
      } catch (err) {
        if (!(err instanceof StoreUnavailable)) throw err
        log.warn({ err, retryInMs: everyInMs }, 'compaction failed')
      }
      await clock.sleep(everyInMs, signal)
    }
  }
}

/** The newest revision that need not be readable any more. */
export async function compactionTarget(store: Store, now: number, keep: Retention): Promise<number> {
  const newest = await store.revision()
  const tooMany = newest - Math.max(keep.mostRevisions, 1)
  const byCount = newest - keep.keepRevisions
  if (byCount <= tooMany) return Math.max(0, tooMany)
  const tooOld = await newestBefore(store, now - keep.keepInMs, byCount)
  return Math.max(0, tooMany, Math.min(byCount, tooOld))
}

/** The newest revision up to `last` that was committed before a time. */
async function newestBefore(store: Store, time: number, last: number): Promise<number> {
  let low = await store.compactedRevision() // known to be older
  let high = last
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const event = await store.at(middle)
    if (event && event.time >= time) high = middle - 1
    else low = middle
  }
  return low
}
