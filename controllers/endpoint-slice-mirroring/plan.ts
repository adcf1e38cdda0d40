import { canonicalIp, familyOf } from '../../api/addresses.ts'
import { Endpoints } from '../../api/core/endpoints.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { deepEqual } from '../../lib/json.ts'
import { controllerReference } from '../shared/owner-references.ts'
import {
  type Endpoint,
  endpointKey,
  managedByLabel,
  type NewSlice,
  portsKey,
  recycle,
  renewed,
  type SlicePort,
  sameEndpoint,
  serviceNameLabel,
  slicePrefix,
} from '../shared/slices.ts'
import { type Address, answersOf, packSubsets } from '../shared/subsets.ts'
import { triggerTimeAnnotation } from '../shared/trigger-times.ts'

/** Who made a mirrored slice, as its label says. */
export const manager = 'endpointslicemirroring-controller.k8s.io'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** So many addresses of a subset are mirrored. */
const mostPerSubset = 1000

export interface MirrorPlan {
  readonly create: readonly NewSlice[]
  readonly update: readonly EndpointSlice[]
  readonly remove: readonly EndpointSlice[]
  /** Addresses that are none. */
  readonly invalid: number
  /** Addresses that were left out, those among them. */
  readonly skipped: number
}

/** Whether Endpoints that somebody wrote are to have slices: not if they say no, and not if they only elect a leader. */
export const isMirrored = ({ metadata }: Pick<Endpoints, 'metadata'>): boolean =>
  metadata.labels?.[skipLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined

interface Group {
  readonly addressType: 'IPv4' | 'IPv6'
  readonly ports: readonly SlicePort[]
  readonly endpoints: Map<string, Endpoint>
}

/** What the slices should become that say what Endpoints say (pkg/controller/endpointslicemirroring/reconciler.go). */
export function planMirror(endpoints: Endpoints, slices: readonly EndpointSlice[], most = mostPerSubset): MirrorPlan {
  const { groups, invalid, skipped } = groupsOf(endpoints, most)
  const create: NewSlice[] = []
  const update: EndpointSlice[] = []
  const remove: EndpointSlice[] = []
  const keyOfSlice = ({ addressType, ports }: EndpointSlice) => `${addressType} ${portsKey(ports)}`
  for (const [key, group] of groups) {
    const alike = slices.filter(slice => keyOfSlice(slice) === key)
    if (group.endpoints.size === 0) {
      remove.push(...alike)
      continue
    }
    const [first, ...others] = alike
    remove.push(...others)
    const next = mirror(endpoints, group, most)
    if (!first) create.push(next)
    else if (!isMirror(first, next, endpoints)) update.push(renewed(first, next))
  }
  remove.push(...slices.filter(slice => !groups.has(keyOfSlice(slice))))
  const recycled = recycle(create, remove)
  return { create: recycled.create, update: [...update, ...recycled.update], remove: recycled.remove, invalid, skipped }
}

/** The endpoints by address family and ports. */
function groupsOf({ subsets = [] }: Endpoints, most: number) {
  const groups = new Map<string, Group>()
  let invalid = 0
  let skipped = 0
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of packSubsets(answersOf(subsets))) {
    const slicePorts = ports.map(({ name = '', ...port }) => ({ name, ...port }))
    const groupOf = (addressType: Group['addressType']): Group => {
      const key = `${addressType} ${portsKey(slicePorts)}`
      const group = groups.get(key) ?? { addressType, ports: slicePorts, endpoints: new Map() }
      groups.set(key, group)
      return group
    }
    const families = { IPv4: groupOf('IPv4'), IPv6: groupOf('IPv6') }
    let added = 0
    const add = (address: Address, ready: boolean) => {
      if (added >= most) return
      const ip = canonicalIp(address.ip)
      const family = ip === undefined ? undefined : familyOf(ip)
      if (ip === undefined || family === undefined) {
        invalid += 1
        return
      }
      const endpoint = endpointOf(address, ip, ready)
      families[family].endpoints.set(endpointKey(endpoint), endpoint)
      added += 1
    }
    for (const address of addresses) add(address, true)
    for (const address of notReadyAddresses) add(address, false)
    skipped += addresses.length + notReadyAddresses.length - added
  }
  return { groups, invalid, skipped }
}

const endpointOf = ({ hostname, nodeName, targetRef }: Address, ip: string, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname && { hostname }),
  ...(targetRef && { targetRef }),
  ...(nodeName !== undefined && { nodeName }),
})

function mirror(endpoints: Endpoints, { addressType, ports, endpoints: all }: Group, most: number): NewSlice {
  const { namespace, name, labels, annotations = {} } = endpoints.metadata
  const { [triggerTimeAnnotation]: _, [appliedAnnotation]: __, ...copied } = annotations
  return {
    metadata: {
      namespace,
      generateName: slicePrefix(name),
      labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: manager },
      annotations: copied,
      ownerReferences: [controllerReference(Endpoints, endpoints)],
    },
    addressType,
    ports,
    endpoints: [...all.values()].slice(0, most),
  }
}

/** Whether a slice says what it should, of these very Endpoints. */
function isMirror({ metadata, endpoints }: EndpointSlice, next: NewSlice, owner: Endpoints): boolean {
  const isOf = metadata.ownerReferences?.every(({ kind, name, uid }) => {
    const isNamesake = kind === Endpoints.kind && name === owner.metadata.name
    return !isNamesake || uid === owner.metadata.uid
  })
  if (!isOf || !deepEqual(metadata.labels ?? {}, next.metadata.labels)) return false
  if (!deepEqual(metadata.annotations ?? {}, next.metadata.annotations ?? {})) return false
  if (endpoints.length !== next.endpoints.length) return false
  const wanted = new Map(next.endpoints.map(each => [endpointKey(each), each]))
  return endpoints.every(endpoint => {
    const found = wanted.get(endpointKey(endpoint))
    return found !== undefined && sameEndpoint(found, endpoint)
  })
}
