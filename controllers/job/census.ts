import type { Job } from '../../api/batch/job.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isActive, isFinished, isReady } from '../shared/pod-state.ts'
import { finishedAt } from './backoff.ts'
import { isCounted, ruleOn } from './failure-policy.ts'
import { countIndexes, hasIndex, type Indexes, parseIndexes, withIndexes } from './indexes.ts'
import { failuresBefore, indexOf, isIndexed, validIndexOf } from './pod-index.ts'

/** Keeps a pod until its job has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'

/** What there is of a job: its pods, sorted by how they fare, and how far that brings it. */
export interface Census {
  readonly job: Job
  readonly pods: readonly Pod[]
  readonly active: readonly Pod[]
  readonly ready: number
  readonly terminating: number
  /** Pods that have ended and that no earlier run has seen ended. */
  readonly newlySucceeded: readonly Pod[]
  readonly newlyFailed: readonly Pod[]
  /** All that succeeded, counted or not; of an indexed job, indexes. */
  readonly succeeded: number
  readonly failed: number
  /** Indexes that the status names. */
  readonly knownSucceeded: Indexes
  readonly succeededIndexes: Indexes
  /** Only where failures are counted per index. */
  readonly failedIndexes: Indexes | undefined
  /**
   * Per index, the failed pod whose replacement is still to come. It keeps its finalizer, and so exists, until then: the replacement
   * carries on its count.
   */
  readonly awaitingReplacement: ReadonlyMap<number, Pod>
  /** Whether a pod is still to be counted. */
  readonly isTracked: (pod: Pod) => boolean
}

/** Only pods that have failed are replaced, not those that are still on their way out. */
export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined
}

/** A pod that was told to end counts as failed, as it may never say so itself; unless the job waits for those. */
export function hasFailed(job: Job, { metadata, status }: Pod): boolean {
  if (status.phase === 'Failed') return true
  return !replacesOnlyFailed(job) && metadata.deletionTimestamp !== undefined && status.phase !== 'Succeeded'
}

export const isTerminating = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined

export const hasFinalizer = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) === true

/** Takes stock (pkg/controller/job, syncJob). `released`: UIDs of pods that have been counted and may still look as before. */
export function takeCensus(job: Job, pods: readonly Pod[], released: ReadonlySet<string> = new Set()): Census {
  const { completions = 0, podFailurePolicy, backoffLimitPerIndex } = job.spec
  const { uncountedTerminatedPods: uncounted, completedIndexes = '', failedIndexes: knownFailed = '' } = job.status
  const indexed = isIndexed(job)
  const isTracked = (pod: Pod) => hasFinalizer(pod) && !released.has(pod.metadata.uid)
  const candidates = pods.filter(pod => isTracked(pod) && (!indexed || validIndexOf(job, pod) !== undefined))
  const uncountedSucceeded = new Set(uncounted?.succeeded)
  const uncountedFailed = new Set(uncounted?.failed)
  const newlySucceeded = candidates.filter(pod => pod.status.phase === 'Succeeded' && !uncountedSucceeded.has(pod.metadata.uid))
  const newlyFailed = candidates.filter(pod => hasFailed(job, pod) && !uncountedFailed.has(pod.metadata.uid))
  const active = pods.filter(isActive)

  const tracked = indexed ? pods.filter(pod => hasFinalizer(pod) && validIndexOf(job, pod) !== undefined) : []
  const indexesOf = (some: readonly Pod[]) => new Set(some.map(pod => indexOf(pod) ?? 0))
  const knownSucceeded = indexed ? parseIndexes(completedIndexes, completions) : []
  const succeededIndexes = withIndexes(knownSucceeded, indexesOf(tracked.filter(pod => pod.status.phase === 'Succeeded')))
  const failedIndexes =
    indexed && backoffLimitPerIndex !== undefined
      ? withIndexes(
          parseIndexes(knownFailed, completions),
          indexesOf(tracked.filter(pod => failsIndex(job, pod, backoffLimitPerIndex))),
        )
      : undefined
  const failures = newlyFailed.filter(pod => isCounted(podFailurePolicy, pod)).length
  return {
    job,
    pods,
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    newlySucceeded,
    newlyFailed,
    succeeded: indexed
      ? countIndexes(succeededIndexes)
      : (job.status.succeeded ?? 0) + newlySucceeded.length + uncountedSucceeded.size,
    failed: (job.status.failed ?? 0) + failures + uncountedFailed.size,
    knownSucceeded,
    succeededIndexes,
    failedIndexes,
    awaitingReplacement: failedIndexes
      ? awaitingReplacement(
          candidates.filter(pod => hasFailed(job, pod)),
          index => hasIndex(succeededIndexes, index) || hasIndex(failedIndexes, index),
          new Set(active.map(indexOf)),
        )
      : new Map(),
    isTracked,
  }
}

/** Whether the failure of a pod is the last that its index may have. */
function failsIndex(job: Job, pod: Pod, limit: number): boolean {
  const { podFailurePolicy } = job.spec
  if (!hasFailed(job, pod)) return false
  const action = ruleOn(podFailurePolicy, pod)?.action
  if (action === 'FailIndex') return true
  return action !== 'Ignore' && failuresBefore(pod).counted >= limit
}

/** Of several failed pods of an index the one with the most failures before it, or the latest. */
function awaitingReplacement(
  failed: readonly Pod[],
  isOver: (index: number) => boolean,
  activeIndexes: ReadonlySet<number | undefined>,
): Map<number, Pod> {
  const waiting = new Map<number, Pod>()
  const failuresOf = (pod: Pod) => failuresBefore(pod).counted + failuresBefore(pod).ignored
  for (const pod of failed) {
    const index = indexOf(pod)
    if (index === undefined || isOver(index) || activeIndexes.has(index)) continue
    const known = waiting.get(index)
    const isLater = !known || (failuresOf(known) <= failuresOf(pod) && finishedAt(pod) >= finishedAt(known))
    if (isLater) waiting.set(index, pod)
  }
  return waiting
}
