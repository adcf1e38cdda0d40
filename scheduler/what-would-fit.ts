import { shortages } from '../api/placement/fit.ts'
import { requiredNodes } from '../api/placement/node-affinity.ts'
import { taintText, untoleratedTaint } from '../api/placement/tolerations.ts'
import type { Cycle, Diagnosis } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** How many nodes of one refusal are looked at: a sentence for people need not be the best of five thousand. */
const worthAsking = 200
const worthTelling = 3

/** For each sort of refusal, one sentence on the least that would have to change. Only worked out when somebody is told. */
export function whatWouldFit({ pod, snapshot }: Cycle, { refusals }: Diagnosis): string[] {
  const byPlugin = new Map<string, NodeInfo[]>()
  for (const [{ plugin }, names] of refusals) {
    const nodes = byPlugin.get(plugin) ?? []
    byPlugin.set(plugin, nodes)
    for (let i = 0; i < Math.min(names.length, worthAsking); i++) {
      const node = snapshot.byName.get(names[i] as string)
      if (node) nodes.push(node)
    }
  }
  return [...byPlugin].flatMap(([plugin, nodes]) => advice[plugin]?.(pod, nodes) ?? [])
}

const advice: Readonly<Record<string, (pod: PodInfo, nodes: readonly NodeInfo[]) => string[]>> = {
  NodeResourcesFit: smallestShortage,
  TaintToleration: (pod, nodes) => {
    const taints = nodes.flatMap(({ hardTaints }) => {
      const taint = untoleratedTaint(hardTaints, pod.pod.spec.tolerations, 'NoSchedule', 'NoExecute')
      return taint ? [taintText(taint)] : []
    })
    return mostFrequent(taints).map(taint => `a toleration of the taint ${taint}`)
  },
  NodeUnschedulable: (_, nodes) => [`uncordoning one of: ${names(nodes)}`],
  NodeAffinity: missingLabels,
  InterPodAffinity: ({ terms }) => [
    ...keysOf(terms?.antiAffinity).map(key => `a node whose ${key} has none of the pods that its anti-affinity names`),
    ...keysOf(terms?.affinity).map(key => `a node whose ${key} has one of the pods that its affinity names`),
    ...(terms ? [] : ['a node without pods whose anti-affinity names it']),
  ],
  PodTopologySpread: ({ pod }) =>
    (pod.spec.topologySpreadConstraints ?? [])
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
      .map(({ topologyKey, maxSkew }) => `room in the emptiest ${topologyKey}, or a maxSkew above ${maxSkew}`),
  NodePorts: pod => [`a node with the host port ${pod.ports.map(({ port }) => port).join(' and ')} free`],
}

/** The node with the least missing, in shares of what the pod asks for. */
function smallestShortage({ requests }: PodInfo, nodes: readonly NodeInfo[]): string[] {
  let best: { node: NodeInfo; share: number } | undefined
  for (const node of nodes) {
    const share = missingShare(requests, node)
    if (!best || share < best.share) best = { node, share }
  }
  if (!best) return []
  const { allocatable, requested, pods } = best.node
  const lacking = shortages(requests, { allocatable, requested, pods: pods.length })
  const missing = lacking.map(one => `${inUnits(one.resource, one.requested + one.used - one.capacity)} more`)
  return [`${missing.join(' and ')} on ${best.node.name}`]
}

/** One for everything that is asked for and not there at all. */
function missingShare(requests: PodInfo['requests'], { allocatable, requested, pods }: NodeInfo): number {
  let share = Math.max(0, pods.length + 1 - (allocatable.pods ?? 0))
  for (const resource in requests) {
    const wanted = requests[resource] ?? 0
    const missing = wanted + (requested[resource] ?? 0) - (allocatable[resource] ?? 0)
    if (wanted > 0 && missing > 0) share += missing / wanted
  }
  return share
}

function inUnits(resource: string, amount: number): string {
  if (resource === 'cpu') return amount % 1000 === 0 ? `${amount / 1000} cpu` : `${amount}m cpu`
  if (resource === 'pods') return amount === 1 ? 'room for 1 pod' : `room for ${amount} pods`
  const isBytes = resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-')
  return isBytes ? `${Math.ceil(amount / (1024 * 1024))}Mi ${resource}` : `${amount} ${resource}`
}

function missingLabels({ pod }: PodInfo, nodes: readonly NodeInfo[]): string[] {
  const missing = Object.entries(pod.spec.nodeSelector ?? {}).filter(([key, value]) =>
    nodes.some(node => node.labels[key] !== value),
  )
  const advice =
    missing.length > 0 ? [`a node with the labels ${missing.map(([key, value]) => `${key}=${value}`).join(', ')}`] : []
  const terms = requiredNodes(pod.spec)?.nodeSelectorTerms ?? []
  const keys = new Set(terms.flatMap(({ matchExpressions = [] }) => matchExpressions.map(({ key }) => key)))
  if (keys.size > 0) advice.push(`a node whose labels ${[...keys].join(', ')} match the node affinity`)
  return advice
}

const keysOf = (terms: readonly { readonly topologyKey: string }[] = []) => [
  ...new Set(terms.map(({ topologyKey }) => topologyKey)),
]

function mostFrequent(texts: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  return sorted.slice(0, worthTelling).map(([text]) => text)
}

function names(nodes: readonly NodeInfo[]): string {
  const few = nodes.slice(0, worthTelling).map(({ name }) => name)
  return nodes.length > few.length ? `${few.join(', ')}, ...` : few.join(', ')
}
