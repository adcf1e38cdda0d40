import { type Shortage, shortages } from './fit.ts'
import { type HostPort, hostPortsOf, hostPortsReason, type PodPorts, portsConflict } from './host-ports.ts'
import { matchesNodeWishes, type NodeWishes, nodeAffinityReason, nodeNameReason } from './node-affinity.ts'
import { type Amounts, addAmounts, amountsOf, type PodNeeds, podRequests } from './pod-requests.ts'
import { notToleratedReason, type Taint, type Toleration, untoleratedTaint } from './tolerations.ts'

/** As much of a pod as the node looks at. */
export interface AdmissiblePod {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>> | undefined
    readonly annotations?: Readonly<Record<string, string>> | undefined
  }
  readonly spec: PodNeeds &
    PodPorts &
    NodeWishes & {
      readonly nodeName?: string | undefined
      readonly tolerations?: readonly Toleration[] | undefined
      readonly os?: { readonly name: string } | undefined
    }
}

export interface AdmittingNode {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> | undefined }
  readonly spec: { readonly taints?: readonly Taint[] | undefined }
  readonly status?: { readonly allocatable?: Readonly<Record<string, string>> | undefined } | undefined
}

export interface NodeRefusal {
  /** Becomes the pod's status.reason: `OutOfcpu`, `NodeAffinity`. */
  readonly reason: string
  readonly message: string
  /** Only resources are missing: a critical pod may make room by evicting others (semantics C9). */
  readonly missing?: Amounts
}

const osLabel = 'kubernetes.io/os'

/**
 * Whether a node takes a pod that it was given, asked right before the pod's first container: the scheduler's rules once more,
 * since its copy of the world may have been old (semantics C9, pkg/kubelet/lifecycle/predicate.go). `podsOnNode` are the other
 * pods admitted and not finished. `undefined`: admitted. Extended resources that the node does not list at all are ignored.
 */
export function admitPod(pod: AdmissiblePod, node: AdmittingNode, podsOnNode: readonly AdmissiblePod[]): NodeRefusal | undefined {
  const forOs = refusedForOs(pod)
  if (forOs) return forOs
  const lacking = lackingResources(pod, node, podsOnNode)
  const other = refusedForPlace(pod, node, podsOnNode) ?? refusedForTaints(pod, node)
  const [worst] = lacking
  if (!worst) return other
  const { resource, requested, used, capacity } = worst
  return {
    reason: `OutOf${resource}`,
    message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
    ...(!other && { missing: Object.fromEntries(lacking.map(one => [one.resource, one.requested + one.used - one.capacity])) }),
  }
}

/** Every node is a Linux node here. */
function refusedForOs({ metadata, spec }: AdmissiblePod): NodeRefusal | undefined {
  if ((metadata.labels?.[osLabel] ?? 'linux') !== 'linux')
    return {
      reason: 'PodOSSelectorNodeLabelDoesNotMatch',
      message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
    }
  if ((spec.os?.name ?? 'linux') !== 'linux')
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
  return undefined
}

function lackingResources(pod: AdmissiblePod, node: AdmittingNode, podsOnNode: readonly AdmissiblePod[]): Shortage[] {
  const allocatable = amountsOf(node.status?.allocatable)
  const requested: Amounts = {}
  for (const other of podsOnNode) addAmounts(requested, requestsOf(other))
  const isUnknown = (resource: string) => resource.includes('/') && !(resource in allocatable)
  return shortages(podRequests(pod.spec), { allocatable, requested, pods: podsOnNode.length }, isUnknown)
}

/** By spec, which is never written to: every pod that comes to a node has all that are there counted again. */
const known = new WeakMap<AdmissiblePod['spec'], Amounts>()

function requestsOf({ spec }: AdmissiblePod): Amounts {
  let requests = known.get(spec)
  if (!requests) known.set(spec, (requests = podRequests(spec)))
  return requests
}

function refusedForPlace(pod: AdmissiblePod, node: AdmittingNode, podsOnNode: readonly AdmissiblePod[]): NodeRefusal | undefined {
  const { name, labels = {} } = node.metadata
  if (!matchesNodeWishes(pod.spec, { name, labels })) return predicateFailed('NodeAffinity', nodeAffinityReason)
  if (pod.spec.nodeName && pod.spec.nodeName !== name) return predicateFailed('NodeName', nodeNameReason)
  const wanted = hostPortsOf(pod.spec)
  const used = (): HostPort[] => podsOnNode.flatMap(other => [...hostPortsOf(other.spec)])
  if (wanted.length > 0 && portsConflict(wanted, used())) return predicateFailed('NodePorts', hostPortsReason)
  return undefined
}

/** Only NoExecute: what is already placed stays on a node that is merely closed to new pods. Static pods tolerate everything. */
function refusedForTaints(pod: AdmissiblePod, node: AdmittingNode): NodeRefusal | undefined {
  const source = pod.metadata.annotations?.['kubernetes.io/config.source']
  if (source !== undefined && source !== 'api') return undefined
  if (!untoleratedTaint(node.spec.taints, pod.spec.tolerations, 'NoExecute')) return undefined
  return predicateFailed('TaintToleration', notToleratedReason)
}

const predicateFailed = (reason: string, why: string): NodeRefusal => ({ reason, message: `Predicate ${reason} failed: ${why}` })
