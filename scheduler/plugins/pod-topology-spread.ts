import { type Plugin, type Refusal, unresolvable, unschedulable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { type Constraint, constraintsOf, countsIn, isCounted, isEligible } from './spread-constraints.ts'
import { softSpread } from './soft-spread.ts'
import type { DefaultSelector } from './default-selector.ts'

const name = 'PodTopologySpread'
const missingLabel = unresolvable(name, "node(s) didn't match pod topology spread constraints (missing required label)")
const tooUneven = unschedulable(name, "node(s) didn't match pod topology spread constraints")

/** One hard constraint and how many matching pods each domain has; what-if changes are kept beside what was counted. */
interface Spread {
  readonly constraint: Constraint
  readonly counted: ReadonlyMap<string, number>
  readonly least: number
  readonly changes: Map<string, number>
}

type State = readonly Spread[]

/**
 * A pod may go where its domain would not have more than maxSkew matching pods above the emptiest one (DoNotSchedule); emptier domains
 * are better (ScheduleAnyway; without any constraint a mild wish to spread over nodes and zones).
 */
export function podTopologySpread(defaultSelector: DefaultSelector): Plugin<State, unknown> {
  return {
    name,
    preFilter({ pod, snapshot }) {
      const constraints = constraintsOf(pod, 'DoNotSchedule')
      if (constraints.length === 0) return 'skip'
      return {
        state: constraints.map(constraint => {
          const counted = countsIn(snapshot, pod, constraint, constraints)
          return { constraint, counted, least: leastOf(counted, constraint), changes: new Map() }
        }),
      }
    },
    filter(_, node, state) {
      for (const { constraint } of state) if (node.labels[constraint.topologyKey] === undefined) return missingLabel
      for (const spread of state) {
        const refusal = refusalOf(spread, node)
        if (refusal) return refusal
      }
      return undefined
    },
    copyState: state => state.map(spread => ({ ...spread, changes: new Map(spread.changes) })),
    podAdded: (state, other, node, { pod }) => change(state, pod, other, node, 1),
    podRemoved: (state, other, node, { pod }) => change(state, pod, other, node, -1),
    ...softSpread(defaultSelector),
    wakes: {
      assignedPod: (pod, { before, after }) => isAnyCounted(pod, before) !== isAnyCounted(pod, after) || isAnyCounted(pod, after),
      node: () => true,
      self: (_, { before, after }) => before?.pod.spec.tolerations?.length !== after?.pod.spec.tolerations?.length,
    },
  }
}

function refusalOf({ constraint, counted, least, changes }: Spread, node: NodeInfo): Refusal | undefined {
  const domain = node.labels[constraint.topologyKey] ?? ''
  const matching = (counted.get(domain) ?? 0) + (changes.get(domain) ?? 0)
  const emptiest = changes.size === 0 ? least : leastOf(counted, constraint, changes)
  return matching + constraint.selfMatch - emptiest > constraint.maxSkew ? tooUneven : undefined
}

/** Too few domains count as if there were an empty one. */
function leastOf(
  counted: ReadonlyMap<string, number>,
  { minDomains }: Constraint,
  changes?: ReadonlyMap<string, number>,
): number {
  if (counted.size < minDomains) return 0
  let least = Number.POSITIVE_INFINITY
  for (const [domain, count] of counted) least = Math.min(least, count + (changes?.get(domain) ?? 0))
  return least
}

function change(state: State, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void {
  const constraints = state.map(({ constraint }) => constraint)
  for (const { constraint, changes } of state) {
    if (!isCounted(constraint, pod, other) || !isEligible(node, pod, constraint, constraints)) continue
    const domain = node.labels[constraint.topologyKey] ?? ''
    changes.set(domain, (changes.get(domain) ?? 0) + by)
  }
}

function isAnyCounted(pod: PodInfo, other: PodInfo | undefined): boolean {
  return other !== undefined && constraintsOf(pod, 'DoNotSchedule').some(constraint => isCounted(constraint, pod, other))
}
