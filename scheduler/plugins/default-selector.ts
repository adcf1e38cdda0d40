import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import { ReplicationController } from '../../api/core/replication-controller.ts'
import { Service } from '../../api/core/service.ts'
import { fromLabelMap, fromLabelSelector, matchesLabels, type Selector } from '../../api/selectors.ts'
import type { Informers } from '../../client/informer.ts'
import type { PodInfo } from '../pod-info.ts'

/** Which pods are a pod's like: those its Services and its owner select together; 'nothing' when it has neither. */
export type DefaultSelector = (pod: PodInfo) => Selector

/** pkg/scheduler/framework/plugins/helper/spread.go */
export function defaultSelectorFrom(informers: Informers): DefaultSelector {
  const services = informers.of(Service).lister
  const replicaSets = informers.of(ReplicaSet).lister
  const statefulSets = informers.of(StatefulSet).lister
  const replicationControllers = informers.of(ReplicationController).lister

  const ofOwner = ({ pod, namespace }: PodInfo): Selector => {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)
    const key = `${namespace}/${owner?.name}`
    switch (`${owner?.apiVersion} ${owner?.kind}`) {
      case 'apps/v1 ReplicaSet':
        return fromLabelSelector(replicaSets.get(key)?.spec.selector)
      case 'apps/v1 StatefulSet':
        return fromLabelSelector(statefulSets.get(key)?.spec.selector)
      case 'v1 ReplicationController':
        return fromLabelMap(replicationControllers.get(key)?.spec.selector)
      default:
        return 'nothing'
    }
  }
  return pod => {
    const selectors: Selector[] = []
    for (const service of services.list(pod.namespace)) {
      const selector = fromLabelMap(service.spec.selector)
      if (matchesLabels(selector, pod.labels)) selectors.push(selector)
    }
    selectors.push(ofOwner(pod))
    const together = selectors.flatMap(selector => (selector === 'nothing' ? [] : selector))
    return together.length > 0 ? together : 'nothing'
  }
}
