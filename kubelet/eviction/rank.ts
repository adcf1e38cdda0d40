import type { Pod } from '../../api/core/pod.ts'
import { podRequests } from '../../api/placement/pod-requests.ts'
import type { Signal } from './config.ts'
import { isMemorySignal } from './thresholds.ts'
import { type DiskPart, diskUsageOf, type PodUsage, type Usages, usageOf } from './usage.ts'

interface RankOptions {
  /** Images and writable layers lie on a file system of their own. */
  readonly hasImageFs?: boolean
}

const everywhere: readonly DiskPart[] = ['rootfs', 'logs', 'volumes']

/** What counts when a file system is short: all that lies on it. */
export function partsOn(signal: Signal, { hasImageFs = false }: RankOptions): readonly DiskPart[] {
  if (!hasImageFs) return everywhere
  return signal.startsWith('nodefs') ? ['logs', 'volumes'] : ['rootfs']
}

/**
 * Who goes first when a node is short of what a signal measures (semantics C11, pkg/kubelet/eviction/helpers.go): pods nobody has
 * figures of, then those above their request, then lower priority, then the larger excess. Process ids: lower priority first, then pods
 * nobody has figures of, then more processes. Equals stay in their order.
 */
export function rankForEviction(signal: Signal, pods: readonly Pod[], usages: Usages, options: RankOptions = {}): Pod[] {
  const ranked = pods.map(pod => ({ pod, ...figuresOf(signal, pod, usageOf(usages, pod), options) }))
  const byNeed = (a: Figures, b: Figures) => Number(a.isKnown) - Number(b.isKnown) || Number(b.isOver) - Number(a.isOver)
  const isAboutPids = signal === 'pid.available'
  return ranked
    .sort(
      (a, b) =>
        (isAboutPids ? 0 : byNeed(a, b)) ||
        a.priority - b.priority ||
        Number(a.isKnown) - Number(b.isKnown) ||
        b.excess - a.excess,
    )
    .map(({ pod }) => pod)
}

interface Figures {
  readonly isKnown: boolean
  readonly isOver: boolean
  readonly priority: number
  readonly excess: number
}

function figuresOf(signal: Signal, pod: Pod, usage: PodUsage | undefined, options: RankOptions): Figures {
  const priority = pod.spec.priority ?? 0
  if (!usage) return { isKnown: false, isOver: false, priority, excess: 0 }
  if (signal === 'pid.available') return { isKnown: true, isOver: false, priority, excess: usage.processes }
  const requests = podRequests(pod.spec)
  if (isMemorySignal(signal)) {
    const excess = usage.memoryInBytes - (requests.memory ?? 0)
    return { isKnown: true, isOver: excess > 0, priority, excess }
  }
  const { bytes, inodes } = diskUsageOf(pod, usage, partsOn(signal, options))
  const requested = requests['ephemeral-storage'] ?? 0
  // Inodes cannot be requested; upstream takes the bytes that were requested off them all the same, so who requested some goes later.
  if (signal.endsWith('inodesFree')) return { isKnown: true, isOver: inodes > 0, priority, excess: inodes - requested }
  return { isKnown: true, isOver: bytes > requested, priority, excess: bytes - requested }
}
