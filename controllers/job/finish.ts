import type { Pod } from '../../api/core/pod.ts'
import { type Census, hasFailed } from './census.ts'
import { type JobCondition, newCondition, trueCondition } from './conditions.ts'
import { ruleOn } from './failure-policy.ts'
import { countIndexes } from './indexes.ts'
import { isIndexed } from './pod-index.ts'
import { metRule } from './success-policy.ts'

/**
 * Whether a job must stop now, and why: the first that applies, in upstream's order (pkg/controller/job, syncJob). FailureTarget or
 * SuccessCriteriaMet while its pods are yet to go; Failed when it has said FailureTarget before.
 */
export function endOf(census: Census, startTime: string | undefined, now: number): JobCondition | undefined {
  const { job, pods, failed, failedIndexes, succeededIndexes } = census
  const { spec, status } = job
  const met = trueCondition(status, 'SuccessCriteriaMet')
  if (met) return met
  const failing = trueCondition(status, 'FailureTarget')
  if (failing) return newCondition('Failed', failing.reason ?? '', failing.message ?? '', now)
  const failure = (reason: string, message: string) => newCondition('FailureTarget', reason, message, now)

  const ruling = failJobMessage(census)
  if (ruling !== undefined) return failure('PodFailurePolicy', ruling)
  if (failed > (spec.backoffLimit ?? 0) || restartedTooOften(census, pods)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  }
  const left = deadlineLeft(census, startTime, now)
  if (left !== undefined && left <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline')
  if (!isIndexed(job)) return undefined

  const failedCount = countIndexes(failedIndexes ?? [])
  if (failedIndexes && spec.maxFailedIndexes !== undefined && failedCount > spec.maxFailedIndexes) {
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  }
  if (failedCount > 0 && failedCount + countIndexes(succeededIndexes) >= (spec.completions ?? 0)) {
    return failure('FailedIndexes', 'Job has failed indexes')
  }
  const rule = metRule(spec, succeededIndexes)
  return rule === undefined ? undefined : newCondition('SuccessCriteriaMet', 'SuccessPolicy', rule, now)
}

/** Whether all that was asked for is done and nothing runs any more. `active`: pods after this run's creations and deletions. */
export function isComplete({ job, succeeded }: Census, active: number): boolean {
  const { completions } = job.spec
  return active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions)
}

/** How long a job may still run, in milliseconds; `undefined` where nobody limits it, or while it is suspended. */
export function deadlineLeft({ job }: Pick<Census, 'job'>, startTime: string | undefined, now: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec
  if (activeDeadlineSeconds === undefined || startTime === undefined || suspend) return undefined
  return Date.parse(startTime) + activeDeadlineSeconds * 1000 - now
}

function failJobMessage({ job, pods }: Census): string | undefined {
  const { podFailurePolicy } = job.spec
  if (!podFailurePolicy) return undefined
  for (const pod of pods) {
    const message = hasFailed(job, pod) ? ruleOn(podFailurePolicy, pod)?.message : undefined
    if (message !== undefined) return message
  }
  return undefined
}

/** With OnFailure it is containers that fail, again and again in the same pod: their restarts count, in pods that still run. */
function restartedTooOften({ job }: Census, pods: readonly Pod[]): boolean {
  const { template, backoffLimit = 0 } = job.spec
  if (template.spec.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const { status } of pods) {
    if (status.phase !== 'Running' && status.phase !== 'Pending') continue
    const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
    for (const { restartCount } of containers) restarts += restartCount
  }
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit
}
