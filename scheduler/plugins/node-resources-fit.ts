import type { Node } from '../../api/core/node.ts'
import { shortages } from '../../api/placement/fit.ts'
import { type Amounts, amountsOf } from '../../api/placement/pod-requests.ts'
import { defaultArguments, type PluginArguments, type ScoringStrategy } from '../../api/scheduler-config/arguments.ts'
import { type Plugin, type Refusal, unresolvable, unschedulable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { asked, leastAllocated, nodeScore, scorerOf } from './resource-scoring.ts'

const name = 'NodeResourcesFit'

/** What the pod asks for, laid out for a filter that runs for every node and pod there is. */
interface Wanted {
  readonly cpu: number
  readonly memory: number
  /** The names of all others. */
  readonly others: readonly string[]
}

/** What pods request must be left on the node; and by the usual strategy, the emptier a node, the better. */
export function nodeResourcesFit(
  args: PluginArguments['NodeResourcesFit'] = defaultArguments.NodeResourcesFit,
): Plugin<Wanted, never> {
  const refusals = new Map<string, Refusal>()
  const allocatable = new WeakMap<Node, Amounts>()
  const isIgnored = ignoring(args)

  const refusalFor = (pod: PodInfo, { allocatable, requested, pods }: NodeInfo): Refusal => {
    const lacking = shortages(pod.requests, { allocatable, requested, pods: pods.length }, isIgnored)
    const reasons = lacking.map(({ reason }) => reason)
    const makeRefusal = lacking.some(({ isHopeless }) => isHopeless) ? unresolvable : unschedulable
    const id = `${makeRefusal.name} ${reasons.join()}`
    const refusal = refusals.get(id) ?? makeRefusal(name, ...reasons)
    refusals.set(id, refusal)
    return refusal
  }
  const allocatableOf = (node: Node): Amounts => {
    const amounts = allocatable.get(node) ?? amountsOf(node.status?.allocatable)
    allocatable.set(node, amounts)
    return amounts
  }
  const fitsEmpty = ({ requests }: PodInfo, node: Node) =>
    shortages(requests, { allocatable: allocatableOf(node), requested: {}, pods: 0 }, isIgnored).length === 0
  const hasGrown = ({ requests }: PodInfo, before: Node, after: Node) =>
    ['pods', ...namesOf(requests)].some(
      resource => (allocatableOf(after)[resource] ?? 0) > (allocatableOf(before)[resource] ?? 0),
    )

  return {
    name,
    looksAt: ({ requests, incoming }) => [requests, incoming],
    preFilter({ pod }) {
      const { cpu = 0, memory = 0, ...rest } = pod.requests
      return { state: { cpu, memory, others: namesOf(rest).filter(resource => !isIgnored(resource)) } }
    },
    filter(pod, node, { cpu, memory, others }) {
      const { allocatable, requested } = node
      let fits =
        node.pods.length < (allocatable.pods ?? 0) &&
        (cpu === 0 || cpu <= (allocatable.cpu ?? 0) - (requested.cpu ?? 0)) &&
        (memory === 0 || memory <= (allocatable.memory ?? 0) - (requested.memory ?? 0))
      for (let i = 0; fits && i < others.length; i++) {
        const other = others[i] as string
        fits = (pod.requests[other] ?? 0) <= (allocatable[other] ?? 0) - (requested[other] ?? 0)
      }
      return fits ? undefined : refusalFor(pod, node)
    },
    ...scoreOf(args.scoringStrategy),
    wakes: {
      assignedPod: (pod, { action, before, after }) =>
        action === 'delete' || (action === 'update' && !!before && !!after && hasShrunkFor(pod, before, after)),
      node: (pod, { before, after }) => after !== undefined && fitsEmpty(pod, after) && (!before || hasGrown(pod, before, after)),
      self: (_, { before, after }) => !!before && !!after && hasShrunk(before, after),
    },
  }
}

const namesOf = (amounts: Amounts) => Object.keys(amounts).filter(resource => (amounts[resource] ?? 0) > 0)

/** Extended resources that somebody else counts, by name or by what is before the slash. */
function ignoring({
  ignoredResources,
  ignoredResourceGroups,
}: PluginArguments['NodeResourcesFit']): (resource: string) => boolean {
  if (ignoredResources.length === 0 && ignoredResourceGroups.length === 0) return () => false
  return resource => {
    const slash = resource.indexOf('/')
    return slash > 0 && (ignoredResources.includes(resource) || ignoredResourceGroups.includes(resource.slice(0, slash)))
  }
}

/** Least allocated cpu and memory, each counting once, is what nearly everybody has: it gets a way of its own. */
function scoreOf(strategy: ScoringStrategy): Pick<Plugin<Wanted, never>, 'preScore' | 'score'> {
  const [first, second, ...more] = strategy.resources
  const isUsual =
    strategy.type === 'LeastAllocated' &&
    more.length === 0 &&
    [first?.name, second?.name].join() === 'cpu,memory' &&
    first?.weight === second?.weight
  if (isUsual)
    return {
      score(pod, { allocatable: { cpu = 0, memory = 0 }, scoring }) {
        const counted = Number(cpu > 0) + Number(memory > 0)
        const forCpu = cpu > 0 ? leastAllocated(scoring.cpu + pod.incoming.cpu, cpu) : 0
        const forMemory = memory > 0 ? leastAllocated(scoring.memory + pod.incoming.memory, memory) : 0
        return counted === 0 ? 0 : Math.trunc((forCpu + forMemory) / counted)
      },
    }
  const score = nodeScore(scorerOf(strategy), strategy.resources, true)
  const plugin: Pick<Plugin<Wanted, readonly number[]>, 'preScore' | 'score'> = {
    preScore: ({ pod }) => ({ state: asked(pod, strategy.resources, true) }),
    score: (_, node, wanted) => score(node, wanted),
  }
  return plugin as Pick<Plugin<Wanted, never>, 'preScore' | 'score'>
}

/** Whether another pod asks for less of something that this one wants. */
function hasShrunkFor(pod: PodInfo, before: PodInfo, after: PodInfo): boolean {
  return namesOf(pod.requests).some(resource => (after.requests[resource] ?? 0) < (before.requests[resource] ?? 0))
}

function hasShrunk(before: PodInfo, after: PodInfo): boolean {
  return Object.keys(before.requests).some(resource => (after.requests[resource] ?? 0) < (before.requests[resource] ?? 0))
}
