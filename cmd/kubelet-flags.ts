import { given, parseDuration, type Texts, textFlags, type Values, wholeNumber } from './flags.ts'

/** What flags say about kubelets on Docker. */
export interface KubeletFlags {
  /** A file of figures that stands in for the machine's own memory and disks (kubelet/eviction/README.md). */
  readonly signals?: string
  readonly evictionHard?: string
  readonly evictionSoft?: string
  readonly evictionSoftGracePeriod?: string
  readonly evictionMinimumReclaim?: string
  readonly evictionTransitionPeriodInMs?: number
  readonly evictionMaxPodGraceSeconds?: number
  /** What kubelets set aside, throw away and keep (garbage-flags.ts), as written. */
  readonly garbage?: GarbageFlags
  /** Static pods and shutdown (pod-flags.ts), as written. */
  readonly pods?: PodFlags
  /** What nodes have to give (resource-flags.ts), as written. */
  readonly resources?: ResourceFlags
}

/** Flags about where kubelets on Docker have pods from, what these may do and how they end; all of them take a text. */
const podFlagNames = [
  'static-pod-path',
  'shutdown-grace-period',
  'shutdown-grace-period-critical-pods',
  'shutdown-grace-period-by-pod-priority',
  'allowed-unsafe-sysctls',
  'seccomp-default',
  'sandbox-pool',
  'sandbox-pool-hostname',
] as const

export type PodFlags = Texts<(typeof podFlagNames)[number]>

/** Flags about what kubelets on Docker have to give; all of them take a text. */
const resourceFlagNames = [
  'max-pods',
  'pods-per-core',
  'pod-max-pids',
  'reserved-cpus',
  'cpu-cfs-quota',
  'cpu-cfs-quota-period',
  'cgroups-per-qos',
  'enforce-node-allocatable',
  'cpu-manager-policy',
  'memory-manager-policy',
  'topology-manager-policy',
  'devices',
  'device-plugins',
] as const

export type ResourceFlags = Texts<(typeof resourceFlagNames)[number]>

/** Flags of kubelets on Docker; all of them take a text. */
const garbageFlagNames = [
  'system-reserved',
  'kube-reserved',
  'image-gc-high-threshold',
  'image-gc-low-threshold',
  'image-gc-scope',
  'minimum-image-ttl-duration',
  'maximum-image-ttl-duration',
  'maximum-dead-containers-per-container',
  'maximum-dead-containers',
  'container-log-max-size',
  'container-log-max-files',
  'keep-deleted',
] as const

export type GarbageFlags = Texts<(typeof garbageFlagNames)[number]>

/** The part of a help text that is about these flags. */
export const kubeletHelp = `  --signals FILE           read memory and disk figures from FILE instead of the machine, to show evictions
  --eviction-hard LIST     hard thresholds, e.g. memory.available<100Mi,nodefs.available<10%
  --eviction-soft LIST     soft thresholds; each needs a grace period
  --eviction-soft-grace-period LIST      e.g. memory.available=30s
  --eviction-minimum-reclaim LIST        e.g. memory.available=50Mi
  --eviction-pressure-transition-period DURATION   (default 5m)
  --eviction-max-pod-grace-period SECONDS          the most that a pod gets to end after a soft threshold (default 0)
  --system-reserved LIST   what pods may not use, e.g. cpu=500m,memory=1Gi; --kube-reserved LIST is added to it
  --image-gc-high-threshold N, --image-gc-low-threshold N   percent of the disk at which unused images go, and down to which (85, 80)
  --image-gc-scope NAME    own: only images that this kubelet pulled; all: whatever is unused on the engine (default own)
  --minimum-image-ttl-duration DURATION  how old an image must be to go (default 2m); --maximum-image-ttl-duration: when it goes anyhow
  --container-log-max-size SIZE, --container-log-max-files N   (default 10Mi, 5)
  --max-pods N             pods on a node at most (default 110); --pods-per-core N: at most so many for each processor
  --pod-max-pids N         processes in a pod at most (default -1: any number)
  --reserved-cpus LIST     processors that pods may not count on, e.g. 0-1; their number replaces what is reserved of cpu
  --cpu-cfs-quota BOOL     whether cpu limits are enforced (default true); --cpu-cfs-quota-period DURATION (default 100ms)
  --cgroups-per-qos BOOL   whether pods have cgroups of their own (default true)
  --enforce-node-allocatable LIST        pods (default) or none: whether the kernel keeps all pods within allocatable
  --devices FILE           devices of this machine that pods can ask for (kubelet/devices/README.md)
  --device-plugins DIR     let device plugins register in this folder (elsewhere: /var/lib/kubelet/device-plugins)
  --static-pod-path DIR    run the pods in these files, whether the API can be reached or not
  --shutdown-grace-period DURATION       on SIGTERM pods end in an orderly way within this time; unless given they go on
  --shutdown-grace-period-critical-pods DURATION          of that, kept for critical pods, which end last
  --shutdown-grace-period-by-pod-priority LIST            instead of the two: 0=20s,1000=1m
  --allowed-unsafe-sysctls LIST          kernel parameters that pods may set besides the safe ones, e.g. kernel.msg*,net.core.somaxconn
  --seccomp-default BOOL   whether containers that name no seccomp profile get Docker's (default false: none)
  --sandbox-pool N         keep N sandboxes running for pods to come (default 0), for those whose spec.hostname is
  --sandbox-pool-hostname NAME           this one (default warm): what Docker has begun keeps its host name
  --keep-deleted DURATION  how long the last logs of deleted pods are kept (default 10m; 0: not at all)
`

const evictionFlagNames = [
  'eviction-hard',
  'eviction-soft',
  'eviction-soft-grace-period',
  'eviction-minimum-reclaim',
  'eviction-pressure-transition-period',
  'eviction-max-pod-grace-period',
] as const

/** Flags of whoever runs kubelets on Docker. */
export const kubeletFlagTable = textFlags([
  'signals',
  ...evictionFlagNames,
  ...garbageFlagNames,
  ...podFlagNames,
  ...resourceFlagNames,
])

/** What the flags say. Throws a UsageError. */
export function kubeletFlags(values: Values<typeof kubeletFlagTable>): KubeletFlags {
  const garbage = given(garbageFlagNames, values)
  const pods = given(podFlagNames, values)
  const resources = given(resourceFlagNames, values)
  const {
    signals,
    'eviction-hard': evictionHard,
    'eviction-soft': evictionSoft,
    'eviction-soft-grace-period': evictionSoftGracePeriod,
    'eviction-minimum-reclaim': evictionMinimumReclaim,
    'eviction-max-pod-grace-period': grace,
    'eviction-pressure-transition-period': transition,
  } = values
  return {
    ...(garbage && { garbage }),
    ...(pods && { pods }),
    ...(resources && { resources }),
    ...(signals !== undefined && { signals }),
    ...(evictionHard !== undefined && { evictionHard }),
    ...(evictionSoft !== undefined && { evictionSoft }),
    ...(evictionSoftGracePeriod !== undefined && { evictionSoftGracePeriod }),
    ...(evictionMinimumReclaim !== undefined && { evictionMinimumReclaim }),
    ...(grace !== undefined && {
      evictionMaxPodGraceSeconds: wholeNumber('eviction-max-pod-grace-period', grace, { most: 86_400 }),
    }),
    ...(transition !== undefined && {
      evictionTransitionPeriodInMs: parseDuration('eviction-pressure-transition-period', transition),
    }),
  }
}
