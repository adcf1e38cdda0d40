import type { Pod } from '../../api/core/pod.ts'
import { amountOf } from '../../api/int-or-percent.ts'
import type { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { timestamp } from '../../lib/clock.ts'
import { isFinished, isReady } from '../shared/pod-state.ts'

type Status = PodDisruptionBudget['status']

/** How many pods a budget counts on, and how many of them must be healthy. */
export interface Expectation {
  readonly expectedPods: number
  readonly desiredHealthy: number
}

/** Whether a budget depends on how many pods the controllers of its pods want: a share of them, or how many may be missing. */
export const needsScale = ({ spec }: PodDisruptionBudget): boolean =>
  spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string'

/**
 * What a budget asks for (pkg/controller/disruption/disruption.go getExpectedPodCount): `scale` is how many pods the controllers of its
 * pods want, `pods` how many it selects. Shares round up, of what may be missing, too.
 */
export function expectationOf({ spec }: PodDisruptionBudget, { scale, pods }: { scale: number; pods: number }): Expectation {
  const { minAvailable, maxUnavailable } = spec
  const of = (share: number | string) => (typeof share === 'number' ? share : Math.ceil((amountOf(share) * scale) / 100))
  if (maxUnavailable !== undefined) return { expectedPods: scale, desiredHealthy: Math.max(0, scale - of(maxUnavailable)) }
  if (typeof minAvailable === 'number') return { expectedPods: pods, desiredHealthy: minAvailable }
  return minAvailable === undefined
    ? { expectedPods: 0, desiredHealthy: 0 }
    : { expectedPods: scale, desiredHealthy: of(minAvailable) }
}

/** How long an eviction is believed in that nobody sees happen, and so is what a pod says about being disrupted. */
export const patienceInMs = 120_000

/** Who of the evicted is still to go. */
export interface Disrupted {
  readonly pods: Readonly<Record<string, string>>
  /** Those that should have gone by now, and have not. */
  readonly overdue: readonly Pod[]
  /** When the first of them will be overdue, in milliseconds; undefined: nobody is waited for. */
  readonly recheckAt: number | undefined
}

/** Forgets who is on its way out, or gone, or not going after all (buildDisruptedPodMap). */
export function disruptedOf(pods: readonly Pod[], { disruptedPods = {} }: Status, now: number): Disrupted {
  const left: Record<string, string> = {}
  const overdue: Pod[] = []
  let recheckAt: number | undefined
  for (const pod of pods) {
    const since = Object.hasOwn(disruptedPods, pod.metadata.name) ? disruptedPods[pod.metadata.name] : undefined
    if (since === undefined || pod.metadata.deletionTimestamp) continue
    const until = Date.parse(since) + patienceInMs
    if (until < now) overdue.push(pod)
    else {
      left[pod.metadata.name] = since
      recheckAt = Math.min(until, recheckAt ?? until)
    }
  }
  return { pods: left, overdue, recheckAt }
}

/** How many pods are healthy: ready, and not about to go. */
export function healthy(pods: readonly Pod[], disrupted: Disrupted, now: number): number {
  const isLeaving = ({ metadata }: Pod) => {
    const since = Object.hasOwn(disrupted.pods, metadata.name) ? disrupted.pods[metadata.name] : undefined
    return metadata.deletionTimestamp !== undefined || (since !== undefined && Date.parse(since) + patienceInMs > now)
  }
  return pods.filter(pod => !isLeaving(pod) && isReady(pod)).length
}

/** The status that all this comes to. What is expected must be more than nothing, or the first pods to come were not protected. */
export function statusOf(
  { metadata, status }: PodDisruptionBudget,
  { expectedPods, desiredHealthy }: Expectation,
  currentHealthy: number,
  { pods }: Disrupted,
  now: number,
): Status {
  const spare = currentHealthy - desiredHealthy
  const disruptionsAllowed = expectedPods <= 0 || spare <= 0 ? 0 : spare
  const observedGeneration = metadata.generation ?? 0
  const isAllowed = disruptionsAllowed > 0
  const condition = { status: isAllowed ? 'True' : 'False', reason: isAllowed ? 'SufficientPods' : 'InsufficientPods' } as const
  return {
    observedGeneration,
    ...(Object.keys(pods).length > 0 && { disruptedPods: { ...pods } }),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: withCondition(status, { ...condition, message: '', observedGeneration }, now),
  }
}

/** The status when it cannot be told: nothing may be disrupted until it can (failSafe). */
export function failedStatusOf({ status }: PodDisruptionBudget, message: string, now: number): Status {
  const { observedGeneration = 0 } = status
  const condition = { status: 'False', reason: 'SyncFailed', message, observedGeneration } as const
  return { ...status, disruptionsAllowed: 0, conditions: withCondition(status, condition, now) }
}

type Condition = NonNullable<Status['conditions']>[number]

function withCondition(
  { conditions = [] }: Status,
  next: Omit<Condition, 'type' | 'lastTransitionTime'>,
  now: number,
): Condition[] {
  const type = 'DisruptionAllowed'
  const known = conditions.find(condition => condition.type === type)
  const lastTransitionTime = known?.status === next.status ? known.lastTransitionTime : timestamp(now)
  const told = { type, ...next, ...(lastTransitionTime !== undefined && { lastTransitionTime }) }
  return known ? conditions.map(condition => (condition === known ? told : condition)) : [...conditions, told]
}

/**
 * When what a pod says about being disrupted is to be taken back, in milliseconds, because it did not go; undefined: it says nothing, or
 * goes, or its kubelet says so, which may take its time.
 */
export function staleAt({ metadata, status }: Pod): number | undefined {
  const told = status.conditions?.find(({ type }) => type === 'DisruptionTarget')
  if (metadata.deletionTimestamp || isFinished({ metadata, status } as Pod)) return undefined
  if (told?.status !== 'True' || told.reason === 'TerminationByKubelet') return undefined
  return Date.parse(told.lastTransitionTime ?? '') + patienceInMs || 0
}
