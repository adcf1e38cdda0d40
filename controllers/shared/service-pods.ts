import { canonicalIp } from '../../api/addresses.ts'
import type { Pod } from '../../api/core/pod.ts'
import { Service, type ServicePort } from '../../api/core/service.ts'
import { keyOf } from '../../api/keys.ts'
import { fromLabelMap } from '../../api/selectors.ts'
import type { Watch } from '../../client/controller.ts'
import { deepEqual } from '../../lib/json.ts'
import { selectorIndex } from './label-index.ts'
import { isFinished, isReady } from './pod-state.ts'

/** Which pods serve a service, and how (k8s.io/endpointslice/util, utils.go): what Endpoints and EndpointSlices have in common. */

/** Services by what they select; one whose selector is empty selects nothing. */
export const servicesBySelector = selectorIndex(Service, ({ spec }) => fromLabelMap(spec.selector))

/** Wakes the services whose endpoints a change of a pod may change. Most changes of pods change none. */
export const servicesOfPod: Watch['keys'] = ({ type, object, previous }, lister) => {
  const servedBy = (pod: Pod) => servicesBySelector.selecting(lister, pod).map(keyOf)
  const pod = object as Pod
  if (type !== 'modified' || !previous) return servedBy(pod)
  const before = previous as Pod
  const isChanged = endpointOf(pod) !== endpointOf(before) || !deepEqual(pod.status.podIPs, before.status.podIPs)
  const isRelabelled = !deepEqual(pod.metadata.labels, before.metadata.labels)
  if (!isRelabelled) return isChanged ? servedBy(pod) : []
  const [now, then] = [servedBy(pod), servedBy(before)]
  if (isChanged) return [...new Set([...now, ...then])]
  return [...now.filter(key => !then.includes(key)), ...then.filter(key => !now.includes(key))]
}

/** What of a pod, beside its addresses and labels, its endpoints depend on, in one word. */
const endpointOf = (pod: Pod): string =>
  `${pod.metadata.deletionTimestamp !== undefined} ${isReady(pod)} ${isFinished(pod)} ${pod.spec.hostname ?? ''}.${pod.spec.subdomain ?? ''}`

/** Whether a pod is to be among the endpoints of the services that select it: it has an address and has not ended. */
export function belongsInEndpoints(pod: Pod, includesTerminating: boolean): boolean {
  if (isFinished(pod) || (!pod.status.podIP && !pod.status.podIPs?.length)) return false
  return includesTerminating || pod.metadata.deletionTimestamp === undefined
}

/** A pod's addresses of a family. */
export function addressesOf({ status: { podIP, podIPs } }: Pod, family: 'IPv4' | 'IPv6'): string[] {
  const addresses: string[] = []
  for (const { ip } of podIPs?.length ? podIPs : [{ ip: podIP ?? '' }]) {
    const isV6 = ip.includes(':')
    if (ip && isV6 === (family === 'IPv6')) addresses.push(isV6 ? (canonicalIp(ip) ?? ip) : ip)
  }
  return addresses
}

/** The number of a service's port on a pod; undefined: the pod has no port of that name and protocol. */
export function portOn(pod: Pod, { targetPort, port, protocol }: ServicePort): number | undefined {
  if (typeof targetPort !== 'string') return targetPort ?? port
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const { ports = [] } of [...pod.spec.containers, ...sidecars]) {
    const found = ports.find(each => each.name === targetPort && each.protocol === protocol)
    if (found) return found.containerPort
  }
  return undefined
}

/** The name by which a service's DNS knows a pod; undefined: none. */
export function hostnameIn({ metadata }: Service, { spec }: Pod): string | undefined {
  return spec.hostname && spec.subdomain === metadata.name ? spec.hostname : undefined
}

/** Whether a service is to be found by its pods' addresses alone. */
export const hasNoAddress = ({ spec }: Service): boolean => !spec.clusterIP || spec.clusterIP === 'None'

/** Whether a service's endpoints are made of the pods it selects; otherwise somebody else looks after them. */
export const selectsPods = ({ spec }: Service): boolean =>
  spec.type !== 'ExternalName' && spec.selector !== undefined && Object.keys(spec.selector).length > 0

/** What says on a service's endpoints that it has no address of its own. */
export const headlessLabel = 'service.kubernetes.io/headless'
