import { Pod } from '../../api/core/pod.ts'
import { ApiError, isReason } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { AnyKind } from '../../api/kind.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { fromLabelSelector } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Controller, ListerOf, ReconcileContext, ReconcileResult, Watch } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'
import { controllerOf, on } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import { podsByLabel, selectorIndex } from '../shared/label-index.ts'
import { isReady } from '../shared/pod-state.ts'
import { restMsFor } from '../shared/rest.ts'
import { goSelectorText } from '../shared/selector-text.ts'
import { disruptedOf, expectationOf, failedStatusOf, healthy, needsScale, staleAt, statusOf } from './plan.ts'
import { cached, expectedScale } from './scale.ts'

const budgetsBySelector = selectorIndex(PodDisruptionBudget, ({ spec }) => fromLabelSelector(spec.selector))
/** Keys of pods, which share the queue with budgets. */
const podPrefix = 'pod '

/**
 * Counts the pods of disruption budgets, so that evictions know what is left to allow; and takes back what pods say about being
 * disrupted, if they are not (pkg/controller/disruption).
 */
export function disruption(kinds: readonly AnyKind[]): Controller {
  let known = kinds
  return {
    name: 'disruption',
    source: 'controllermanager',
    watches: [on(PodDisruptionBudget), on(Pod, concerned), ...cached.map(kind => on(kind, rescaled(kind)))],
    writes: [PodDisruptionBudget, Pod],
    indexes: [budgetsBySelector.index, podsByLabel],
    custom: {
      changed(custom) {
        known = [...kinds, ...custom]
      },
    },

    async reconcile(context, key) {
      if (key.startsWith(podPrefix)) return lookAtPod(context, key.slice(podPrefix.length))
      const budget = context.lister(PodDisruptionBudget).get(key)
      if (!budget) return undefined
      try {
        return await count(context, known, budget)
      } catch (error) {
        if (isReason(error, 'Conflict')) throw error
        const message = (error as Error).message
        context.log.debug({ err: error }, 'budget not counted')
        await report(context, budget, failedStatusOf(budget, message, context.clock.now()), `it cannot be counted: ${message}`)
        // What was the server's fault will pass, and nothing need happen that would wake us.
        if (error instanceof ApiError && error.status.code >= 429) throw error
        return undefined
      }
    },
  }
}

/** A pod's budgets; and the pod itself, when it says that it is disrupted, or has too many budgets. */
function concerned({ type, object, previous }: Change, lister: ListerOf): readonly string[] {
  const pod = object as Pod
  if (type === 'modified' && previous && counted(pod) === counted(previous as Pod) && staleAt(pod) === undefined) {
    if (deepEqual(previous.metadata.labels, object.metadata.labels)) return []
  }
  const budgets = budgetsBySelector.selecting(lister, pod).map(keyOf)
  const isOdd = type !== 'deleted' && (budgets.length > 1 || staleAt(pod) !== undefined)
  const isRelabelled = previous !== undefined && !deepEqual(previous.metadata.labels, object.metadata.labels)
  const former = isRelabelled ? budgetsBySelector.selecting(lister, previous).map(keyOf) : []
  return [...budgets, ...former, ...(isOdd ? [`${podPrefix}${keyOf(pod)}`] : [])]
}

/** What of a pod, beside its labels, counts for its budgets, in one word. */
const counted = (pod: Pod): string =>
  `${pod.metadata.deletionTimestamp !== undefined} ${isReady(pod)} ${controllerOf(pod)?.uid ?? ''}`

/** The budgets of the pods of a controller that wants more of them, or fewer. */
function rescaled(kind: AnyKind): Watch['keys'] {
  const replicas = (object: KubeObject | undefined) => object && kind.scale?.specReplicas(object)
  return ({ type, object, previous }, lister) => {
    if (type !== 'modified' || replicas(object) === replicas(previous)) return []
    const { template } = (object as KubeObject & { spec: { template?: { metadata?: KubeObject['metadata'] } } }).spec
    const { namespace } = object.metadata
    return budgetsBySelector.selecting(lister, { metadata: { namespace, labels: template?.metadata?.labels } }).map(keyOf)
  }
}

async function count(
  context: ReconcileContext,
  kinds: readonly AnyKind[],
  budget: PodDisruptionBudget,
): Promise<ReconcileResult> {
  const { lister, events, clock } = context
  const { namespace, name } = budget.metadata
  const pods = budgetsBySelector.podsOf(lister, budget)
  if (pods.length === 0) events.record(budget, 'Normal', 'NoPods', 'No matching pods found')
  const expectation = expectationOf(budget, {
    scale: needsScale(budget) ? await scaleOf(context, kinds, budget, pods) : 0,
    pods: pods.length,
  })
  const now = clock.now()
  const disrupted = disruptedOf(pods, budget.status, now)
  for (const pod of disrupted.overdue) {
    const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`
    events.record(pod, 'Warning', 'NotDeleted', message)
  }
  const status = statusOf(budget, expectation, healthy(pods, disrupted, now), disrupted, now)
  const { currentHealthy, desiredHealthy, disruptionsAllowed } = status
  const text = `${currentHealthy} pods are healthy, ${desiredHealthy} must be: ${disruptionsAllowed} may be disrupted`
  await report(context, budget, status, text)
  const restMs = restMsFor(pods.length)
  return disrupted.recheckAt === undefined ? { restMs } : { restMs, requeueAfterMs: disrupted.recheckAt - now + 1 }
}

async function scaleOf(
  context: ReconcileContext,
  kinds: readonly AnyKind[],
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
): Promise<number> {
  const { events } = context
  try {
    const { scale, unmanaged } = await expectedScale(context, kinds, pods)
    if (unmanaged.length > 0) {
      const message =
        `Pods selected by this PodDisruptionBudget (selector: ${goSelectorText(budget.spec.selector ?? {})}) were found ` +
        'to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
        'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
      events.record(budget, 'Warning', 'UnmanagedPods', message)
    }
    return scale
  } catch (error) {
    const message = `Failed to calculate the number of expected pods: ${(error as Error).message}`
    events.record(budget, 'Warning', 'CalculateExpectedPodCountFailed', message)
    throw error
  }
}

/** Writes the status if it says anything new. */
async function report(
  { client }: ReconcileContext,
  budget: PodDisruptionBudget,
  status: PodDisruptionBudget['status'],
  text: string,
): Promise<void> {
  if (deepEqual(budget.status, status)) return
  const { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed } = status
  const data = { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed }
  await client.updateStatus(PodDisruptionBudget, { ...budget, status }, { note: { rule: 'disruption/status', text, data } })
}

/** Tells of a pod with more than one budget, and takes back a stale DisruptionTarget condition. */
async function lookAtPod({ client, lister, events, clock }: ReconcileContext, key: string): Promise<ReconcileResult | undefined> {
  const pod = lister(Pod).get(key)
  if (!pod) return undefined
  const { namespace, name } = pod.metadata
  const [first, another] = budgetsBySelector.selecting(lister, pod)
  if (first && another) {
    const chosen = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${first.metadata.name}" arbitrarily.`
    events.record(pod, 'Warning', 'MultiplePodDisruptionBudgets', chosen)
  }
  const at = staleAt(pod)
  if (at === undefined) return undefined
  const now = clock.now()
  if (at > now) return { requeueAfterMs: at - now }
  const { generation: observedGeneration } = pod.metadata
  const taken = { type: 'DisruptionTarget', status: 'False', lastTransitionTime: timestamp(now) } as const
  const conditions = (pod.status.conditions ?? []).map(each =>
    each.type === taken.type
      ? { ...taken, ...(each.observedGeneration !== undefined && observedGeneration !== undefined && { observedGeneration }) }
      : each,
  )
  const note = { rule: 'disruption/stale', text: 'it was said to be disrupted, and was not within two minutes' }
  await client.updateStatus(Pod, { ...pod, status: { ...pod.status, conditions } }, { note })
  return undefined
}
