import type { Pod } from '../../api/core/pod.ts'
import type { ShutdownGracePeriod } from '../config.ts'

/** Pods that end together, and how long the next group waits for them. */
export interface ShutdownGroup extends ShutdownGracePeriod {
  readonly pods: readonly Pod[]
}

/** The priority of system-cluster-critical: from here on pods are critical. */
const criticalPriority = 2_000_000_000

/**
 * The two periods of a plain configuration as shares by priority: ordinary pods first, in all the time but that kept for critical ones
 * (pkg/kubelet/nodeshutdown migrateConfig). None without time, or when more is kept back than there is.
 */
export function plainGracePeriods(totalInSeconds: number, criticalInSeconds: number): ShutdownGracePeriod[] {
  if (totalInSeconds <= 0 || criticalInSeconds > totalInSeconds) return []
  return [
    { priority: 0, seconds: totalInSeconds - criticalInSeconds },
    { priority: criticalPriority, seconds: criticalInSeconds },
  ]
}

/** Lowest priorities first. A pod belongs to the highest share not above its own priority, or to the lowest there is. */
export function groupByPriority(periods: readonly ShutdownGracePeriod[], pods: readonly Pod[]): ShutdownGroup[] {
  const groups = [...periods].sort((a, b) => a.priority - b.priority).map(period => ({ ...period, pods: [] as Pod[] }))
  for (const pod of pods) {
    const priority = pod.spec.priority ?? 0
    const group = groups.findLast(one => one.priority <= priority) ?? groups[0]
    group?.pods.push(pod)
  }
  return groups
}
