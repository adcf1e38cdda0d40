import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import { availableAt, isReady } from '../shared/pod-state.ts'
import type { ReplicaOwner } from './owner.ts'

/** What went wrong in a run, if something did. */
export interface Failure {
  readonly reason: 'FailedCreate' | 'FailedDelete'
  readonly error: unknown
}

/**
 * The status that the pods amount to (pkg/controller/replicaset/replica_set_utils.go). Counts of zero are left out, as upstream does;
 * so is that of the terminating pods where the kind has no such field (`undefined`).
 */
export function statusOf(
  set: ReplicaOwner,
  { active, terminating }: { active: readonly Pod[]; terminating: number | undefined },
  failure: Failure | undefined,
  now: number,
): ReplicaOwner['status'] {
  const labels = Object.entries(set.spec.template?.metadata.labels ?? {})
  const minReadySeconds = set.spec.minReadySeconds ?? 0
  const isLabeled = (pod: Pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value)
  const isAvailable = (pod: Pod) => (availableAt(pod, minReadySeconds) ?? Number.POSITIVE_INFINITY) <= now
  const conditions = withFailure(set.status.conditions ?? [], failure, now)
  return {
    ...set.status,
    replicas: active.length,
    fullyLabeledReplicas: orNothing(active.filter(isLabeled).length),
    readyReplicas: orNothing(active.filter(isReady).length),
    availableReplicas: orNothing(active.filter(isAvailable).length),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    observedGeneration: set.metadata.generation ?? 0,
    conditions: conditions.length > 0 ? conditions : undefined,
  }
}

const orNothing = (count: number) => (count === 0 ? undefined : count)

type Conditions = NonNullable<ReplicaOwner['status']['conditions']>

/** Told once: a later, different error does not replace the first; a run without errors clears it. */
function withFailure(conditions: Conditions, failure: Failure | undefined, now: number): Conditions {
  const known = conditions.find(condition => condition.type === 'ReplicaFailure')
  if (Boolean(known) === Boolean(failure)) return conditions
  if (!failure) return conditions.filter(condition => condition.type !== 'ReplicaFailure')
  const message = failure.error instanceof Error ? failure.error.message : String(failure.error)
  const { reason } = failure
  return [...conditions, { type: 'ReplicaFailure', status: 'True', reason, message, lastTransitionTime: timestamp(now) }]
}

/** In how many milliseconds the next ready pod becomes available; `undefined` when none is waiting to. */
export function nextAvailableInMs(set: ReplicaOwner, active: readonly Pod[], now: number): number | undefined {
  let soonest: number | undefined
  for (const pod of active) {
    const at = availableAt(pod, set.spec.minReadySeconds ?? 0)
    if (at !== undefined && at > now && (soonest === undefined || at < soonest)) soonest = at
  }
  return soonest === undefined ? undefined : soonest - now
}
