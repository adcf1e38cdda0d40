import type { Cycle, Plugin, Refusal } from './framework.ts'
import { addPod, copyNodeInfo, type NodeInfo, removePod } from './node-info.ts'
import type { Nominator } from './nominator.ts'
import type { PodInfo } from './pod-info.ts'
import { once } from './templates.ts'

/** All filters, made ready for one pod. */
export interface Filters {
  /** No other node can be right; `undefined`: any may be. */
  readonly nodes: ReadonlySet<string> | undefined
  /** The plugins that restricted `nodes`. */
  readonly restrictedBy: readonly string[]
  /** Whether a node is known to take the pod, by its slot; says no where it would have to look. */
  isGood(slot: number): boolean
  /** The first refusal; `undefined`: the node takes the pod, also when the pods nominated to it have come. */
  check(node: NodeInfo): Refusal | undefined
  /**
   * Work about nodes that looks at nothing but the node, this pod and who is nominated to the node: what came of it is answered again
   * for pods of the same template, until the node changes.
   */
  shared<T>(what: string, work: (node: NodeInfo) => T): (node: NodeInfo) => T
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

type Checks = Pick<Filters, 'isGood' | 'check' | 'shared' | 'trial'>

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
  return { nodes, restrictedBy, ...checks(plugins, steps, nominator, cycle) }
}

/** The steps up to the first that looks at more than pod and node are shared by pods of one template; the others are taken for each. */
function checks(plugins: readonly Plugin[], steps: readonly Step[], nominator: Nominator, cycle: Cycle): Checks {
  const { pod, snapshot } = cycle
  const own = steps.findIndex(({ plugin }) => !plugin.looksAt)
  const shared = own < 0 ? steps : steps.slice(0, own)
  const others = own < 0 ? [] : steps.slice(own)
  const template = snapshot.templates.of(pod, plugins)
  const { generations, values, good } = template.answers(`filter ${shared.length}`)
  const now = snapshot.generations
  const home = nominator.nodeOf(pod.uid)
  /** What others nominate changes what a node answers to this pod, unless it is nominated there itself. */
  const isShareable = (node: NodeInfo) => others.length === 0 && home !== node.name
  const checkBare = (node: NodeInfo): Refusal | undefined => {
    const { slot, generation } = node
    let refusal: Refusal | undefined
    if (generations[slot] === generation) {
      if (good[slot] !== generation) refusal = values[slot] as Refusal | undefined
    } else {
      refusal = runFilters(shared, pod, node)
      generations[slot] = generation
      values[slot] = refusal
      good[slot] = refusal ? -1 : generation
    }
    return refusal ?? (others.length > 0 ? runFilters(others, pod, node) : undefined)
  }
  const nominated = nominator.bySlot(snapshot)
  const besideNominated = template.answers('filter beside nominated')
  return {
    isGood: slot => good[slot] === now[slot] && others.length === 0 && nominated.size === 0,
    check(node) {
      const coming = nominated.size > 0 ? nominated.get(node.slot) : undefined
      if (!coming) return checkBare(node)
      const work = () => checkBesideNominated(steps, cycle, node, coming)
      return isShareable(node) ? once(besideNominated, node, coming, work) : work()
    },
    shared(what, work) {
      const column = template.answers(what)
      return node => (isShareable(node) ? once(column, node, nominated.get(node.slot), work) : work(node))
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
