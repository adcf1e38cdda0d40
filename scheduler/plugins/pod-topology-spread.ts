import type { Node } from '../../api/core/node.ts'
import { defaultArguments, type PluginArguments } from '../../api/scheduler-config/arguments.ts'
import { type Plugin, type Refusal, type ResourceChange, unresolvable, unschedulable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { type WhatIfCounts, whatIf } from '../topology.ts'
import { haveLabelsChanged, haveTaintsChanged, haveTolerationsChanged } from './changes.ts'
import { constraintsWithDefaults } from './default-constraints.ts'
import type { DefaultSelector } from './default-selector.ts'
import { softSpread } from './soft-spread.ts'
import { type Constraint, countsIn, isEligible, isMeant } from './spread-constraints.ts'

const name = 'PodTopologySpread'
const missingLabel = unresolvable(name, "node(s) didn't match pod topology spread constraints (missing required label)")
const tooUneven = unschedulable(name, "node(s) didn't match pod topology spread constraints")

/** One hard constraint and how many matching pods each domain has. */
interface Spread {
  readonly constraint: Constraint
  readonly counts: WhatIfCounts
  /** More matching pods than this a domain may not have; worked out when it is asked for, and again after a change. */
  limit: number | undefined
}

type State = readonly Spread[]

/**
 * A pod may go where its domain would not have more than maxSkew matching pods above the emptiest one (DoNotSchedule); emptier domains
 * are better (ScheduleAnyway; without any constraint a mild wish to spread over nodes and zones).
 */
export function podTopologySpread(
  defaultSelector: DefaultSelector,
  args: PluginArguments['PodTopologySpread'] = defaultArguments.PodTopologySpread,
): Plugin<State, unknown> {
  const constraintsFor = constraintsWithDefaults(defaultSelector, args)
  const demandsOf = (pod: PodInfo) => constraintsFor(pod, 'DoNotSchedule').constraints
  return {
    name,
    preFilter({ pod, snapshot }) {
      const constraints = demandsOf(pod)
      if (constraints.length === 0) return 'skip'
      return {
        state: constraints.map(constraint => ({
          constraint,
          counts: whatIf(countsIn(snapshot, pod, constraint, constraints)),
          limit: undefined,
        })),
      }
    },
    filter(_, node, state) {
      for (let i = 0; i < state.length; i++) {
        const refusal = refusalOf(state[i] as Spread, node)
        if (refusal) return refusal
      }
      return undefined
    },
    copyState: state => state.map(({ constraint, counts, limit }) => ({ constraint, counts: counts.copy(), limit })),
    podAdded: (state, other, node, { pod }) => change(state, pod, other, node, 1),
    podRemoved: (state, other, node, { pod }) => change(state, pod, other, node, -1),
    ...softSpread(constraintsFor),
    wakes: {
      assignedPod: (pod, change) => concerns(pod, change, demandsOf(pod)),
      node: (pod, { before, after }) => concernsNode(before, after, demandsOf(pod)),
      self: (pod, { before, after }) => {
        const constraints = demandsOf(pod)
        if (haveTolerationsChanged(before, after) && constraints.some(({ honorsTaints }) => honorsTaints)) return true
        return !!before && !!after && hasBecomeOther(constraints, before, after)
      },
    },
  }
}

/** Another pod counts, or counts no longer (podtopologyspread isSchedulableAfterPodChange). */
function concerns(pod: PodInfo, { before, after }: ResourceChange<PodInfo>, constraints: readonly Constraint[]): boolean {
  const other = after ?? before
  if (!other || other.namespace !== pod.namespace) return false
  if (!before || !after) return constraints.some(constraint => isMeant(constraint, pod, other))
  // A pod that is on its way out is not counted any more.
  const isLeaving = !before.pod.metadata.deletionTimestamp && !!after.pod.metadata.deletionTimestamp
  if (isLeaving && constraints.some(constraint => isMeant(constraint, pod, after))) return true
  return hasBecomeOther(constraints, before, after)
}

function hasBecomeOther(constraints: readonly Constraint[], before: PodInfo, after: PodInfo): boolean {
  if (!haveLabelsChanged(before, after)) return false
  return constraints.some(constraint => isMeant(constraint, after, before) !== isMeant(constraint, after, after))
}

/** A node came to or left the nodes that count, or came into another domain or under other taints. */
function concernsNode(before: Node | undefined, after: Node | undefined, constraints: readonly Constraint[]): boolean {
  const hasAll = (node: Node) => constraints.every(({ topologyKey }) => node.metadata.labels?.[topologyKey] !== undefined)
  const [counted, counts] = [before !== undefined && hasAll(before), after !== undefined && hasAll(after)]
  if (!before || !after || counted !== counts) return counted || counts
  if (!counts) return false
  const isMoved = ({ topologyKey }: Constraint) => before.metadata.labels?.[topologyKey] !== after.metadata.labels?.[topologyKey]
  return constraints.some(isMoved) || haveTaintsChanged(before, after)
}

/** The constraints are asked in their order, each for the label first and then for the skew: what comes first decides. */
function refusalOf(spread: Spread, node: NodeInfo): Refusal | undefined {
  const { counts } = spread
  const matching = counts.at(node)
  if (matching === undefined) return missingLabel
  spread.limit ??= limitOf(spread)
  return matching > spread.limit ? tooUneven : undefined
}

/** Too few domains count as if there were an empty one. */
function limitOf({ constraint: { maxSkew, minDomains, selfMatch }, counts }: Spread): number {
  return maxSkew - selfMatch + (counts.size < minDomains ? 0 : counts.least)
}

/** As upstream does, pods on their way out are put back and taken away as if they had been counted. */
function change(state: State, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void {
  const constraints = state.map(({ constraint }) => constraint)
  for (const spread of state) {
    const { constraint, counts } = spread
    if (!isMeant(constraint, pod, other) || !isEligible(node, pod, constraint, constraints)) continue
    counts.change(node, by)
    spread.limit = undefined
  }
}
