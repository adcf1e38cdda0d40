import type { Pod } from '../api/core/pod.ts'
import type { EventSubject } from '../client/events.ts'

/**
 * A container as what an Event is about: its pod with the path of the container in it (pkg/kubelet/container/ref.go). One that the pod
 * does not know is the pod itself.
 */
export function containerSubject(pod: Pod, name: string): EventSubject {
  const kinds = ['containers', 'initContainers', 'ephemeralContainers'] as const
  const kind = kinds.find(each => pod.spec[each]?.some(container => container.name === name))
  return kind ? { ...pod, fieldPath: `spec.${kind}{${name}}` } : pod
}
