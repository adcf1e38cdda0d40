import type { Pod } from '../../api/core/pod.ts'
import { ApiError, forbiddenError } from '../../api/errors.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy } from '../../lib/json.ts'
import type { Access } from '../access.ts'
import type { AnyDraft } from '../decode-body.ts'

const refusal = "Cannot evict pod as it would violate the pod's disruption budget."
/** More evictions than this that nobody has confirmed, and the budget is full. */
const mostDisrupted = 2000

function tooManyRequests(cause: string, retryAfterSeconds = 0): ApiError {
  const causes = [{ reason: 'DisruptionBudget', message: cause }]
  return new ApiError('TooManyRequests', refusal, { details: { causes, ...(retryAfterSeconds > 0 && { retryAfterSeconds }) } })
}

/** Whoever keeps the budget has not got round to it: it may be different in a moment. */
export const stillProcessed = (budgetName: string): ApiError =>
  tooManyRequests(`The disruption budget ${budgetName} is still being processed by the server.`, 10)

/** The budget that covers a pod, if there is one. There may not be two. */
export async function budgetOf(pod: Pod, access: Access): Promise<PodDisruptionBudget | undefined> {
  const all = await access.inNamespace(PodDisruptionBudget, pod.metadata.namespace)
  const budgets = all.map(({ object }) => object as unknown as PodDisruptionBudget).filter(budget => isAbout(budget, pod))
  if (budgets.length <= 1) return budgets[0]
  const why = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
  const error = new ApiError('InternalError', why)
  delete error.status.reason
  throw error
}

function isAbout({ spec }: PodDisruptionBudget, pod: Pod): boolean {
  try {
    return matchesLabels(fromLabelSelector(spec.selector), pod.metadata.labels)
  } catch {
    return false
  }
}

/** Whether a pod may go although it is covered: it is not ready, and the budget lets such pods go, or does well without it. */
export function maySkip({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  const isReady = pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  if (isReady) return false
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0
}

/** The budget with one disruption less to allow, and the pod among the disrupted; TooManyRequests if there is none left. */
export function disrupt(budget: PodDisruptionBudget, podName: string, now: number): AnyDraft {
  const { name, generation = 0 } = budget.metadata
  const { observedGeneration = 0, disruptionsAllowed, disruptedPods = {} } = budget.status
  if (observedGeneration < generation) throw stillProcessed(name)
  if (disruptionsAllowed < 0) throw forbiddenError(resource, name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > mostDisrupted) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller'
    throw forbiddenError(resource, name, why)
  }
  if (disruptionsAllowed === 0) throw tooManyRequests(whyNot(budget))
  const draft = copy(budget)
  draft.status.disruptionsAllowed -= 1
  draft.status.disruptedPods = { ...disruptedPods, [podName]: timestamp(now) }
  if (draft.status.disruptionsAllowed === 0) {
    const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '' } as const
    const before = budget.status.conditions?.find(({ type }) => type === condition.type)
    const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : timestamp(now)
    const others = (draft.status.conditions ?? []).filter(({ type }) => type !== condition.type)
    draft.status.conditions = [
      ...others,
      { ...condition, observedGeneration, ...(lastTransitionTime !== undefined && { lastTransitionTime }) },
    ]
  }
  return draft as unknown as AnyDraft
}

/** Upstream says it in the singular here. */
const resource = { group: 'policy', plural: 'poddisruptionbudget' }

function whyNot({ metadata: { name }, status }: PodDisruptionBudget): string {
  const { currentHealthy, desiredHealthy, conditions = [] } = status
  const condition = conditions.find(({ type }) => type === 'DisruptionAllowed')
  const subject = `The disruption budget ${name}`
  if (condition?.status === 'False' && condition.reason === 'SyncFailed') {
    return `${subject} does not allow evicting pods currently because it failed sync: ${condition.message}`
  }
  if (currentHealthy <= desiredHealthy)
    return `${subject} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
  const because = condition?.reason ? ` (${condition.reason})` : ''
  const message = condition?.message ? `: ${condition.message}` : ''
  return `${subject} does not allow evicting pods currently${because}${message}`
}
