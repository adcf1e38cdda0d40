import { hasNodeWishes, matchesNodeWishes } from '../../api/placement/node-affinity.ts'
import { untoleratedTaint } from '../../api/placement/tolerations.ts'
import { fromLabelSelector, matchesLabels, type Selector } from '../../api/selectors.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Tally } from '../tallies.ts'
import { type DomainCounts, domainCounts } from '../topology.ts'

/** A topology spread constraint, ready for use (plugins/podtopologyspread/common.go). */
export interface Constraint {
  readonly topologyKey: string
  readonly maxSkew: number
  /** 1 when nothing is said. */
  readonly minDomains: number
  readonly selector: Selector
  /** Labels whose values must equal the pod's own, beside the selector. */
  readonly equalLabels: readonly (readonly [key: string, value: string])[]
  /** Without anything to select by, nobody is counted. */
  readonly countsNobody: boolean
  /** Equal for constraints that count the same pods. */
  readonly id: string
  /** 1 when the pod itself would be counted. */
  readonly selfMatch: 0 | 1
  readonly honorsAffinity: boolean
  readonly honorsTaints: boolean
}

export type Demand = 'DoNotSchedule' | 'ScheduleAnyway'

/** A pod's own constraints of one sort. */
export function constraintsOf(pod: PodInfo, whenUnsatisfiable: Demand): Constraint[] {
  const found: Constraint[] = []
  for (const one of pod.pod.spec.topologySpreadConstraints ?? []) {
    if (one.whenUnsatisfiable !== whenUnsatisfiable) continue
    const { topologyKey, maxSkew, minDomains = 1, labelSelector, matchLabelKeys = [], nodeAffinityPolicy, nodeTaintsPolicy } = one
    const selector = fromLabelSelector(labelSelector)
    const equalLabels = matchLabelKeys.flatMap(key => (key in pod.labels ? [[key, pod.labels[key] ?? ''] as const] : []))
    found.push({
      topologyKey,
      maxSkew,
      minDomains,
      selector,
      equalLabels,
      id: `spread ${pod.namespace} ${JSON.stringify([labelSelector, equalLabels])}`,
      countsNobody: selector === 'nothing' || selector.length + equalLabels.length === 0,
      selfMatch: matchesLabels(selector, pod.labels) ? 1 : 0,
      honorsAffinity: nodeAffinityPolicy !== 'Ignore',
      honorsTaints: nodeTaintsPolicy === 'Honor',
    })
  }
  return found
}

/** Whether another pod is of those a constraint is about: in the same namespace and selected. */
export function isMeant(
  { selector, equalLabels }: Pick<Constraint, 'selector' | 'equalLabels'>,
  pod: PodInfo,
  other: PodInfo,
): boolean {
  return (
    other.namespace === pod.namespace &&
    matchesLabels(selector, other.labels) &&
    equalLabels.every(([key, value]) => other.labels[key] === value)
  )
}

/** Whether another pod is counted: it is meant, and not on its way out. */
export function isCounted(constraint: Constraint, pod: PodInfo, other: PodInfo): boolean {
  return !constraint.countsNobody && !other.pod.metadata.deletionTimestamp && isMeant(constraint, pod, other)
}

/** Whether a node's pods count: it has the keys of all constraints, and affinity and taints allow it as far as they are to be honoured. */
export function isEligible(node: NodeInfo, pod: PodInfo, constraint: Constraint, all: readonly Constraint[]): boolean {
  for (const { topologyKey } of all) if (node.labels[topologyKey] === undefined) return false
  if (constraint.honorsAffinity && !matchesNodeWishes(pod.pod.spec, node)) return false
  return !constraint.honorsTaints || !untoleratedTaint(node.hardTaints, pod.pod.spec.tolerations, 'NoSchedule', 'NoExecute')
}

/** Matching pods, wherever they are. */
export function tallyOf({ tallies }: Snapshot, pod: PodInfo, constraint: Constraint): Tally {
  return tallies.of(constraint.id, other => (isCounted(constraint, pod, other) ? 1 : 0))
}

/**
 * Matching pods by domain, over eligible nodes. Usually every node that has the key is eligible; then the counts that are kept from
 * pod to pod will do.
 */
export function countsIn(snapshot: Snapshot, pod: PodInfo, constraint: Constraint, all: readonly Constraint[]): DomainCounts {
  const tally = tallyOf(snapshot, pod, constraint)
  const isEveryNodeEligible =
    all.every(({ topologyKey }) => topologyKey === constraint.topologyKey || snapshot.isOnEveryNode(topologyKey)) &&
    !constraint.honorsTaints &&
    !(constraint.honorsAffinity && hasNodeWishes(pod.pod.spec))
  if (isEveryNodeEligible) return tally.byDomain(constraint.topologyKey)
  const counts = domainCounts(snapshot.topologyOf(constraint.topologyKey))
  for (const node of snapshot.nodes) if (isEligible(node, pod, constraint, all)) counts.add(node.slot, tally.on(node))
  return counts
}
