import type { Pod } from '../../api/core/pod.ts'

/** Negative: the first restarted more often; the most of any regular container counts, then that of any sidecar. */
export function compareRestarts(a: Pod, b: Pod): number {
  const most = (statuses: readonly { restartCount: number }[] = []) => Math.max(0, ...statuses.map(each => each.restartCount))
  return most(b.status.containerStatuses) - most(a.status.containerStatuses) || most(ofSidecars(b)) - most(ofSidecars(a))
}

function ofSidecars({ spec, status }: Pod) {
  const names = new Set((spec.initContainers ?? []).filter(each => each.restartPolicy === 'Always').map(({ name }) => name))
  return (status.initContainerStatuses ?? []).filter(({ name }) => names.has(name))
}
