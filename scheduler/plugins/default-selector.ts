import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Service } from '../../api/core/service.ts'
import { fromLabelMap, fromLabelSelector, matchesLabels, type Selector } from '../../api/selectors.ts'
import type { Informers } from '../../client/informer.ts'
import type { PodInfo } from '../pod-info.ts'

/** Which pods are a pod's like: those its Services and its ReplicaSet select together; 'nothing' when it has neither. */
export type DefaultSelector = (pod: PodInfo) => Selector

/** pkg/scheduler/framework/plugins/helper/spread.go */
export function defaultSelectorFrom(informers: Informers): DefaultSelector {
  const services = informers.of(Service).lister
  const replicaSets = informers.of(ReplicaSet).lister
  return ({ pod, namespace, labels }) => {
    const selectors: Selector[] = []
    for (const service of services.list(namespace)) {
      const selector = fromLabelMap(service.spec.selector)
      if (matchesLabels(selector, labels)) selectors.push(selector)
    }
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)
    if (owner?.kind === 'ReplicaSet') {
      const replicaSet = replicaSets.get(`${namespace}/${owner.name}`)
      if (replicaSet?.metadata.uid === owner.uid) selectors.push(fromLabelSelector(replicaSet.spec.selector))
    }
    const together = selectors.flatMap(selector => (selector === 'nothing' ? [] : selector))
    return together.length > 0 ? together : 'nothing'
  }
}
