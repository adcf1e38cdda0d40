import type { EvictionConfig } from './eviction/config.ts'
import { defaultEviction } from './eviction/config.ts'
import {
  type ContainerGarbageConfig,
  defaultContainerGarbage,
  defaultImageGarbage,
  defaultKeptLogs,
  type ImageGarbageConfig,
  type KeptLogsConfig,
} from './garbage/config.ts'

/** The share of a shutdown that pods of this priority, up to the next, get (shutdownGracePeriodByPodPriority). */
export interface ShutdownGracePeriod {
  readonly priority: number
  readonly seconds: number
}

/** How a kubelet works; the defaults are upstream's (KubeletConfiguration, kubelet.config.k8s.io/v1beta1). */
export interface KubeletConfig {
  /** What nodeInfo says: `v1.34.0`. */
  readonly kubeletVersion: string
  readonly maxPods: number
  readonly podPidsLimit: number
  /** At most so many pods for each processor; 0: only `maxPods` counts. */
  readonly podsPerCore: number
  /** Processors that are not for pods, such as `0-1,4`: their number takes the place of what is reserved of cpu. Empty: none. */
  readonly reservedSystemCPUs: string
  /** Whether pods and QoS classes have cgroups of their own. */
  readonly cgroupsPerQOS: boolean
  /** Whether all pods together are kept within allocatable by the kernel: `pods`; empty: only by admission. */
  readonly enforceNodeAllocatable: readonly string[]
  /** Whether cpu limits become quotas, and over which period. */
  readonly cpuCFSQuota: boolean
  readonly cpuCFSQuotaPeriodInUs: number
  /** Out of memory, only one process of a container is killed; `undefined`: false on cgroup v2, as there is no other way on v1. */
  readonly singleProcessOOMKill: boolean | undefined
  /** Anything but `none` is refused. */
  readonly cpuManagerPolicy: string
  /** Anything but `None` is refused. */
  readonly memoryManagerPolicy: string
  /** Anything but `none` is refused. */
  readonly topologyManagerPolicy: string
  /** A file that names host devices by extended resource (kubelet/devices/README.md). */
  readonly devicesFile: string | undefined
  /** Where device plugins register and have their sockets (upstream: /var/lib/kubelet/device-plugins); undefined: nobody listens. */
  readonly devicePluginFolder: string | undefined
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
  /** With nothing to look after, or a runtime that hints at every change. */
  readonly relistIdleEveryMs: number
  /** A pod is looked at again after so long, times 1 to 1.5. */
  readonly syncEveryMs: number
  /** The same after a failure. */
  readonly retryEveryMs: number
  readonly housekeepingEveryMs: number
  /**
   * How long it may wait to be told that a pod has been taken on, or that its end has been noticed: of one that starts and ends at once
   * that need not be told of twice. Only for nodes where all pods do.
   */
  readonly passingWaitsMs: number
  /** The longest wait between restarts of a crashing container (crashLoopBackOff.maxContainerRestartPeriod): 1 s to 300 s. */
  readonly maxContainerRestartPeriodMs: number
  /** A file or directory of pods that run without the API; absent: none. */
  readonly staticPodPath?: string
  /** How often it is looked through, whatever the file system tells. */
  readonly fileCheckEveryMs: number
  /** In which order pods end when the node shuts down, and how much time they have; none: they are left alone. */
  readonly shutdownGracePeriods: readonly ShutdownGracePeriod[]
  /** Kernel parameters that pods may set although they may harm others: names, or beginnings with a `*` at the end (allowedUnsafeSysctls). */
  readonly allowedUnsafeSysctls: readonly string[]
  /** Containers that name no seccomp profile have the runtime's own; false: none. */
  readonly seccompDefault: boolean
  /** False on simulated nodes: no folders, no files. */
  readonly usesDisk: boolean
  /** Images are pulled one after the other. */
  readonly serializeImagePulls: boolean
  /** If they are not: so many at once; 0: all. */
  readonly maxParallelImagePulls: number
  /** How many pulls may begin in a second, on average and at once; 0: no limit. */
  readonly registryPullQPS: number
  readonly registryBurst: number
  readonly eviction: EvictionConfig
  readonly imageGarbage: ImageGarbageConfig
  readonly containerGarbage: ContainerGarbageConfig
  readonly keptLogs: KeptLogsConfig
}

export const defaultKubeletConfig: KubeletConfig = {
  kubeletVersion: 'v1.34.0',
  maxPods: 110,
  podPidsLimit: -1,
  podsPerCore: 0,
  reservedSystemCPUs: '',
  cgroupsPerQOS: true,
  enforceNodeAllocatable: ['pods'],
  cpuCFSQuota: true,
  cpuCFSQuotaPeriodInUs: 100_000,
  singleProcessOOMKill: undefined,
  cpuManagerPolicy: 'none',
  memoryManagerPolicy: 'None',
  topologyManagerPolicy: 'none',
  devicesFile: undefined,
  devicePluginFolder: undefined,
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
  passingWaitsMs: 0,
  maxContainerRestartPeriodMs: 300_000,
  fileCheckEveryMs: 20_000,
  shutdownGracePeriods: [],
  allowedUnsafeSysctls: [],
  seccompDefault: false,
  usesDisk: true,
  serializeImagePulls: true,
  maxParallelImagePulls: 0,
  registryPullQPS: 5,
  registryBurst: 10,
  eviction: defaultEviction,
  imageGarbage: defaultImageGarbage,
  containerGarbage: defaultContainerGarbage,
  keptLogs: defaultKeptLogs,
}
