import type { JobStatus } from '../../api/batch/job-spec.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Draft } from '../../api/kind.ts'
import { type Census, hasFailed } from './census.ts'
import type { JobCondition } from './conditions.ts'
import { isCounted } from './failure-policy.ts'
import { countIndexes, formatIndexes, hasIndex, withIndexes } from './indexes.ts'
import { indexOf, isIndexed, validIndexOf } from './pod-index.ts'

/** No more UIDs than this in a status, so that it stays small (pkg/controller/job, MaxUncountedPods). */
const mostUncounted = 500

export interface Tally {
  /** Pods that the status knows by now, one way or the other: their finalizers may go. */
  readonly release: readonly Pod[]
  /** Whether the status says anything that it did not say before. */
  readonly changed: boolean
  /** More pods are to be counted than fit in one go. */
  readonly isFull: boolean
}

/**
 * The first half of counting: writes the UIDs of pods that have ended into the status (of indexed jobs, succeeded indexes), so that none
 * can be lost or counted twice, whatever happens between the two writes (pkg/controller/job, trackJobStatusAndRemoveFinalizers).
 * `end`: why the job stops, if it does; then all of its pods count, as failed unless it is a success.
 */
export function countIn(status: Draft<JobStatus>, census: Census, end: JobCondition | undefined): Tally {
  const { job, isTracked, awaitingReplacement, knownSucceeded } = census
  const { podFailurePolicy } = job.spec
  const indexed = isIndexed(job)
  const uncounted = {
    succeeded: status.uncountedTerminatedPods?.succeeded ?? [],
    failed: status.uncountedTerminatedPods?.failed ?? [],
  }
  const known = { succeeded: new Set(uncounted.succeeded), failed: new Set(uncounted.failed) }
  const countsAll = end !== undefined && end.type !== 'SuccessCriteriaMet'
  const isLeaving = job.metadata.deletionTimestamp !== undefined || end !== undefined
  const release: Pod[] = []
  const newIndexes: number[] = []
  let changed = false
  let isFull = false
  const byIndex = (a: Pod, b: Pod) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)
  for (const pod of indexed ? [...census.pods].sort(byIndex) : census.pods) {
    const { uid } = pod.metadata
    if (!isTracked(pod)) continue
    const failed = hasFailed(job, pod)
    const succeeded = pod.status.phase === 'Succeeded'
    const isAwaiting = awaitingReplacement.get(indexOf(pod) ?? -1)?.metadata.uid === uid
    if (!isLeaving && !succeeded && (!failed || isAwaiting)) continue
    release.push(pod)
    const index = validIndexOf(job, pod)
    if (succeeded && !known.failed.has(uid)) {
      if (indexed && index !== undefined && !hasIndex(knownSucceeded, index)) newIndexes.push(index)
      else if (!indexed && !known.succeeded.has(uid)) uncounted.succeeded = [...uncounted.succeeded, uid]
      changed ||= newIndexes.length > 0 || uncounted.succeeded.length > known.succeeded.size
    } else if ((failed || countsAll) && !known.failed.has(uid) && (!indexed || index !== undefined)) {
      if (!isCounted(podFailurePolicy, pod)) continue
      uncounted.failed = [...uncounted.failed, uid]
      changed = true
    }
    isFull = newIndexes.length + uncounted.succeeded.length + uncounted.failed.length >= mostUncounted
    if (isFull) break
  }
  setUncounted(status, uncounted)
  return { release, isFull, changed: setIndexes(status, census, newIndexes) || changed }
}

/** The indexes that succeeded and failed, of an indexed job; answers whether that is news. */
function setIndexes(
  status: Draft<JobStatus>,
  { job, succeededIndexes, failedIndexes }: Census,
  newIndexes: readonly number[],
): boolean {
  if (!isIndexed(job)) return false
  const succeeded = withIndexes(succeededIndexes, newIndexes)
  const completed = formatIndexes(succeeded)
  const failed = failedIndexes && formatIndexes(failedIndexes)
  const changed = completed !== (status.completedIndexes ?? '') || failed !== status.failedIndexes
  status.succeeded = countIndexes(succeeded)
  status.completedIndexes = completed
  if (failed === undefined) delete status.failedIndexes
  else status.failedIndexes = failed
  return changed
}

/**
 * The second half: UIDs of pods without the finalizer become numbers. Answers whether there were any. `held`: the UIDs of pods that
 * still have it.
 */
export function foldIn(status: Draft<JobStatus>, held: ReadonlySet<string>): boolean {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const left = { succeeded: succeeded.filter(uid => held.has(uid)), failed: failed.filter(uid => held.has(uid)) }
  const counted = { succeeded: succeeded.length - left.succeeded.length, failed: failed.length - left.failed.length }
  if (counted.succeeded + counted.failed === 0) return false
  status.succeeded = (status.succeeded ?? 0) + counted.succeeded
  status.failed = (status.failed ?? 0) + counted.failed
  setUncounted(status, left)
  return true
}

/** How many pods are in the status by their UIDs. */
export function uncountedIn({ uncountedTerminatedPods: uncounted }: JobStatus): number {
  return (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0)
}

function setUncounted(status: Draft<JobStatus>, { succeeded, failed }: { succeeded: string[]; failed: string[] }): void {
  status.uncountedTerminatedPods = { ...(succeeded.length > 0 && { succeeded }), ...(failed.length > 0 && { failed }) }
}
