import type { Pod } from '../../api/core/pod.ts'
import { podLimits } from '../../api/placement/pod-requests.ts'
import { value } from '../../api/quantity.ts'
import { binaryQuantity } from './message.ts'
import { diskUsageOf, type PodUsage } from './usage.ts'

const resource = 'ephemeral-storage'

/** Whether anything limits the disk that a pod may use: only then is it worth measuring. */
export function hasLocalLimits({ spec }: Pod): boolean {
  return (
    (spec.volumes ?? []).some(volume => volume.emptyDir?.sizeLimit) ||
    [...spec.containers, ...(spec.initContainers ?? [])].some(container => container.resources.limits?.[resource])
  )
}

/**
 * Why a pod has to go for the disk it uses: a volume over its limit, the pod over what its containers may use together, a container; the
 * first in this order (semantics C11). Of containers only logs count where writable layers lie on a file system of their own.
 */
export function exceededLocalLimit(pod: Pod, usage: PodUsage, { hasImageFs = false } = {}): string | undefined {
  const { spec } = pod
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    if (limit && value(limit) > 0 && (usage.volumes[name]?.bytes ?? 0) > value(limit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `
  }
  const ofPod = podLimits(spec)[resource]
  if (ofPod !== undefined && diskUsageOf(pod, usage, ['rootfs', 'logs', 'volumes']).bytes > ofPod)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${binaryQuantity(ofPod)}. `
  for (const { name, resources } of spec.containers) {
    const limit = resources.limits?.[resource]
    const used = usage.containers[name]
    if (!limit || value(limit) === 0 || !used) continue
    if (used.logsInBytes + (hasImageFs ? 0 : used.rootfsInBytes) > value(limit))
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `
  }
  return undefined
}
