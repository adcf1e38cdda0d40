import type { Pod } from '../../api/core/pod.ts'
import { isPodLevelResource, podRequests } from '../../api/placement/pod-requests.ts'
import { parseQuantity } from '../../api/quantity.ts'

/** What a pod uses. */
export interface Usage {
  /** In thousandths: of a core, of a byte, of whatever a metric counts. */
  readonly milli: bigint
  /** When it was measured, and over how long, in milliseconds. */
  readonly at: number
  readonly windowInMs: number
}

/** By the pods' names. */
export type Usages = ReadonlyMap<string, Usage>

export const largest = 2n ** 63n - 1n
const nanoPerMilli = 1_000_000n

/** A quantity in thousandths, rounded away from zero, and no more than 64 bits hold. */
export function milliOf(text: string): bigint {
  const { nano } = parseQuantity(text)
  const quotient = nano / nanoPerMilli
  const rounded = quotient * nanoPerMilli === nano ? quotient : nano < 0n ? quotient - 1n : quotient + 1n
  return rounded > largest ? largest : rounded
}

export interface Groups {
  /** Pods whose figures count. */
  readonly ready: number
  /** Pods that are not up yet: their figures say nothing about the load. */
  readonly unready: ReadonlySet<string>
  /** Pods without figures. */
  readonly missing: ReadonlySet<string>
  /** Pods that are on their way out. */
  readonly ignored: ReadonlySet<string>
}

interface Patience {
  readonly now: number
  readonly cpuInitializationInMs: number
  readonly initialReadinessDelayInMs: number
}

/** Which pods count, and as what (pkg/controller/podautoscaler/replica_calculator.go groupPods). */
export function groupPods(pods: readonly Pod[], usages: Usages, resource: string, patience: Patience): Groups {
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()]
  let ready = 0
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata
    const usage = usages.get(name)
    if (deletionTimestamp || pod.status.phase === 'Failed') ignored.add(name)
    else if (pod.status.phase === 'Pending') unready.add(name)
    else if (!usage) missing.add(name)
    else if (resource === 'cpu' && isStarting(pod, usage, patience)) unready.add(name)
    else ready++
  }
  return { ready, unready, missing, ignored }
}

/** Whether what a pod uses of the CPU is still that of its start. */
function isStarting({ status }: Pod, usage: Usage, { now, cpuInitializationInMs, initialReadinessDelayInMs }: Patience): boolean {
  const condition = status.conditions?.find(({ type }) => type === 'Ready')
  if (!condition || !status.startTime) return true
  const started = Date.parse(status.startTime)
  const changed = Date.parse(condition.lastTransitionTime ?? '') || 0
  const isUnready = condition.status === 'False'
  if (started + cpuInitializationInMs > now) return isUnready || usage.at < changed + usage.windowInMs
  return isUnready && started + initialReadinessDelayInMs > changed
}

/**
 * What each pod asks for, in thousandths: its containers and sidecars together, one container alone, or what the pod asks for as a
 * whole. Throws an Error in upstream's words where one of them asks for nothing (calculateRequests).
 */
export function requestsOf(pods: readonly Pod[], resource: string, container: string): ReadonlyMap<string, bigint> {
  return new Map(pods.map(pod => [pod.metadata.name, requestOf(pod, resource, container)]))
}

function requestOf({ metadata, spec }: Pod, resource: string, container: string): bigint {
  if (container === '' && Object.keys(spec.resources?.requests ?? {}).some(isPodLevelResource)) {
    const amount = podRequests(spec)[resource]
    if (amount === undefined) throw new Error(`missing pod-level request for ${resource} in Pod ${metadata.name}`)
    return BigInt(amount) * (resource === 'cpu' ? 1n : 1000n)
  }
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  let total = 0n
  for (const { name, resources } of [...spec.containers, ...sidecars]) {
    if (container !== '' && container !== name) continue
    const request = resources?.requests?.[resource]
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`)
    total += milliOf(request)
  }
  return total
}
