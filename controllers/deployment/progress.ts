import type { Deployment, DeploymentStatus } from '../../api/apps/deployment.ts'
import { type ConditionType, conditionOf, progressDeadline, withCondition, withoutCondition } from './conditions.ts'
import type { Versions } from './replica-sets.ts'
import { failureOf, isComplete, statusOf } from './status.ts'

/** The status of a Deployment that is being rolled out, with what can be said of its progress (pkg/controller/deployment/progress.go). */
export function rolloutStatus(deployment: Deployment, versions: Versions, now: number): DeploymentStatus {
  const status = statusOf(deployment, versions, now)
  const withProgress = progressOf(deployment, versions, status, now)
  const failure = failureOf(versions)
  const conditions = failure
    ? withCondition(
        withProgress,
        {
          type: 'ReplicaFailure',
          status: failure.status,
          reason: failure.reason ?? '',
          message: failure.message ?? '',
        },
        now,
      )
    : withoutCondition(withProgress, 'ReplicaFailure')
  return { ...status, conditions: [...conditions] }
}

function progressOf(deployment: Deployment, { fresh }: Versions, status: DeploymentStatus, now: number) {
  const conditions = status.conditions ?? []
  const type: ConditionType = 'Progressing'
  if (progressDeadline(deployment) === undefined) return withoutCondition(conditions, type)
  const known = conditionOf(deployment.status.conditions, type)
  const wasCompleted = status.replicas === status.updatedReplicas && known?.reason === 'NewReplicaSetAvailable'
  if (wasCompleted) return conditions
  const subject = fresh ? `ReplicaSet "${fresh.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`
    return withCondition(conditions, { type, status: 'True', reason: 'NewReplicaSetAvailable', message }, now)
  }
  if (hasProgressed(deployment.status, status)) {
    // Told anew although status and reason may be the same: the time of the update is what the deadline counts from.
    const message = `${subject} is progressing.`
    const fresher = { type, status: 'True', reason: 'ReplicaSetUpdated', message } as const
    const [told] = withCondition([], fresher, now)
    const since = known?.status === 'True' ? known.lastTransitionTime : told?.lastTransitionTime
    return told ? [...withoutCondition(conditions, type), { ...told, lastTransitionTime: since }] : conditions
  }
  if (isTimedOut(deployment, status, now)) {
    const message = `${subject} has timed out progressing.`
    return withCondition(conditions, { type, status: 'False', reason: 'ProgressDeadlineExceeded', message }, now)
  }
  return conditions
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

function isTimedOut(deployment: Deployment, status: DeploymentStatus, now: number): boolean {
  const condition = conditionOf(status.conditions, 'Progressing')
  if (!condition || condition.reason === 'NewReplicaSetAvailable') return false
  const deadline = progressDeadline(deployment) ?? Number.POSITIVE_INFINITY
  return Date.parse(condition.lastUpdateTime ?? '') + deadline * 1000 < now
}

/** When to look again for a rollout that may be stuck, in milliseconds: a second after its deadline. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const seconds = progressDeadline(deployment)
  const condition = conditionOf(status.conditions, 'Progressing')
  if (seconds === undefined || !condition || deployment.spec.paused) return undefined
  // Told already, or past what the deadline is about: pods that are lost later are not a rollout.
  const isSettled = condition.reason === 'ProgressDeadlineExceeded' || condition.reason === 'NewReplicaSetAvailable'
  if (isSettled || isComplete(deployment, status)) return undefined
  return Math.max(0, Date.parse(condition.lastUpdateTime ?? '') + seconds * 1000 - now) + 1000
}

/** The conditions of a Deployment whose pause began or ended, or `undefined` when there is nothing to tell. */
export function pauseConditions(deployment: Deployment, now: number): DeploymentStatus['conditions'] {
  if (progressDeadline(deployment) === undefined) return undefined
  const { conditions = [] } = deployment.status
  const known = conditionOf(conditions, 'Progressing')
  const isPaused = deployment.spec.paused ?? false
  // A lack of progress once reported stays reported.
  if (known?.reason === 'ProgressDeadlineExceeded' || isPaused === (known?.reason === 'DeploymentPaused')) return undefined
  const [reason, message] = isPaused
    ? ['DeploymentPaused', 'Deployment is paused']
    : ['DeploymentResumed', 'Deployment is resumed']
  return [...withCondition(conditions, { type: 'Progressing', status: 'Unknown', reason, message }, now)]
}
