import type { Node } from '../api/core/node.ts'
import type { HostPort } from '../api/placement/host-ports.ts'
import { type Amounts, addAmounts, amountsOf } from '../api/placement/pod-requests.ts'
import type { Taint } from '../api/placement/tolerations.ts'
import type { PodInfo } from './pod-info.ts'

/** A node and the sum of what is on it. The cache changes its own; those of a snapshot stay as they are. */
export interface NodeInfo {
  readonly name: string
  /** Grows with every change anywhere: what was worked out for a node is good as long as it has the same one. */
  generation: number
  /** Its place in the columns of numbers that are kept for nodes; -1 until a snapshot has seen it. */
  slot: number
  /** `undefined` while pods are left of a node that is gone. */
  node: Node | undefined
  labels: Readonly<Record<string, string>>
  isUnschedulable: boolean
  /** NoSchedule and NoExecute: they keep pods away. */
  hardTaints: readonly Taint[]
  /** PreferNoSchedule: they only cost points. */
  softTaints: readonly Taint[]
  allocatable: Amounts
  requested: Amounts
  /** What the pods count for scoring. */
  scoring: { cpu: number; memory: number }
  pods: PodInfo[]
  /** Those with any affinity or anti-affinity. */
  withAffinity: readonly PodInfo[]
  ports: readonly HostPort[]
  /** How many pods mount a claim, by `namespace/name`. */
  claims: ReadonlyMap<string, number>
  /** Bytes by image name. */
  images: ReadonlyMap<string, number>
}

const none: readonly never[] = []
const noClaims: ReadonlyMap<string, number> = new Map()

export function nodeInfo(name: string): NodeInfo {
  // What a search looks at of every node stands together: thousands of them are asked for each pod.
  return {
    name,
    generation: 0,
    slot: -1,
    node: undefined,
    labels: {},
    isUnschedulable: false,
    hardTaints: none,
    softTaints: none,
    allocatable: {},
    requested: { cpu: 0, memory: 0, 'ephemeral-storage': 0 },
    scoring: { cpu: 0, memory: 0 },
    pods: [],
    withAffinity: none,
    ports: none,
    claims: noClaims,
    images: new Map(),
  }
}

/** Takes over what a node object says of itself. */
export function setNode(info: NodeInfo, node: Node): void {
  info.node = node
  info.labels = node.metadata.labels ?? {}
  info.isUnschedulable = node.spec.unschedulable ?? false
  const taints = node.spec.taints ?? none
  info.hardTaints = taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
  info.softTaints = taints.filter(({ effect }) => effect === 'PreferNoSchedule')
  info.allocatable = { cpu: 0, memory: 0, 'ephemeral-storage': 0, pods: 0, ...amountsOf(node.status?.allocatable) }
  const images = new Map<string, number>()
  for (const { names, sizeBytes } of node.status?.images ?? none)
    for (const name of names ?? none) images.set(name, sizeBytes ?? 0)
  info.images = images
}

export function addPod(info: NodeInfo, pod: PodInfo): void {
  info.pods.push(pod)
  count(info, pod, 1)
  if (pod.ports.length > 0) info.ports = [...info.ports, ...pod.ports]
  if (pod.terms) info.withAffinity = [...info.withAffinity, pod]
}

/** Answers whether the pod was there. */
export function removePod(info: NodeInfo, uid: string): boolean {
  const at = info.pods.findIndex(pod => pod.uid === uid)
  const pod = info.pods[at]
  if (!pod) return false
  const last = info.pods.pop()
  if (last && last !== pod) info.pods[at] = last
  count(info, pod, -1)
  if (pod.ports.length > 0) info.ports = info.pods.flatMap(other => other.ports)
  if (pod.terms) info.withAffinity = info.withAffinity.filter(other => other.uid !== uid)
  return true
}

function count(info: NodeInfo, pod: PodInfo, sign: 1 | -1): void {
  addAmounts(info.requested, pod.requests, sign)
  info.scoring.cpu += sign * pod.scoring.cpu
  info.scoring.memory += sign * pod.scoring.memory
  if (pod.claims.length === 0) return
  const claims = new Map(info.claims)
  for (const name of pod.claims) {
    const claim = `${pod.namespace}/${name}`
    const left = (claims.get(claim) ?? 0) + sign
    if (left > 0) claims.set(claim, left)
    else claims.delete(claim)
  }
  info.claims = claims
}

/** A copy that may be changed without the original noticing, and the other way round. */
export function copyNodeInfo(info: NodeInfo): NodeInfo {
  return { ...info, requested: { ...info.requested }, scoring: { ...info.scoring }, pods: info.pods.slice() }
}
