import type { EvictionConfig } from './eviction/config.ts'
import { defaultEviction } from './eviction/config.ts'

/** How a kubelet works; the defaults are upstream's (KubeletConfiguration, kubelet.config.k8s.io/v1beta1). */
export interface KubeletConfig {
  /** What nodeInfo says: `v1.34.0`. */
  readonly kubeletVersion: string
  readonly maxPods: number
  readonly podPidsLimit: number
  readonly clusterDomain: string
  /** Name servers for ClusterFirst; empty: the node's own. */
  readonly clusterDns: readonly string[]
  /** Set aside for the system and for the kubelet itself. */
  readonly systemReserved: Readonly<Record<string, string>>
  readonly kubeReserved: Readonly<Record<string, string>>
  /** Labels the node registers with, beside the usual ones. */
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly registerWithTaints: readonly { key: string; value?: string; effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute' }[]
  readonly nodeStatusUpdateEveryMs: number
  /** A status that did not change is posted so often all the same. */
  readonly nodeStatusReportEveryMs: number
  readonly leaseDurationSeconds: number
  readonly relistEveryMs: number
  /** With nothing to look after, and a runtime that hints at changes. */
  readonly relistIdleEveryMs: number
  /** A pod is looked at again after so long, times 1 to 1.5. */
  readonly syncEveryMs: number
  /** The same after a failure. */
  readonly retryEveryMs: number
  readonly housekeepingEveryMs: number
  /** False on simulated nodes: no folders, no files. */
  readonly usesDisk: boolean
  readonly eviction: EvictionConfig
}

export const defaultKubeletConfig: KubeletConfig = {
  kubeletVersion: 'v1.34.0',
  maxPods: 110,
  podPidsLimit: -1,
  clusterDomain: 'cluster.local',
  clusterDns: [],
  systemReserved: {},
  kubeReserved: {},
  nodeLabels: {},
  registerWithTaints: [],
  nodeStatusUpdateEveryMs: 10_000,
  nodeStatusReportEveryMs: 300_000,
  leaseDurationSeconds: 40,
  relistEveryMs: 1000,
  relistIdleEveryMs: 10_000,
  syncEveryMs: 60_000,
  retryEveryMs: 10_000,
  housekeepingEveryMs: 2000,
  usesDisk: true,
  eviction: defaultEviction,
}
