import { familyOf } from '../../api/addresses.ts'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { Service } from '../../api/core/service.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { deepEqual } from '../../lib/json.ts'
import { controllerReference } from '../shared/owner-references.ts'
import { isReady } from '../shared/pod-state.ts'
import { addressesOf, belongsInEndpoints, hasNoAddress, headlessLabel, hostnameIn, portOn } from '../shared/service-pods.ts'
import {
  type Endpoint,
  endpointKey,
  managedByLabel,
  type NewSlice,
  portsKey,
  recycle,
  type SlicePort,
  serviceNameLabel,
  slicePrefix,
} from '../shared/slices.ts'
import { hintsFor, withHints } from './hints.ts'
import { pack } from './packing.ts'

/** Who made a slice, as its label says. */
export const manager = 'endpointslice-controller.k8s.io'

export interface SlicePlan {
  readonly create: readonly NewSlice[]
  readonly update: readonly EndpointSlice[]
  readonly remove: readonly EndpointSlice[]
  /** Pods that were left out because their nodes are not known, which is an error. */
  readonly stranded: readonly Pod[]
}

interface Given {
  readonly service: Service
  /** All that it selects. */
  readonly pods: readonly Pod[]
  /** Those that are there, of this manager and service. */
  readonly slices: readonly EndpointSlice[]
  readonly nodeOf: (name: string) => Node | undefined
  /** How many endpoints a slice takes. */
  readonly most?: number
}

type Family = 'IPv4' | 'IPv6'

/** What the slices of a service should become (k8s.io/endpointslice/reconciler.go). */
export function planSlices(given: Given): SlicePlan {
  const families = familiesOf(given.service)
  const plans = families.map(family => planFamily(given, family))
  const others = given.slices.filter(({ addressType }) => !families.includes(addressType as Family))
  return {
    create: plans.flatMap(({ create }) => create),
    update: plans.flatMap(({ update }) => update),
    remove: [...plans.flatMap(({ remove }) => remove), ...others],
    stranded: plans.flatMap(({ stranded }) => stranded),
  }
}

/** The families of a service's addresses; both for one that says nothing at all. */
function familiesOf({ spec }: Service): readonly Family[] {
  if (spec.ipFamilies?.length) return [...new Set(spec.ipFamilies)]
  const family = spec.clusterIP && spec.clusterIP !== 'None' ? familyOf(spec.clusterIP) : undefined
  return family ? [family] : ['IPv4', 'IPv6']
}

function planFamily(given: Given, family: Family): SlicePlan {
  const { service, slices, most = 100 } = given
  const existing = slices.filter(({ addressType }) => addressType === family)
  const isOwn = ({ metadata }: EndpointSlice) =>
    metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid) === true
  const { groups, stranded } = endpointsByPorts(given, family)
  const fresh = newSlices(service, family)
  const create: NewSlice[] = []
  const changed = new Map<EndpointSlice, readonly Endpoint[]>()
  const unchanged: EndpointSlice[] = []
  const remove = existing.filter(slice => !isOwn(slice) || !groups.has(portsKey(slice.ports)))
  for (const [key, { ports, endpoints }] of groups) {
    const alike = existing.filter(slice => isOwn(slice) && portsKey(slice.ports) === key)
    const packing = pack(alike, endpoints, most)
    create.push(...packing.create.map(each => fresh(ports, each)))
    for (const [slice, each] of packing.update) changed.set(slice, each)
    remove.push(...packing.remove)
    unchanged.push(...packing.unchanged)
  }
  // There is always a slice: who looks is to see that there is nobody, not that nobody has counted yet.
  if (remove.length === existing.length && create.length === 0) {
    const placeholder = fresh([], [])
    const [only, another] = remove
    if (only && !another && isLike(only, placeholder)) remove.pop()
    else create.push(placeholder)
  }
  const { labels } = fresh([], []).metadata
  const hintsOf = hintsFor(service)
  for (const slice of unchanged) {
    const isRight = deepEqual(slice.metadata.labels, labels) && withHints(slice.endpoints, hintsOf) === slice.endpoints
    if (!isRight) changed.set(slice, slice.endpoints)
  }
  const update = [...changed].map(([slice, endpoints]) => {
    const metadata = { ...slice.metadata, labels: { ...labels } }
    return { ...slice, metadata, endpoints: [...withHints(endpoints, hintsOf)] }
  })
  const hinted = create.map(slice => ({ ...slice, endpoints: withHints(slice.endpoints, hintsOf) }))
  const recycled = recycle(hinted, remove, isOwn)
  return { create: recycled.create, update: [...update, ...recycled.update], remove: recycled.remove, stranded }
}

/** How new slices of a service look. */
function newSlices(service: Service, addressType: Family) {
  const { namespace, name } = service.metadata
  const labels = labelsOf(service)
  const ownerReferences = [controllerReference(Service, service)]
  const metadata = { namespace, generateName: slicePrefix(name), labels, ownerReferences }
  return (ports: readonly SlicePort[], endpoints: readonly Endpoint[]): NewSlice => ({ metadata, addressType, ports, endpoints })
}

/** What is wanted: endpoints by their keys, in groups that have the same ports. */
function endpointsByPorts({ service, pods, nodeOf }: Given, family: Family) {
  const groups = new Map<string, { ports: readonly SlicePort[]; endpoints: Map<string, Endpoint> }>()
  const stranded: Pod[] = []
  const isNamed = (service.spec.ports ?? []).some(({ targetPort }) => typeof targetPort === 'string')
  let group: { ports: readonly SlicePort[]; endpoints: Map<string, Endpoint> } | undefined
  for (const pod of pods) {
    if (!belongsInEndpoints(pod, true)) continue
    // Numbers are the same on every pod.
    if (!group || isNamed) {
      const ports = portsOn(pod, service)
      const key = portsKey(ports)
      group = groups.get(key) ?? { ports, endpoints: new Map() }
      groups.set(key, group)
    }
    const node = pod.spec.nodeName ? nodeOf(pod.spec.nodeName) : undefined
    if (!node && !service.spec.publishNotReadyAddresses) {
      stranded.push(pod)
      continue
    }
    const endpoint = endpointOf(pod, node, service, family)
    if (endpoint.addresses.length > 0) group.endpoints.set(endpointKey(endpoint), endpoint)
  }
  return { groups, stranded }
}

function portsOn(pod: Pod, service: Service): SlicePort[] {
  return (service.spec.ports ?? []).flatMap(servicePort => {
    const port = portOn(pod, servicePort)
    const { name = '', protocol, appProtocol } = servicePort
    return port === undefined ? [] : [{ name, protocol, port, ...(appProtocol !== undefined && { appProtocol }) }]
  })
}

function endpointOf(pod: Pod, node: Node | undefined, service: Service, family: Family): Endpoint {
  const { namespace, name, uid, deletionTimestamp } = pod.metadata
  const serving = isReady(pod)
  const terminating = deletionTimestamp !== undefined
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone']
  const hostname = hostnameIn(service, pod)
  return {
    addresses: addressesOf(pod, family),
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    ...(zone && { zone }),
  }
}

const reserved: ReadonlySet<string> = new Set([serviceNameLabel, managedByLabel, headlessLabel])

/** The service's labels but those that mean something here, and those. */
function labelsOf(service: Service): Record<string, string> {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !reserved.has(key))
  return {
    ...Object.fromEntries(own),
    ...(hasNoAddress(service) && { [headlessLabel]: '' }),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: manager,
  }
}

const isLike = (slice: EndpointSlice, { metadata, ports, endpoints }: NewSlice): boolean =>
  deepEqual(slice.metadata.labels, metadata.labels) && deepEqual(slice.ports, ports) && deepEqual(slice.endpoints, endpoints)
