import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import { asFound, type Cluster, podsOn, priorityOf, type World } from './cluster.ts'
import { check, type Filtered, type Prepared } from './decision.ts'
import { histogram } from './message.ts'

/** The pods that would have to leave a node. */
export interface Victims {
  readonly node: string
  /** Most important first. */
  readonly pods: readonly Pod[]
  /** How many of them a budget protects. */
  readonly violations: number
}

export interface Preemption {
  /** Whether the pod may push others away at all. */
  readonly isEligible: boolean
  readonly candidates: readonly Victims[]
  /** The names of the nodes whose victims matter least; any of them may be chosen. */
  readonly best: readonly string[]
  /** Why no room can be made. */
  readonly message?: string
}

/** In milliseconds; a pod that has not started is as young as can be. */
const startOf = ({ status }: Pod) => (status.startTime ? Date.parse(status.startTime) : Number.MAX_SAFE_INTEGER)

const byImportance = (a: Pod, b: Pod) => priorityOf(b) - priorityOf(a) || startOf(a) - startOf(b)

/** Those whose leaving some budget forbids; the pods are asked in order, and each uses a budget up (filterPodsWithPDBViolation). */
function protectedPods(pods: readonly Pod[], { budgets }: Cluster): Set<Pod> {
  const left = new Map(budgets.map(budget => [budget, budget.status.disruptionsAllowed ?? 0]))
  const found = new Set<Pod>()
  for (const pod of pods) {
    const { labels = {}, name, namespace } = pod.metadata
    if (Object.keys(labels).length === 0) continue
    for (const budget of budgets) {
      const selector = fromLabelSelector(budget.spec.selector)
      if (budget.metadata.namespace !== namespace || selector.length === 0 || !matchesLabels(selector, labels)) continue
      if (name in (budget.status.disruptedPods ?? {})) continue
      left.set(budget, (left.get(budget) ?? 0) - 1)
      if ((left.get(budget) ?? 0) < 0) found.add(pod)
    }
  }
  return found
}

/**
 * Everyone of lower priority leaves; then, those under budgets and the important ones first, who still fits may stay
 * (plugins/defaultpreemption SelectVictimsOnNode). A text when that does not help.
 */
function victimsOn(node: Node, pod: Pod, cluster: Cluster, prepared: Prepared): Victims | readonly string[] {
  const potential = podsOn(node, asFound(cluster)).filter(other => priorityOf(other) < priorityOf(pod))
  if (potential.length === 0) return ['No preemption victims found for incoming pod']
  const without = (pods: ReadonlySet<Pod>): World => ({
    cluster,
    come: [],
    gone: new Set([...pods].map(({ metadata }) => metadata.uid)),
  })
  const gone = new Set(potential)
  const refusal = check(prepared, pod, node, without(gone))
  if (refusal) return refusal.reasons
  const sorted = [...potential].sort(byImportance)
  const spared = protectedPods(sorted, cluster)
  for (const one of [...sorted.filter(other => spared.has(other)), ...sorted.filter(other => !spared.has(other))]) {
    gone.delete(one)
    if (check(prepared, pod, node, without(gone))) gone.add(one)
  }
  const pods = [...gone].sort(byImportance)
  if (pods.length === 0) return [`expected at least one victim pod on node "${node.metadata.name}"`]
  return { node: node.metadata.name, pods, violations: pods.filter(one => spared.has(one)).length }
}

/** In this order, each deciding only among those that are equal before (pickOneNodeForPreemption). Less is better. */
const demands: readonly ((victims: Victims) => number)[] = [
  ({ violations }) => violations,
  ({ pods }) => Math.max(...pods.map(priorityOf)),
  ({ pods }) => pods.reduce((sum, pod) => sum + priorityOf(pod) + 2 ** 31, 0),
  ({ pods }) => pods.length,
  ({ pods }) => {
    const highest = Math.max(...pods.map(priorityOf))
    return -Math.min(...pods.filter(pod => priorityOf(pod) === highest).map(startOf))
  },
]

function leastHarm(candidates: readonly Victims[]): Victims[] {
  let left = [...candidates]
  for (const demand of demands) {
    const least = Math.min(...left.map(demand))
    left = left.filter(one => demand(one) === least)
  }
  return left
}

function objection(pod: Pod, cluster: Cluster, { answers, preFilter }: Filtered): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = cluster.nodes.find(({ metadata }) => metadata.name === pod.status.nominatedNodeName)
  if (!nominated || preFilter || answers.get(nominated)?.code !== 'Unschedulable') return undefined
  const isLeaving = podsOn(nominated, asFound(cluster)).some(other => {
    const reason = (other.status.conditions ?? []).find(({ type }) => type === 'DisruptionTarget')
    const isPreempted = reason?.status === 'True' && reason.reason === 'PreemptionByScheduler'
    return priorityOf(other) < priorityOf(pod) && !!other.metadata.deletionTimestamp && isPreempted
  })
  return isLeaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}

/** Asked when no node takes the pod (framework/preemption). Looks at all nodes: clusters of up to 100 nodes are searched whole. */
export function preempt(pod: Pod, cluster: Cluster, filtered: Filtered): Preemption {
  const objected = objection(pod, cluster, filtered)
  if (objected) return { isEligible: false, candidates: [], best: [], message: `preemption: ${objected}` }
  const { prepared, answers } = filtered
  const candidates: Victims[] = []
  const reasons: string[] = []
  for (const node of cluster.nodes) {
    const mayHelp = prepared && answers.get(node)?.code === 'Unschedulable'
    const found = mayHelp ? victimsOn(node, pod, cluster, prepared) : ['Preemption is not helpful for scheduling']
    if ('pods' in found) candidates.push(found)
    else reasons.push(...found)
  }
  if (candidates.length > 0) return { isEligible: true, candidates, best: leastHarm(candidates).map(({ node }) => node) }
  const message = `preemption: 0/${cluster.nodes.length} nodes are available: ${histogram(reasons)}.`
  return { isEligible: true, candidates, best: [], message }
}
