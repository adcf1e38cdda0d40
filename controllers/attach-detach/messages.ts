import type { Pod } from '../../api/core/pod.ts'

/**
 * Why a pod does not get a volume that another node has. Names of pods in other namespaces are nobody's business here
 * (pkg/controller/volume/attachdetach/reconciler reportMultiAttachError).
 */
export function multiAttachMessage(volume: string, pod: Pod, others: readonly Pod[]): string {
  const local = others
    .filter(({ metadata }) => metadata.namespace === pod.metadata.namespace)
    .map(({ metadata }) => metadata.name)
  const elsewhere = others.length - local.length
  const intro = `Multi-Attach error for volume "${volume}"`
  if (others.length === 0) return `${intro} Volume is already exclusively attached to one node and can't be attached to another`
  if (local.length === 0) return `${intro} Volume is already used by ${elsewhere} pod(s) in different namespaces`
  const more = elsewhere > 0 ? ` and ${elsewhere} pod(s) in different namespaces` : ''
  return `${intro} Volume is already used by pod(s) ${local.join(', ')}${more}`
}
