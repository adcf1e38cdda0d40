import type { Pod } from '../../api/core/pod.ts'
import type { PodCgroups } from '../cgroups/cgroups.ts'
import type { CgroupFigures } from '../cgroups/figures.ts'
import type { KubeletConfig } from '../config.ts'
import type { ContainerRuntime, ContainerStats, LinuxResources } from '../runtime/runtime.ts'
import { linuxResources } from '../sync/resources.ts'
import type { Allocations, Resources } from './allocations.ts'
import type { ContainerChange, ResizePlan } from './plan.ts'

interface Options {
  readonly runtime: Pick<ContainerRuntime, 'updateResources' | 'stats'>
  readonly cgroups: Pick<PodCgroups, 'figures' | 'wanted' | 'change' | 'memoryUsage'>
  readonly allocations: Allocations
  readonly config: Pick<KubeletConfig, 'cpuCFSQuota' | 'cpuCFSQuotaPeriodInUs'>
}

/** Makes what was granted so. Throws with what stood in the way; what has been done by then stays done and is known. */
export type ActuateResize = (pod: Pod, plan: ResizePlan) => Promise<void>

/**
 * A pod that grows does so before its containers, one that shrinks after them, so that no container may ever use more than its pod;
 * memory before cpu (pkg/kubelet/kuberuntime doPodResizeAction).
 */
export function resizeActuator({ runtime, cgroups, allocations, config }: Options): ActuateResize {
  const updateContainer = async (pod: Pod, resource: 'cpu' | 'memory', change: ContainerChange) => {
    const { name, containerId, resources, from, to } = change
    const figures = linuxResources(resources, { oomScoreAdj: 0, podLevel: pod.spec.resources, ...config })
    const { cpuShares, cpuQuotaInUs, cpuPeriodInUs, memoryLimitInBytes } = figures
    const update: LinuxResources =
      resource === 'cpu'
        ? {
            ...(cpuShares !== undefined && { cpuShares }),
            ...(from.cpuLimit !== to.cpuLimit &&
              cpuQuotaInUs !== undefined && { cpuQuotaInUs, cpuPeriodInUs: cpuPeriodInUs ?? 0 }),
          }
        : from.memoryLimit !== to.memoryLimit && memoryLimitInBytes !== undefined
          ? { memoryLimitInBytes }
          : {}
    if (Object.keys(update).length > 0) await runtime.updateResources(containerId, update)
    const known = allocations.actuated(pod.metadata.uid, name, containerId) ?? change.before
    await allocations.actuate(pod.metadata.uid, name, containerId, withOne(known, resources, resource))
  }

  const resize = async (pod: Pod, resource: 'cpu' | 'memory', changes: readonly ContainerChange[], isForRestart: boolean) => {
    if (changes.length === 0 && !isForRestart) return
    const now = cgroups.figures(pod)
    const wanted = cgroups.wanted(pod)
    const steps = now ? podSteps(resource, now, wanted) : { before: [], after: [] }
    for (const figures of steps.before) cgroups.change(pod, figures)
    for (const change of changes) await updateContainer(pod, resource, change)
    for (const figures of steps.after) cgroups.change(pod, figures)
  }

  return async (pod, plan) => {
    const isForRestart = plan.restarts.length > 0
    await refuseTooSmall(pod, plan)
    await resize(pod, 'memory', plan.memory, isForRestart)
    await resize(pod, 'cpu', plan.cpu, isForRestart)
  }

  /** A limit below what is in use would have the kernel kill somebody. */
  async function refuseTooSmall(pod: Pod, { memory, restarts }: ResizePlan): Promise<void> {
    if (memory.length === 0 && restarts.length === 0) return
    const podLimit = cgroups.wanted(pod).memoryLimitInBytes
    const podLimitNow = cgroups.figures(pod)?.memoryLimitInBytes
    const shrinksPod = podLimit !== undefined && podLimitNow !== undefined && (podLimitNow < 0 || podLimit < podLimitNow)
    const shrinking = memory.filter(
      ({ from, to }) => to.memoryLimit > 0 && (from.memoryLimit === 0 || to.memoryLimit < from.memoryLimit),
    )
    if (!shrinksPod && shrinking.length === 0) return
    const complaints: string[] = []
    const podUsage = shrinksPod ? cgroups.memoryUsage(pod) : undefined
    if (shrinksPod && podUsage !== undefined && podUsage >= podLimit)
      complaints.push(`attempting to set pod memory limit (${podLimit}) below current usage (${podUsage})`)
    const stats = shrinking.length > 0 ? await runtime.stats() : []
    for (const { name, containerId, to } of shrinking) {
      const usage = usageOf(stats, containerId)
      if (usage === undefined) complaints.push(`missing container "${name}" memory usage`)
      else if (usage >= to.memoryLimit)
        complaints.push(`attempting to set container "${name}" memory limit (${to.memoryLimit}) below current usage (${usage})`)
    }
    if (complaints.length > 0)
      throw new Error(
        `cannot decrease memory limits: ${complaints.length > 1 ? `[${complaints.join(', ')}]` : (complaints[0] ?? '')}`,
      )
  }
}

const usageOf = (stats: readonly ContainerStats[], id: string) =>
  stats.find(({ containerId }) => containerId === id)?.memoryUsageInBytes

/** One resource as it is in the newer list, everything else as in the older. */
function withOne(older: Resources, newer: Resources, resource: 'cpu' | 'memory'): Resources {
  const merged = (what: 'requests' | 'limits') => {
    const { [resource]: _old, ...rest } = older[what] ?? {}
    const now = newer[what]?.[resource]
    return { ...rest, ...(now !== undefined && { [resource]: now }) }
  }
  const [requests, limits] = [merged('requests'), merged('limits')]
  return {
    ...older,
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(Object.keys(requests).length > 0 && { requests }),
  }
}

/** What to write into the pod's cgroup before its containers are resized, and what after. Limits that the pod has not are left alone. */
export function podSteps(
  resource: 'cpu' | 'memory',
  now: CgroupFigures,
  wanted: CgroupFigures,
): { before: CgroupFigures[]; after: CgroupFigures[] } {
  const before: CgroupFigures[] = []
  const after: CgroupFigures[] = []
  const place = (growth: number, figures: CgroupFigures) => {
    if (growth > 0) before.push(figures)
    if (growth < 0) after.unshift(figures)
  }
  const amount = (limit: number) => (limit < 0 ? Number.MAX_SAFE_INTEGER : limit)
  if (resource === 'memory') {
    const { memoryLimitInBytes } = wanted
    if (memoryLimitInBytes !== undefined)
      place(amount(memoryLimitInBytes) - amount(now.memoryLimitInBytes ?? -1), { memoryLimitInBytes })
    return { before, after }
  }
  const { cpuQuotaInUs, cpuPeriodInUs, cpuShares } = wanted
  if (cpuQuotaInUs !== undefined)
    place(amount(cpuQuotaInUs) - amount(now.cpuQuotaInUs ?? -1), {
      cpuQuotaInUs,
      ...(cpuPeriodInUs !== undefined && { cpuPeriodInUs }),
    })
  if (cpuShares !== undefined) place(cpuShares - (now.cpuShares ?? 2), { cpuShares })
  return { before, after }
}
