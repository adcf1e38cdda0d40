import type { StatefulSet, StatefulSetStatus } from '../../api/apps/stateful-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import { availableAt, isAvailable, isReady } from '../shared/pod-state.ts'
import { revisionLabel } from './identity.ts'

interface Revisions {
  readonly current: string
  readonly update: string
  readonly collisionCount: number | undefined
}

/**
 * The status that the pods amount to (pkg/controller/statefulset, computeReplicaStatus and completeRollingUpdate). `leaving` has
 * just been deleted to be updated: it counts as a pod, but no longer as one of the current revision.
 */
export function statusOf(
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update, collisionCount }: Revisions,
  leaving: Pod | undefined,
  now: number,
): StatefulSetStatus {
  const { replicas: wanted, minReadySeconds = 0, updateStrategy } = set.spec
  const staying = pods.filter(({ metadata }) => !metadata.deletionTimestamp)
  const countOf = (revision: string) => staying.filter(({ metadata }) => metadata.labels?.[revisionLabel] === revision).length
  const ready = pods.filter(pod => pod.status.phase === 'Running' && isReady(pod))
  const updated = countOf(update)
  const isLessOne = leaving !== undefined && leaving.metadata.labels?.[revisionLabel] === current
  const isComplete = updateStrategy.type !== 'OnDelete' && [updated, ready.length, pods.length].every(count => count === wanted)
  return {
    ...set.status,
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: orNothing(ready.length),
    availableReplicas: ready.filter(pod => isAvailable(pod, minReadySeconds, now)).length,
    currentReplicas: orNothing(isComplete ? updated : countOf(current) - (isLessOne ? 1 : 0)),
    updatedReplicas: orNothing(updated),
    currentRevision: isComplete ? update : current,
    updateRevision: update,
    collisionCount,
  }
}

const orNothing = (count: number) => (count === 0 ? undefined : count)

/** In how many milliseconds the next ready pod becomes available; `undefined` when none is waiting to. */
export function nextAvailableInMs({ spec }: StatefulSet, pods: readonly Pod[], now: number): number | undefined {
  const times = pods.map(pod => availableAt(pod, spec.minReadySeconds ?? 0) ?? 0).filter(at => at > now)
  return times.length > 0 ? Math.min(...times) - now : undefined
}
