import type { Pod } from '../../api/core/pod.ts'
import { formatQuantity, quantityOf, value } from '../../api/quantity.ts'
import { amountOf } from '../node/node-status.ts'
import type { Signal } from './config.ts'
import type { PodUsage } from './rank.ts'
import type { Observation, Threshold } from './thresholds.ts'

/** What a signal is short of, as messages name it. */
export function resourceOf(signal: Signal): string {
  if (signal === 'memory.available') return 'memory'
  if (signal === 'pid.available') return 'pids'
  return signal.endsWith('inodesFree') ? 'inodes' : 'ephemeral-storage'
}

/** Bytes as a canonical binary quantity: `95Mi`, `1536Ki`, `1000`. */
export function binaryQuantity(bytes: number): string {
  return formatQuantity(quantityOf(Math.trunc(bytes), 'BinarySI'))
}

/** What an evicted pod's status says (semantics C11, pkg/kubelet/eviction/helpers.go). */
export function evictionMessage(
  threshold: Threshold,
  seen: Observation | undefined,
  pod: Pod,
  usage: PodUsage | undefined,
): string {
  const resource = resourceOf(threshold.signal)
  let text = `The node was low on resource: ${resource}. `
  if (seen)
    text += `Threshold quantity: ${binaryQuantity(amountOf(threshold.value, seen.capacity))}, available: ${binaryQuantity(seen.available)}. `
  if (!usage || (resource !== 'memory' && resource !== 'ephemeral-storage')) return text
  for (const { name, resources } of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const figures = usage.containers[name]
    if (!figures) continue
    const used = resource === 'memory' ? figures.memoryInBytes : figures.filesystemInBytes
    const request = resources.requests?.[resource] ?? '0'
    if (used <= value(request)) continue
    text += `Container ${name} was using ${binaryQuantity(used)}, request is ${request}, has larger consumption of ${resource}. `
  }
  return text
}
