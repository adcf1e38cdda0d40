import type { Pod } from '../../api/core/pod.ts'
import { canonicalQuantity, formatQuantity, quantityOf, value } from '../../api/quantity.ts'
import { amountOf } from '../node/capacity.ts'
import type { Signal } from './config.ts'
import { isMemorySignal, type Observation, type Threshold } from './thresholds.ts'
import type { PodUsage } from './usage.ts'

/** What a signal is short of, as messages name it. */
export function resourceOf(signal: Signal): 'memory' | 'pids' | 'inodes' | 'ephemeral-storage' {
  if (isMemorySignal(signal)) return 'memory'
  if (signal === 'pid.available') return 'pids'
  return signal.endsWith('inodesFree') ? 'inodes' : 'ephemeral-storage'
}

/** Bytes as a canonical binary quantity: `95Mi`, `1536Ki`, `1000`. */
export function binaryQuantity(bytes: number): string {
  return formatQuantity(quantityOf(Math.trunc(bytes), 'BinarySI'))
}

/** What an evicted pod's status says, and what its event carries as annotations. */
export interface EvictionWords {
  readonly message: string
  readonly annotations: Readonly<Record<string, string>>
}

/** Semantics C11, pkg/kubelet/eviction/helpers.go evictionMessage. */
export function evictionWords(
  threshold: Threshold,
  seen: Observation | undefined,
  pod: Pod,
  usage: PodUsage | undefined,
): EvictionWords {
  const resource = resourceOf(threshold.signal)
  // Counts (inodes, process ids) are decimal quantities, sizes are binary ones.
  const isSize = resource === 'memory' || resource === 'ephemeral-storage'
  const inFull = (amount: number) => formatQuantity(quantityOf(Math.trunc(amount), isSize ? 'BinarySI' : 'DecimalSI'))
  let message = `The node was low on resource: ${resource}. `
  if (seen) message += `Threshold quantity: ${quantityOfThreshold(threshold, seen)}, available: ${inFull(seen.available)}. `
  if (!usage) return { message, annotations: {} }
  const annotations: Record<string, string> = {}
  const podRequest = resource === 'memory' ? pod.spec.resources?.requests?.memory : undefined
  if (podRequest !== undefined) {
    const used = binaryQuantity(usage.memoryInBytes)
    message += `Pod ${pod.metadata.name} was using ${used}, request is ${podRequest}, has larger consumption of ${resource}. `
    annotations.offending_pod = pod.metadata.name
    annotations.offending_pod_usage = used
  }
  const offenders: { name: string; used: string }[] = []
  for (const { name, resources } of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const figures = usage.containers[name]
    if (!figures || !isSize) continue
    const used = resource === 'memory' ? figures.memoryInBytes : figures.rootfsInBytes + figures.logsInBytes
    const request = resources.requests?.[resource] ?? '0'
    if (used <= value(request)) continue
    message += `Container ${name} was using ${binaryQuantity(used)}, request is ${request}, has larger consumption of ${resource}. `
    offenders.push({ name, used: binaryQuantity(used) })
  }
  annotations.offending_containers = offenders.map(({ name }) => name).join(',')
  annotations.offending_containers_usage = offenders.map(({ used }) => used).join(',')
  annotations.starved_resource = resource
  return { message, annotations }
}

/** As written, where that is a quantity; a share of the capacity as a binary one. */
function quantityOfThreshold({ value: text }: Threshold, { capacity }: Observation): string {
  const canonical = canonicalQuantity(text)
  return canonical.ok ? canonical.text : binaryQuantity(amountOf(text, capacity))
}
