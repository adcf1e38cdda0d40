import type { Pod } from '../../api/core/pod.ts'
import { type Amounts, podLimits, podRequests } from '../../api/placement/pod-requests.ts'
import { qosClassOf } from '../../api/placement/qos.ts'
import { milliValue, value } from '../../api/quantity.ts'
import { cpuQuota, cpuShares, defaultPeriodInUs } from '../sync/resources.ts'

/** What is written into a cgroup; absent: left as it is. */
export interface CgroupFigures {
  readonly cpuShares?: number
  /** Per period; -1: as much as there is. */
  readonly cpuQuotaInUs?: number
  readonly cpuPeriodInUs?: number
  readonly memoryLimitInBytes?: number
  readonly pidsLimit?: number
  /** By page size as the kernel names it: `2MB`, `1GB`. */
  readonly hugepages?: Readonly<Record<string, number>>
}

export interface FigureRules {
  readonly cpuCFSQuota: boolean
  readonly cpuCFSQuotaPeriodInUs: number
  readonly podPidsLimit: number
}

export const defaultFigureRules: FigureRules = { cpuCFSQuota: true, cpuCFSQuotaPeriodInUs: defaultPeriodInUs, podPidsLimit: -1 }

/**
 * The cgroup of a pod as a whole (pkg/kubelet/cm/helpers_linux.go ResourceConfigForPod): what its containers ask for together, plus
 * overhead. Limits only where all of its containers have one, or the pod itself: else those without would be limited by the others'.
 */
export function podFigures(pod: Pick<Pod, 'spec'>, rules: FigureRules): CgroupFigures {
  const { spec } = pod
  const requests = podRequests(spec)
  const limits = podLimits(spec)
  const pids = rules.podPidsLimit > 0 ? { pidsLimit: rules.podPidsLimit } : {}
  const hugepages = hugepageLimits(requests)
  const qos = qosClassOf(spec)
  if (qos === 'BestEffort') return { cpuShares: cpuShares(0), ...pids, hugepages }
  const isLimited = (resource: 'cpu' | 'memory') =>
    qos === 'Guaranteed' ||
    isPositive(spec.resources?.limits?.[resource]) ||
    [...spec.containers, ...(spec.initContainers ?? [])].every(({ resources }) => isPositive(resources?.limits?.[resource]))
  return {
    cpuShares: cpuShares(requests.cpu ?? 0),
    ...(isLimited('cpu') && {
      cpuQuotaInUs: rules.cpuCFSQuota ? (cpuQuota(limits.cpu ?? 0, rules.cpuCFSQuotaPeriodInUs) ?? -1) : -1,
      cpuPeriodInUs: rules.cpuCFSQuotaPeriodInUs,
    }),
    ...(isLimited('memory') && { memoryLimitInBytes: limits.memory ?? 0 }),
    ...pids,
    hugepages,
  }
}

const isPositive = (quantity: string | undefined) => quantity !== undefined && value(quantity) > 0

/**
 * `kubepods`: what the node has, less what is reserved. What hard eviction keeps free is not subtracted here, so that eviction comes
 * before the kernel does (pkg/kubelet/cm/node_container_manager_linux.go).
 */
export function nodeFigures(
  capacity: Readonly<Record<string, string>>,
  reserved: readonly Readonly<Record<string, string>>[],
  { pids }: { pids?: number | undefined } = {},
): CgroupFigures {
  const left = (resource: string, total: number, parse: (text: string) => number) =>
    Math.max(0, total - reserved.reduce((sum, one) => sum + parse(one[resource] ?? '0'), 0))
  return {
    memoryLimitInBytes: left('memory', value(capacity.memory ?? '0'), value),
    cpuShares: cpuShares(left('cpu', milliValue(capacity.cpu ?? '0'), milliValue)),
    ...(pids !== undefined && { pidsLimit: left('pid', pids, value) }),
  }
}

/** What pods that are Burstable get of the processor together: what they have asked for. */
export function burstableShares(pods: Iterable<Pick<Pod, 'spec'>>): number {
  let milliCpu = 0
  for (const { spec } of pods) milliCpu += burstableCpu(spec)
  return cpuShares(milliCpu)
}

/** Counted anew with each pod that comes, over all of them; their specs are never written to. */
const counted = new WeakMap<Pod['spec'], number>()

function burstableCpu(spec: Pod['spec']): number {
  let milliCpu = counted.get(spec)
  if (milliCpu === undefined) {
    milliCpu = qosClassOf(spec) === 'Burstable' ? (podRequests(spec).cpu ?? 0) : 0
    counted.set(spec, milliCpu)
  }
  return milliCpu
}

function hugepageLimits(requests: Amounts): Record<string, number> {
  const limits: Record<string, number> = {}
  for (const resource in requests)
    if (resource.startsWith('hugepages-')) limits[pageSizeName(resource.slice('hugepages-'.length))] = requests[resource] ?? 0
  return limits
}

/** `2Mi` is `2MB` in the names of cgroup files. */
export function pageSizeName(size: string): string {
  const units = ['KB', 'MB', 'GB']
  let amount = value(size) / 1024
  let unit = 0
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024
    unit++
  }
  return `${amount}${units[unit]}`
}
