import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { balancedAllocation } from './balanced-allocation.ts'
import { asFound, type Cluster, priorityOf, type ReferencePlugin, type Refusal, type World } from './cluster.ts'
import { imageLocality } from './image-locality.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { enough, searchOrder } from './node-order.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { nodeVolumeLimits } from './node-volume-limits.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'
import { volumeBinding } from './volume-binding.ts'
import { volumeRestrictions } from './volume-restrictions.ts'
import { volumeZone } from './volume-zone.ts'

/** In the order in which they are asked (pkg/scheduler/apis/config/v1/default_plugins.go). */
const plugins: readonly ReferencePlugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeRestrictions,
  nodeVolumeLimits,
  volumeBinding,
  volumeZone,
  podTopologySpread,
  interPodAffinity,
  balancedAllocation,
  imageLocality,
]

/** The plugins that take part in an attempt, and the nodes that can be right at all. */
export interface Prepared {
  readonly active: readonly ReferencePlugin[]
  /** `undefined`: any. */
  readonly nodes?: ReadonlySet<string> | undefined
}

export function prepare(pod: Pod, cluster: Cluster): Prepared | Refusal {
  const active: ReferencePlugin[] = []
  let nodes: ReadonlySet<string> | undefined
  for (const plugin of plugins) {
    const prepared = plugin.prepare?.(pod, cluster)
    if (prepared === 'skip') continue
    if (prepared && 'code' in prepared) return prepared
    // Only node affinity restricts the nodes, so there is nothing to intersect.
    if (prepared) nodes = prepared
    active.push(plugin)
  }
  return { active, nodes }
}

function firstRefusal({ active }: Prepared, pod: Pod, node: Node, world: World): Refusal | undefined {
  for (const { filter } of active) {
    const refusal = filter?.(pod, node, world)
    if (refusal) return refusal
  }
  return undefined
}

/** What a node says: with the pods nominated to it that the pod has to respect, if there are any, and without them. */
export function check(prepared: Prepared, pod: Pod, node: Node, world: World): Refusal | undefined {
  const nominated = world.cluster.nominations.filter(
    ({ pod: other, nodeName }) =>
      nodeName === node.metadata.name && other.metadata.uid !== pod.metadata.uid && priorityOf(other) >= priorityOf(pod),
  )
  if (nominated.length > 0) {
    const come = nominated.map(({ pod: other }) => ({ ...other, spec: { ...other.spec, nodeName: node.metadata.name } }))
    const refusal = firstRefusal(prepared, pod, node, { ...world, come: [...world.come, ...come] })
    if (refusal) return refusal
  }
  return firstRefusal(prepared, pod, node, world)
}

/** Points of every plugin that scores for each of some nodes, and their weighted sum, by node name. */
export interface Scores {
  readonly byPlugin: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly total: Readonly<Record<string, number>>
}

export function scores(pod: Pod, nodes: readonly Node[], cluster: Cluster): Scores {
  const byPlugin: Record<string, Record<string, number>> = {}
  const total = Object.fromEntries(nodes.map(({ metadata }) => [metadata.name, 0]))
  for (const { name, weight = 1, score } of plugins) {
    if (!score) continue
    const points = score(pod, nodes, cluster)
    byPlugin[name] = Object.fromEntries(nodes.map(({ metadata }, i) => [metadata.name, points[i] ?? 0]))
    for (const [i, { metadata }] of nodes.entries())
      total[metadata.name] = (total[metadata.name] ?? 0) + weight * (points[i] ?? 0)
  }
  return { byPlugin, total }
}

/** What the filters decide: a plugin's word for all nodes, or what each node that was in question says; `undefined`: it takes the pod. */
export interface Filtered {
  readonly prepared?: Prepared
  readonly preFilter?: Refusal
  /** Of the nodes in question, in search order. */
  readonly answers: ReadonlyMap<Node, Refusal | undefined>
  /** As many as a search needs, in search order. */
  readonly feasible: readonly Node[]
}

export function filterNodes(pod: Pod, cluster: Cluster): Filtered {
  const prepared = prepare(pod, cluster)
  if ('code' in prepared) return { preFilter: prepared, answers: new Map(), feasible: [] }
  const inQuestion = searchOrder(cluster.nodes).filter(({ metadata }) => prepared.nodes?.has(metadata.name) ?? true)
  const answers = new Map(inQuestion.map(node => [node, check(prepared, pod, node, asFound(cluster))]))
  const fitting = inQuestion.filter(node => !answers.get(node))
  const nominated = fitting.find(({ metadata }) => metadata.name === pod.status.nominatedNodeName)
  return { prepared, answers, feasible: nominated ? [nominated] : fitting.slice(0, enough(inQuestion.length)) }
}
