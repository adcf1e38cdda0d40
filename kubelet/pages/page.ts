import type { Pod } from '../../api/core/pod.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PodCgroups } from '../cgroups/cgroups.ts'
import type { KubeletConfig } from '../config.ts'
import type { SignalSource } from '../eviction/signals.ts'
import type { KubeletMetrics } from '../metrics.ts'
import type { Machine } from '../node/machine.ts'
import type { NodeUsage } from '../node/usage.ts'
import type { ContainerRuntime, ContainerStats } from '../runtime/runtime.ts'
import type { RuntimeView } from '../workers/relist.ts'

/** What the pages of a kubelet are made from; nothing of it is asked before somebody reads one. */
export interface PageSources {
  readonly nodeName: string
  readonly config: KubeletConfig
  readonly runtime: ContainerRuntime
  readonly view: RuntimeView
  readonly machine: Pick<Machine, 'memoryInBytes' | 'cpus' | 'nodeFilesystem'>
  readonly metrics: KubeletMetrics
  readonly clock: Clock
  /** When the kubelet began, in milliseconds since the epoch. */
  readonly startedAt: number
  /** Admitted and not finished. */
  readonly activePods: () => readonly Pod[]
  /** What keeps the node from being healthy. */
  readonly problems: () => readonly string[]
  /** The machine's own figures; absent: those of the pods together stand for the node's. */
  readonly signals?: SignalSource | undefined
  /** What the whole machine uses; absent: the pods together stand for it. */
  readonly nodeUsage?: (() => Promise<NodeUsage>) | undefined
  /** Pods' own cgroups, which count what their containers share; absent: the sum of the containers. */
  readonly cgroups?: Pick<PodCgroups, 'text' | 'version'> | undefined
}

/** What a page says: text, or an object as JSON. */
export interface PageAnswer {
  readonly status?: number
  readonly text?: string
  readonly json?: unknown
  readonly contentType?: string
}

export const sumOf = (stats: readonly ContainerStats[], of: (one: ContainerStats) => number) =>
  stats.reduce((all, one) => all + of(one), 0)
