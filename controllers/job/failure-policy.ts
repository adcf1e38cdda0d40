import type { JobSpec } from '../../api/batch/job-spec.ts'
import type { Pod } from '../../api/core/pod.ts'

type Policy = NonNullable<JobSpec['podFailurePolicy']>
type Rule = Policy['rules'][number]
type OnExitCodes = NonNullable<Rule['onExitCodes']>

/** What a job's failure policy says about a failed pod. Only FailJob has a message: the job's condition says it. */
export interface Ruling {
  readonly action: Rule['action']
  readonly message?: string
}

/**
 * The first rule that fits decides; `undefined` when none does, and the failure counts as any other
 * (pkg/controller/job/pod_failure_policy.go).
 */
export function ruleOn(policy: Policy | undefined, pod: Pod): Ruling | undefined {
  for (const [i, { action, onExitCodes, onPodConditions }] of (policy?.rules ?? []).entries()) {
    const what = onExitCodes ? exitOf(pod, onExitCodes) : conditionOf(pod, onPodConditions ?? [])
    if (what === undefined) continue
    return action === 'FailJob' ? { action, message: `${what} matching ${action} rule at index ${i}` } : { action }
  }
  return undefined
}

/** Whether a failed pod counts as a failure of the job. */
export function isCounted(policy: Policy | undefined, pod: Pod): boolean {
  return ruleOn(policy, pod)?.action !== 'Ignore'
}

/** The first container that ended in one of the ways meant, in words: regular ones first. Those that still run have no say. */
function exitOf({ metadata, status }: Pod, { containerName, operator, values }: OnExitCodes): string | undefined {
  for (const { name, state } of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]) {
    const code = state?.terminated?.exitCode ?? 0
    if (code === 0 || (containerName !== undefined && containerName !== name)) continue
    if (values.includes(code) !== (operator === 'In')) continue
    return `Container ${name} for pod ${metadata.namespace}/${metadata.name} failed with exit code ${code}`
  }
  return undefined
}

function conditionOf({ metadata, status }: Pod, patterns: NonNullable<Rule['onPodConditions']>): string | undefined {
  const found = status.conditions?.find(each => patterns.some(({ type, status }) => each.type === type && each.status === status))
  return found && `Pod ${metadata.namespace}/${metadata.name} has condition ${found.type}`
}
