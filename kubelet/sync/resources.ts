import type { Pod } from '../../api/core/pod.ts'
import { podRequests } from '../../api/placement/pod-requests.ts'
import { qosClassOf } from '../../api/placement/qos.ts'
import { milliValue, value } from '../../api/quantity.ts'
import type { KubeletContext } from '../context.ts'
import type { AnyContainer, ContainerRole } from '../pod-types.ts'
import type { LinuxResources } from '../runtime/runtime.ts'

interface Resources {
  readonly requests?: Readonly<Record<string, string>> | undefined
  readonly limits?: Readonly<Record<string, string>> | undefined
}

const minShares = 2
const maxShares = 262_144
export const defaultPeriodInUs = 100_000
const minQuotaInUs = 1000

/** cpu.shares for so many thousandths of a core (pkg/kubelet/cm/helpers_linux.go MilliCPUToShares). */
export function cpuShares(milliCpu: number): number {
  if (milliCpu <= 0) return minShares
  return Math.min(Math.max(Math.trunc((milliCpu * 1024) / 1000), minShares), maxShares)
}

/** cpu.weight of cgroup v2 for these shares. */
export function cpuWeight(shares: number): number {
  return 1 + Math.trunc(((shares - 2) * 9999) / 262_142)
}

/** cpu.cfs_quota_us for a period; `undefined`: no quota. */
export function cpuQuota(milliCpu: number, periodInUs = defaultPeriodInUs): number | undefined {
  if (milliCpu <= 0) return undefined
  return Math.max(Math.trunc((milliCpu * periodInUs) / 1000), minQuotaInUs)
}

/**
 * How readily the kernel kills a container when the node runs out of memory (pkg/kubelet/qos/policy.go): the less memory it asked
 * for, the sooner.
 */
export function oomScoreAdj({
  qosClass,
  isCritical,
  memoryRequestInBytes,
  nodeMemoryInBytes,
}: {
  qosClass: string
  isCritical: boolean
  memoryRequestInBytes: number
  nodeMemoryInBytes: number
}): number {
  if (isCritical || qosClass === 'Guaranteed') return -997
  if (qosClass === 'BestEffort') return 1000
  const score = 1000 - Math.trunc((1000 * memoryRequestInBytes) / nodeMemoryInBytes)
  return Math.min(Math.max(score, 3), 999)
}

/** What a container gets, with what the pod as a whole allows it. */
export interface ContainerRules {
  readonly oomScoreAdj: number
  /** Only where pods have no cgroup of their own that says it. */
  readonly podPidsLimit?: number
  /** --cpu-cfs-quota; default true. */
  readonly cpuCFSQuota?: boolean
  readonly cpuCFSQuotaPeriodInUs?: number
  /** spec.resources of the pod: its limits are those of containers that have none (PodLevelResources). */
  readonly podLevel?: Resources | undefined
}

/** The cgroup figures of one container: limits become limits, requests only decide how cpu is shared when it is short (semantics C10). */
export function linuxResources(
  { requests, limits }: Resources,
  { oomScoreAdj, podPidsLimit = -1, cpuCFSQuota = true, cpuCFSQuotaPeriodInUs, podLevel }: ContainerRules,
): LinuxResources {
  const limitOf = (name: 'cpu' | 'memory', parse: (quantity: string) => number) =>
    parse(limits?.[name] ?? '0') || parse(podLevel?.limits?.[name] ?? '0')
  const cpuLimit = limitOf('cpu', milliValue)
  const cpuRequest = requests?.cpu === undefined ? undefined : milliValue(requests.cpu)
  const memoryLimit = limitOf('memory', value)
  const period = cpuCFSQuotaPeriodInUs ?? defaultPeriodInUs
  const quota = cpuCFSQuota ? cpuQuota(cpuLimit, period) : undefined
  return {
    cpuShares: cpuShares(cpuRequest ?? cpuLimit),
    ...(quota !== undefined && { cpuQuotaInUs: quota, cpuPeriodInUs: period }),
    ...(memoryLimit > 0 && { memoryLimitInBytes: memoryLimit }),
    oomScoreAdj,
    ...(podPidsLimit > 0 && { pidsLimit: podPidsLimit }),
  }
}

/**
 * The score of one container of a pod (pkg/kubelet/qos/policy.go). What the pod itself asks for beyond its containers is shared out
 * among them; a sidecar is not killed before the containers it serves.
 */
export function podOomScoreAdj(
  { spec, status }: Pick<Pod, 'spec' | 'status'>,
  container: AnyContainer,
  role: ContainerRole,
  nodeMemoryInBytes: number,
): number {
  const memoryOf = (one: AnyContainer) => value(one.resources?.requests?.memory ?? '0')
  const asked = value(spec.resources?.requests?.memory ?? '0')
  const { resources: _podLevel, overhead: _overhead, ...ownNeeds } = spec
  const rest = asked === 0 ? 0 : Math.max(0, asked - (podRequests(ownNeeds).memory ?? 0))
  const share = Math.trunc(rest / (spec.containers.length + (spec.initContainers ?? []).length))
  const score = (request: number) =>
    oomScoreAdj({
      qosClass: status.qosClass ?? qosClassOf(spec),
      isCritical: spec.priorityClassName === 'system-node-critical',
      memoryRequestInBytes: request + share,
      nodeMemoryInBytes,
    })
  const own = score(memoryOf(container))
  return role === 'sidecar' ? Math.min(own, score(Math.min(...spec.containers.map(memoryOf)))) : own
}

/** All figures of one container of a pod that has been given its resources. */
export function containerResources(
  { config, cgroups, memoryInBytes }: Pick<KubeletContext, 'config' | 'cgroups' | 'memoryInBytes'>,
  pod: Pod,
  container: AnyContainer,
  role: ContainerRole,
): LinuxResources {
  const hasPodCgroup = cgroups?.version !== undefined
  return linuxResources(container.resources ?? {}, {
    oomScoreAdj: podOomScoreAdj(pod, container, role, memoryInBytes()),
    podPidsLimit: hasPodCgroup ? -1 : config.podPidsLimit,
    cpuCFSQuota: config.cpuCFSQuota,
    cpuCFSQuotaPeriodInUs: config.cpuCFSQuotaPeriodInUs,
    podLevel: pod.spec.resources,
  })
}
