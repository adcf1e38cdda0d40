import type { JobStatus } from '../../api/batch/job-spec.ts'
import type { Draft } from '../../api/kind.ts'
import { timestamp } from '../../lib/clock.ts'

export type JobCondition = NonNullable<JobStatus['conditions']>[number]

export function newCondition(type: string, reason: string, message: string, now: number, status: 'True' | 'False' = 'True') {
  const at = timestamp(now)
  return { type, status, reason, message, lastProbeTime: at, lastTransitionTime: at } satisfies JobCondition
}

/** The condition of a type, if it holds. */
export function trueCondition({ conditions }: JobStatus, type: string): JobCondition | undefined {
  return conditions?.find(each => each.type === type && each.status === 'True')
}

/**
 * Makes a condition say what it should, and answers whether it said anything else before. One that does not hold is not added: going
 * from nothing to False means nothing.
 */
export function setCondition(status: Draft<JobStatus>, condition: JobCondition): boolean {
  const { conditions = [] } = status
  const at = conditions.findIndex(({ type }) => type === condition.type)
  const known = conditions[at]
  if (!known && condition.status === 'False') return false
  const { status: says, reason, message } = condition
  if (known?.status === says && known.reason === reason && known.message === message) return false
  status.conditions = known ? conditions.with(at, condition) : [...conditions, condition]
  return true
}

/** Whether a job has come to its end, one way or the other. */
export function isOver(status: JobStatus): boolean {
  return (trueCondition(status, 'Complete') ?? trueCondition(status, 'Failed')) !== undefined
}
