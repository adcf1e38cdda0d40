import type { Pod } from '../../api/core/pod.ts'
import { podLimits } from '../../api/placement/pod-requests.ts'
import { value } from '../../api/quantity.ts'
import { binaryQuantity } from './message.ts'
import type { PodUsage } from './rank.ts'

const resource = 'ephemeral-storage'

/** Whether anything limits the disk that a pod may use: only then is it worth measuring. */
export function hasLocalLimits({ spec }: Pod): boolean {
  return (
    (spec.volumes ?? []).some(volume => volume.emptyDir?.sizeLimit) ||
    spec.containers.some(container => container.resources.limits?.[resource])
  )
}

/** Why a pod has to go for the disk it uses: a volume over its limit, the pod, a container; the first in this order (semantics C11). */
export function exceededLocalLimit({ spec }: Pod, usage: PodUsage): string | undefined {
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    if (limit && value(limit) > 0 && (usage.volumes[name] ?? 0) > value(limit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `
  }
  const everyoneIsLimited = spec.containers.every(container => container.resources.limits?.[resource])
  const ofPod = podLimits(spec)[resource]
  if (everyoneIsLimited && ofPod && usage.filesystemInBytes > ofPod)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${binaryQuantity(ofPod)}. `
  for (const { name, resources } of spec.containers) {
    const limit = resources.limits?.[resource]
    if (limit && (usage.containers[name]?.filesystemInBytes ?? 0) > value(limit))
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `
  }
  return undefined
}
