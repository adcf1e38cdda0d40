import type { Node } from '../../api/core/node.ts'
import { shortages } from '../../api/placement/fit.ts'
import { type Amounts, amountsOf } from '../../api/placement/pod-requests.ts'
import { type Plugin, type Refusal, unresolvable, unschedulable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'

const name = 'NodeResourcesFit'

/** What the pod asks for, laid out for a filter that runs for every node and pod there is. */
interface Wanted {
  readonly cpu: number
  readonly memory: number
  /** The names of all others. */
  readonly others: readonly string[]
}

/** What pods request must be left on the node; and the emptier a node, the better (LeastAllocated, cpu and memory alike). */
export function nodeResourcesFit(): Plugin<Wanted> {
  const refusals = new Map<string, Refusal>()
  const allocatable = new WeakMap<Node, Amounts>()

  const refusalFor = (pod: PodInfo, { allocatable, requested, pods }: NodeInfo): Refusal => {
    const lacking = shortages(pod.requests, { allocatable, requested, pods: pods.length })
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
    shortages(requests, { allocatable: allocatableOf(node), requested: {}, pods: 0 }).length === 0
  const hasGrown = ({ requests }: PodInfo, before: Node, after: Node) =>
    ['pods', ...Object.keys(requests)].some(
      resource => (allocatableOf(after)[resource] ?? 0) > (allocatableOf(before)[resource] ?? 0),
    )

  return {
    name,
    preFilter({ pod }) {
      const { cpu = 0, memory = 0, ...rest } = pod.requests
      return { state: { cpu, memory, others: Object.keys(rest).filter(resource => (rest[resource] ?? 0) > 0) } }
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
    score(pod, { allocatable, scoring }) {
      const cpu = leastAllocated(scoring.cpu + pod.scoring.cpu, allocatable.cpu ?? 0)
      const memory = leastAllocated(scoring.memory + pod.scoring.memory, allocatable.memory ?? 0)
      const counted = Number(cpu !== undefined) + Number(memory !== undefined)
      return counted === 0 ? 0 : Math.trunc(((cpu ?? 0) + (memory ?? 0)) / counted)
    },
    wakes: {
      assignedPod: (_, { action, before, after }) =>
        action === 'delete' || (action === 'update' && !!before && !!after && hasShrunk(before, after)),
      node: (pod, { before, after }) => after !== undefined && fitsEmpty(pod, after) && (!before || hasGrown(pod, before, after)),
      self: (_, { before, after }) => !!before && !!after && hasShrunk(before, after),
    },
  }
}

/** The share that stays free, in per cent; a resource that the node does not have counts not at all. */
function leastAllocated(requested: number, capacity: number): number | undefined {
  if (capacity === 0) return undefined
  return requested > capacity ? 0 : Math.trunc(((capacity - requested) * 100) / capacity)
}

function hasShrunk(before: PodInfo, after: PodInfo): boolean {
  return Object.keys(before.requests).some(resource => (after.requests[resource] ?? 0) < (before.requests[resource] ?? 0))
}
