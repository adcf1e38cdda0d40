import type { Pod } from '../../api/core/pod.ts'
import { type Failures, finishedAt, waitAfter } from './backoff.ts'
import { type Census, isTerminating, replacesOnlyFailed } from './census.ts'
import { firstFree, mergeIndexes, withIndexes } from './indexes.ts'
import { failuresBefore, indexOf, isIndexed } from './pod-index.ts'
import { leaving } from './removal.ts'

/** No more than so many pods are made or removed in one go (pkg/controller/job, MaxPodCreateDeletePerSync). */
export const burst = 500

export interface JobPlan {
  /** Pods that go without counting as failed. Never together with `create`. */
  readonly remove: readonly Pod[]
  /** One entry per pod to be made: its index, or `undefined` where there are none. */
  readonly create: readonly (number | undefined)[]
  /** Pods are missing but must wait so long, as others have just failed. */
  readonly waitInMs?: number
  /** How many pods should be active, for the note. */
  readonly wanted: number
}

/** Which pods to make or to remove for a job that is to go on (pkg/controller/job, manageJob). `now` in milliseconds. */
export function plan(census: Census, failures: Failures, now: number): JobPlan {
  const { job, active, terminating } = census
  if (job.spec.suspend) return { wanted: 0, create: [], remove: leaving(job, active, active.length) }
  const wanted = wantedOf(census)
  const surplus = Math.max(0, active.length - wanted)
  const remove = leaving(job, active, surplus).slice(0, burst)
  if (remove.length > 0) return { wanted, create: [], remove }
  const missing = wanted - active.length - (replacesOnlyFailed(job) ? terminating : 0)
  if (missing <= 0) return { wanted, create: [], remove: [] }
  const isPerIndex = census.failedIndexes !== undefined
  const waitInMs = isPerIndex ? 0 : waitAfter(failures, now)
  if (waitInMs > 0) return { wanted, create: [], remove: [], waitInMs }
  const count = Math.min(missing, burst)
  if (!isIndexed(job)) return { wanted, create: Array.from({ length: count }, () => undefined), remove: [] }
  const pending = pendingIndexes(census, count)
  return { wanted, remove: [], ...(isPerIndex ? dueIndexes(census, pending, now) : { create: pending }) }
}

/** A job without completions leaves those that run alone after the first success, and makes no more. */
function wantedOf({ job, active, succeeded }: Census): number {
  const { completions, parallelism = 1 } = job.spec
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism
  return Math.max(0, Math.min(parallelism, completions - succeeded))
}

/** The lowest indexes that nobody works on and that are not over. */
function pendingIndexes({ job, pods, active, succeededIndexes, failedIndexes }: Census, count: number): number[] {
  const busy = replacesOnlyFailed(job) ? [...active, ...pods.filter(isTerminating)] : active
  const busyIndexes = new Set(busy.map(indexOf).filter(index => index !== undefined))
  const taken = mergeIndexes(withIndexes(succeededIndexes, busyIndexes), failedIndexes ?? [])
  return firstFree(taken, count, job.spec.completions ?? 0)
}

/** Those of the indexes that need not wait after a failure of their own; how long the first has to, if all do. */
function dueIndexes({ awaitingReplacement }: Census, indexes: readonly number[], now: number) {
  const create: number[] = []
  const waits: number[] = []
  for (const index of indexes) {
    const failed = awaitingReplacement.get(index)
    const before = failed && failuresBefore(failed)
    const wait = failed && before ? waitAfter({ count: before.counted + before.ignored + 1, lastAt: finishedAt(failed) }, now) : 0
    if (wait === 0) create.push(index)
    else waits.push(wait)
  }
  return { create, ...(create.length === 0 && waits.length > 0 && { waitInMs: Math.min(...waits) }) }
}
