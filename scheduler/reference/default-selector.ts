import type { Pod } from '../../api/core/pod.ts'
import { fromLabelMap, fromLabelSelector, matchesLabels, type Selector } from '../../api/selectors.ts'
import type { Cluster } from './cluster.ts'

/** What the Services and the owner of a pod select together; without any of them 'nothing' (plugins/helper/spread.go). */
export function defaultSelector({ metadata }: Pod, cluster: Cluster): Selector {
  const found: Selector[] = []
  for (const { metadata: own, spec } of cluster.services) {
    const selector = fromLabelMap(spec.selector)
    if (own.namespace === metadata.namespace && matchesLabels(selector, metadata.labels)) found.push(selector)
  }
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  const isOwner = (object: { readonly metadata: { readonly namespace?: string; readonly name: string } }) =>
    object.metadata.namespace === metadata.namespace && object.metadata.name === owner?.name
  if (owner?.kind === 'ReplicaSet' && owner.apiVersion === 'apps/v1')
    for (const { spec } of cluster.replicaSets.filter(isOwner)) found.push(fromLabelSelector(spec.selector))
  if (owner?.kind === 'StatefulSet' && owner.apiVersion === 'apps/v1')
    for (const { spec } of cluster.statefulSets.filter(isOwner)) found.push(fromLabelSelector(spec.selector))
  if (owner?.kind === 'ReplicationController' && owner.apiVersion === 'v1')
    for (const { spec } of cluster.replicationControllers.filter(isOwner)) found.push(fromLabelMap(spec.selector))
  const together = found.flatMap(selector => (selector === 'nothing' ? [] : selector))
  return together.length === 0 ? 'nothing' : together
}
