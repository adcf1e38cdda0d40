import type { Cycle, Plugin, Refusal } from './framework.ts'
import { addPod, copyNodeInfo, type NodeInfo, removePod } from './node-info.ts'
import type { Nominator } from './nominator.ts'
import type { PodInfo } from './pod-info.ts'

/** All filters, made ready for one pod. */
export interface Filters {
  /** No other node can be right; `undefined`: any may be. */
  readonly nodes: ReadonlySet<string> | undefined
  /** The plugins that restricted `nodes`. */
  readonly restrictedBy: readonly string[]
  /** The first refusal; `undefined`: the node takes the pod, also when the pods nominated to it have come. */
  check(node: NodeInfo): Refusal | undefined
  /** A node to try things on. */
  trial(node: NodeInfo): Trial
}

/** "What if this pod were not there?": a copy of a node and of all that the filters worked out. */
export interface Trial {
  readonly node: NodeInfo
  add(pod: PodInfo): void
  remove(pod: PodInfo): void
  check(): Refusal | undefined
}

interface Step {
  readonly plugin: Plugin
  readonly filter: NonNullable<Plugin['filter']>
  readonly state: unknown
}

/** Asks every plugin to get ready for the pod; a refusal then ends the search before it began. */
export function prepareFilters(
  plugins: readonly Plugin[],
  nominator: Nominator,
  cycle: Cycle,
  filterOrder?: ReadonlyMap<Plugin, number>,
): Filters | Refusal {
  const steps: Step[] = []
  const restrictedBy: string[] = []
  let nodes: ReadonlySet<string> | undefined
  for (const plugin of plugins) {
    const prepared = plugin.preFilter?.(cycle)
    if (prepared === 'skip') continue
    if (prepared && 'refusal' in prepared) return prepared.refusal
    if (prepared?.nodes) {
      nodes = nodes ? intersection(nodes, prepared.nodes) : prepared.nodes
      restrictedBy.push(plugin.name)
    }
    if (plugin.filter) steps.push({ plugin, filter: plugin.filter, state: prepared?.state })
  }
  if (filterOrder) steps.sort((a, b) => (filterOrder.get(a.plugin) ?? 0) - (filterOrder.get(b.plugin) ?? 0))
  const { pod } = cycle
  return {
    nodes,
    restrictedBy,
    check(node) {
      const nominated = nominator.on(node.name)
      return nominated.length > 0 ? checkBesideNominated(steps, cycle, node, nominated) : runFilters(steps, pod, node)
    },
    trial(node) {
      const trial = plainTrial(steps, cycle, node)
      return { ...trial, check: () => checkBesideNominated(trial.steps, cycle, trial.node, nominator.on(node.name)) }
    },
  }
}

function runFilters(steps: readonly Step[], pod: PodInfo, node: NodeInfo): Refusal | undefined {
  for (let i = 0; i < steps.length; i++) {
    const { filter, state } = steps[i] as Step
    const refusal = filter(pod, node, state)
    if (refusal) return refusal
  }
  return undefined
}

/** A pod must fit both when the equally or more important pods nominated to the node have come and when they never come. */
function checkBesideNominated(
  steps: readonly Step[],
  cycle: Cycle,
  node: NodeInfo,
  nominated: readonly PodInfo[],
): Refusal | undefined {
  const { pod } = cycle
  const coming = nominated.filter(other => other.priority >= pod.priority && other.uid !== pod.uid)
  if (coming.length > 0) {
    const trial = plainTrial(steps, cycle, node)
    for (const other of coming) trial.add(other)
    const refusal = runFilters(trial.steps, pod, trial.node)
    if (refusal) return refusal
  }
  return runFilters(steps, pod, node)
}

function plainTrial(steps: readonly Step[], cycle: Cycle, original: NodeInfo) {
  const node = copyNodeInfo(original)
  const copied = steps.map(step => ({ ...step, state: step.plugin.copyState ? step.plugin.copyState(step.state) : step.state }))
  return {
    node,
    steps: copied,
    add(pod: PodInfo) {
      addPod(node, pod)
      for (const { plugin, state } of copied) plugin.podAdded?.(state, pod, node, cycle)
    },
    remove(pod: PodInfo) {
      removePod(node, pod.uid)
      for (const { plugin, state } of copied) plugin.podRemoved?.(state, pod, node, cycle)
    },
  }
}

function intersection(a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> {
  return new Set([...a].filter(name => b.has(name)))
}
