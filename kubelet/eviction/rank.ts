import type { Pod } from '../../api/core/pod.ts'
import { podRequests } from '../../api/placement/pod-requests.ts'
import type { Signal } from './config.ts'

/** What one pod uses. */
export interface PodUsage {
  readonly memoryInBytes: number
  /** Writable layers, logs and local volumes. */
  readonly filesystemInBytes: number
  readonly inodes: number
  readonly processes: number
  readonly containers: Readonly<Record<string, { readonly memoryInBytes: number; readonly filesystemInBytes: number }>>
  /** emptyDirs, by volume name. */
  readonly volumes: Readonly<Record<string, number>>
}

/** By `namespace/name`; `*` stands for every pod that is not listed. */
export type Usages = ReadonlyMap<string, PodUsage>

export function usageOf(usages: Usages, { metadata }: Pod): PodUsage | undefined {
  return usages.get(`${metadata.namespace}/${metadata.name}`) ?? usages.get('*')
}

/**
 * Who goes first when a node is short of what a signal measures (semantics C11): pods nobody has figures of, then those above their
 * request, then lower priority, then the larger excess. Process ids: lower priority, then more processes.
 */
export function rankForEviction(signal: Signal, pods: readonly Pod[], usages: Usages): Pod[] {
  const figures = new Map(pods.map(pod => [pod, figuresOf(signal, pod, usageOf(usages, pod))]))
  const of = (pod: Pod) => figures.get(pod) ?? { isKnown: false, isOver: false, priority: 0, excess: 0 }
  return [...pods].sort((podA, podB) => {
    const a = of(podA)
    const b = of(podB)
    return (
      Number(a.isKnown) - Number(b.isKnown) ||
      Number(b.isOver) - Number(a.isOver) ||
      a.priority - b.priority ||
      b.excess - a.excess
    )
  })
}

function figuresOf(signal: Signal, pod: Pod, usage: PodUsage | undefined) {
  const priority = pod.spec.priority ?? 0
  if (!usage) return { isKnown: false, isOver: false, priority, excess: 0 }
  if (signal === 'pid.available') return { isKnown: true, isOver: false, priority, excess: usage.processes }
  if (signal.endsWith('inodesFree')) return { isKnown: true, isOver: usage.inodes > 0, priority, excess: usage.inodes }
  const requests = podRequests(pod.spec)
  const isMemory = signal === 'memory.available'
  const used = isMemory ? usage.memoryInBytes : usage.filesystemInBytes
  const requested = (isMemory ? requests.memory : requests['ephemeral-storage']) ?? 0
  return { isKnown: true, isOver: used > requested, priority, excess: used - requested }
}
