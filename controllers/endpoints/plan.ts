import type { EndpointSubset, Endpoints } from '../../api/core/endpoints.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Service, ServicePort } from '../../api/core/service.ts'
import { deepEqual } from '../../lib/json.ts'
import { isReady } from '../shared/pod-state.ts'
import { addressesOf, belongsInEndpoints, hasNoAddress, headlessLabel, hostnameIn, portOn } from '../shared/service-pods.ts'
import { type Address, type Answer, packSubsets, type SubsetPort } from '../shared/subsets.ts'

export const managedByLabel = 'endpoints.kubernetes.io/managed-by'
export const manager = 'endpoint-controller'
const overCapacity = 'endpoints.kubernetes.io/over-capacity'

/** More addresses than this are not told; EndpointSlices tell them all. */
const capacity = 1000

/** What the Endpoints of a service should say, beside their names. */
export interface EndpointsContent {
  readonly subsets: readonly EndpointSubset[]
  readonly labels: Readonly<Record<string, string>>
  readonly isTruncated: boolean
}

/** Where the pods that a service selects answer (pkg/controller/endpoint/endpoints_controller.go syncService). */
export function contentOf(service: Service, pods: readonly Pod[], most = capacity): EndpointsContent {
  const all = packSubsets(allAnswers(service, pods))
  const subsets = truncated(all, most)
  const { [managedByLabel]: _, [headlessLabel]: __, ...labels } = service.metadata.labels ?? {}
  return {
    subsets: subsets ?? all,
    labels: { ...labels, ...(hasNoAddress(service) && { [headlessLabel]: '' }), [managedByLabel]: manager },
    isTruncated: subsets !== undefined,
  }
}

function* allAnswers(service: Service, pods: readonly Pod[]): Generator<Answer> {
  const { ports = [], publishNotReadyAddresses = false, ipFamilies = [], clusterIP } = service.spec
  const portOf = portsByNumber()
  for (const pod of pods) {
    if (!belongsInEndpoints(pod, publishNotReadyAddresses)) continue
    const [ip] = addressesOf(pod, ipFamilies[0] ?? 'IPv4')
    if (ip === undefined) continue
    const address = addressOf(pod, ip, service)
    const isAnswering = publishNotReadyAddresses || isReady(pod)
    if (ports.length === 0 && clusterIP === 'None') yield { port: undefined, address, isReady: isAnswering }
    for (const servicePort of ports) {
      const number = portOn(pod, servicePort)
      if (number !== undefined) yield { port: portOf(servicePort, number), address, isReady: isAnswering }
    }
  }
}

function addressOf(pod: Pod, ip: string, service: Service): Address {
  const { namespace, name, uid } = pod.metadata
  const hostname = hostnameIn(service, pod)
  const targetRef = { kind: 'Pod', namespace, name, uid }
  return { ip, ...(hostname !== undefined && { hostname }), nodeName: pod.spec.nodeName ?? '', targetRef }
}

/** The ports of endpoints, each made once for all the pods that have it. */
function portsByNumber() {
  const made = new Map<ServicePort, Map<number, SubsetPort>>()
  return (servicePort: ServicePort, number: number): SubsetPort => {
    const numbers = made.get(servicePort) ?? new Map<number, SubsetPort>()
    made.set(servicePort, numbers)
    const { name, protocol, appProtocol } = servicePort
    const known = numbers.get(number)
    if (known) return known
    const port = { ...(name && { name }), port: number, protocol, ...(appProtocol !== undefined && { appProtocol }) }
    numbers.set(number, port)
    return port
  }
}

/**
 * No more addresses than there is room for: those that are ready go first, and each subset loses its share (truncateEndpoints). Undefined:
 * there is room for all.
 */
function truncated(subsets: readonly EndpointSubset[], most: number): EndpointSubset[] | undefined {
  const count = (field: 'addresses' | 'notReadyAddresses') => subsets.reduce((sum, each) => sum + (each[field]?.length ?? 0), 0)
  const ready = count('addresses')
  const notReady = count('notReadyAddresses')
  if (ready + notReady <= most) return undefined
  const isReadyCut = ready > most
  const [room, total] = isReadyCut ? [most, ready] : [most - ready, notReady]
  let left = room
  const cut = (all: readonly Address[] = []): Address[] => {
    const kept = all.slice(0, Math.min(left, Math.ceil((all.length / total) * room)))
    left -= kept.length
    return kept
  }
  return subsets.flatMap(({ addresses, notReadyAddresses, ports }) => {
    const kept = isReadyCut ? { addresses: cut(addresses) } : { addresses, notReadyAddresses: cut(notReadyAddresses) }
    const isEmpty = !kept.addresses?.length && !kept.notReadyAddresses?.length
    return isEmpty ? [] : [withoutEmpty({ ...kept, ports })]
  })
}

const withoutEmpty = ({ addresses, notReadyAddresses, ports }: EndpointSubset): EndpointSubset => ({
  ...(addresses?.length && { addresses }),
  ...(notReadyAddresses?.length && { notReadyAddresses }),
  ...(ports?.length && { ports }),
})

/** Whether Endpoints say already what they should. */
export function isUpToDate({ metadata, subsets = [] }: Endpoints, content: EndpointsContent): boolean {
  const isMarked = metadata.annotations?.[overCapacity] !== undefined
  if (isMarked !== content.isTruncated || !deepEqual(metadata.labels, content.labels)) return false
  return deepEqual(unversioned(subsets), content.subsets)
}

/** References without their versions, which say nothing. */
function unversioned(subsets: readonly EndpointSubset[]): readonly EndpointSubset[] {
  const bare = (address: Address): Address =>
    address.targetRef?.resourceVersion ? { ...address, targetRef: { ...address.targetRef, resourceVersion: undefined } } : address
  return subsets.map(({ addresses, notReadyAddresses, ports }) =>
    withoutEmpty({ addresses: addresses?.map(bare), notReadyAddresses: notReadyAddresses?.map(bare), ports }),
  )
}

/** The annotations with what there is to say about capacity. */
export function annotationsWith(
  annotations: Readonly<Record<string, string>> = {},
  { isTruncated }: EndpointsContent,
): Record<string, string> {
  const { [overCapacity]: _, ...others } = annotations
  return isTruncated ? { ...others, [overCapacity]: 'truncated' } : others
}
