import type { Deployment, DeploymentCondition } from '../../api/apps/deployment.ts'
import { timestamp } from '../../lib/clock.ts'

export type ConditionType = 'Available' | 'Progressing' | 'ReplicaFailure'
type Conditions = readonly DeploymentCondition[]

export function conditionOf(conditions: Conditions | undefined, type: ConditionType): DeploymentCondition | undefined {
  return conditions?.find(condition => condition.type === type)
}

export function withoutCondition(conditions: Conditions, type: ConditionType): Conditions {
  return conditions.filter(condition => condition.type !== type)
}

/** Sets a condition. One that has the status and reason already stays as it is; the transition time changes only with the status. */
export function withCondition(
  conditions: Conditions,
  {
    type,
    status,
    reason,
    message,
  }: { type: ConditionType; status: DeploymentCondition['status']; reason: string; message: string },
  now: number,
): Conditions {
  const known = conditionOf(conditions, type)
  if (known?.status === status && known.reason === reason) return conditions
  const lastUpdateTime = timestamp(now)
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : lastUpdateTime
  return [...withoutCondition(conditions, type), { type, status, lastUpdateTime, lastTransitionTime, reason, message }]
}

/** The seconds a rollout may go without progress; `undefined` when it may take for ever. */
export function progressDeadline({ spec }: Deployment): number | undefined {
  const seconds: number | undefined = spec.progressDeadlineSeconds
  return seconds === undefined || seconds === 2 ** 31 - 1 ? undefined : seconds
}
