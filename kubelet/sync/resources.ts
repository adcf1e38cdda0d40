import { milliValue, value } from '../../api/quantity.ts'
import type { LinuxResources } from '../runtime/runtime.ts'

interface Resources {
  readonly requests?: Readonly<Record<string, string>> | undefined
  readonly limits?: Readonly<Record<string, string>> | undefined
}

const minShares = 2
const maxShares = 262_144
const periodInUs = 100_000
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

/** cpu.cfs_quota_us per 100 ms; `undefined`: no quota. */
export function cpuQuota(milliCpu: number): number | undefined {
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

/** The cgroup figures of one container: limits become limits, requests only decide how cpu is shared when it is short (semantics C10). */
export function linuxResources(
  { requests, limits }: Resources,
  { oomScoreAdj, podPidsLimit = -1 }: { oomScoreAdj: number; podPidsLimit?: number },
): LinuxResources {
  const cpuLimit = limits?.cpu === undefined ? 0 : milliValue(limits.cpu)
  const cpuRequest = requests?.cpu === undefined ? undefined : milliValue(requests.cpu)
  const memoryLimit = limits?.memory === undefined ? 0 : value(limits.memory)
  const quota = cpuQuota(cpuLimit)
  return {
    cpuShares: cpuShares(cpuRequest ?? cpuLimit),
    ...(quota !== undefined && { cpuQuotaInUs: quota, cpuPeriodInUs: periodInUs }),
    ...(memoryLimit > 0 && { memoryLimitInBytes: memoryLimit }),
    oomScoreAdj,
    ...(podPidsLimit > 0 && { pidsLimit: podPidsLimit }),
  }
}
