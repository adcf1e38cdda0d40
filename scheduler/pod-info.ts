import type { Pod } from '../api/core/pod.ts'
import { keyOf } from '../api/meta.ts'
import { type HostPort, hostPortsOf } from '../api/placement/host-ports.ts'
import { type Amounts, isPodLevelResource, podRequests } from '../api/placement/pod-requests.ts'
import { type PodTerm, podTerms } from './pod-terms.ts'

/** A pod with everything the scheduler wants to know of it worked out once. Never changes; a changed pod gets a new one. */
export interface PodInfo {
  readonly pod: Pod
  readonly uid: string
  /** `namespace/name` */
  readonly key: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly priority: number
  readonly requests: Amounts
  /** What it counts for scoring, once it is on a node: containers that ask for nothing count 100m and 200Mi. */
  readonly scoring: CpuAndMemory
  /** The same while it is looking for a node; what is asked for the pod as a whole does not spare its containers the assumption. */
  readonly incoming: CpuAndMemory
  readonly ports: readonly HostPort[]
  /** The terms of its pod affinity and anti-affinity; `undefined` when it has neither. */
  readonly terms: PodTerms | undefined
  /** The names of the claims it mounts, those made for its ephemeral volumes included. */
  readonly claims: readonly string[]
}

export interface CpuAndMemory {
  readonly cpu: number
  readonly memory: number
}

export interface PodTerms {
  readonly affinity: readonly PodTerm[]
  readonly antiAffinity: readonly PodTerm[]
  readonly preferred: readonly PodTerm[]
  readonly preferredAnti: readonly PodTerm[]
}

/** pkg/scheduler/util/pod_resources.go */
const assumedRequests = { cpu: 100, memory: 200 * 1024 * 1024 }

const noLabels: Readonly<Record<string, string>> = {}
const noClaims: readonly string[] = []

export function podInfo(pod: Pod): PodInfo {
  const { metadata, spec } = pod
  const requests = podRequests(spec, undefined, pod.status)
  const incoming = cpuAndMemory(podRequests(spec, assumedRequests, pod.status))
  return {
    pod,
    uid: metadata.uid,
    key: keyOf(pod),
    namespace: metadata.namespace,
    labels: metadata.labels ?? noLabels,
    priority: spec.priority ?? 0,
    requests,
    scoring: asksAsAWhole(pod) ? scoringOnNode(pod, requests) : incoming,
    incoming,
    ports: hostPortsOf(spec),
    terms: podTerms(pod),
    claims: claimsOf(pod),
  }
}

const cpuAndMemory = ({ cpu = 0, memory = 0 }: Amounts): CpuAndMemory => ({ cpu, memory })

function asksAsAWhole({ spec }: Pod): boolean {
  return Object.keys(spec.resources?.requests ?? {}).some(isPodLevelResource)
}

/** With requests for the pod as a whole, only what nobody in it mentions is assumed (framework/types.go getNonMissingContainerRequests). */
function scoringOnNode({ spec, status }: Pod, requests: Amounts): CpuAndMemory {
  const assumed: Amounts = {}
  if (!('cpu' in requests)) assumed.cpu = assumedRequests.cpu
  if (!('memory' in requests)) assumed.memory = assumedRequests.memory
  return cpuAndMemory(podRequests(spec, assumed, status))
}

/** The claim of a generic ephemeral volume is named after pod and volume. */
function claimsOf({ metadata, spec }: Pod): readonly string[] {
  let claims: string[] | undefined
  for (const volume of spec.volumes ?? []) {
    const name = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${metadata.name}-${volume.name}`)
    if (!name) continue
    claims ??= []
    claims.push(name)
  }
  return claims ?? noClaims
}

/** Succeeded or failed for good: it holds nothing any more. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}
