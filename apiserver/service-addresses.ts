import { canonicalIp } from '../api/addresses.ts'
import { Service } from '../api/core/service.ts'
import { isHeadless, needsClusterIp, needsHealthPort, needsNodePorts, nodePortsOf } from '../api/core/service-families.ts'
import { ApiError } from '../api/errors.ts'
import { fieldError, invalidObject } from '../api/field-errors.ts'
import type { Draft } from '../api/kind.ts'
import { IPAddress } from '../api/networking/ip-address.ts'
import { ServiceCIDR } from '../api/networking/service-cidr.ts'
import type { AdmissionContext, AdmissionStep } from './admission.ts'
import { addressBands, addressNumber, addressText, freeNumber, nodePortRange, nodePorts } from './number-bands.ts'

/** Where services get their addresses from, whatever ServiceCIDRs there are (semantics D1). */
export const defaultServiceRange = '10.96.0.0/16'

/** How IPAddresses say that the server made them (pkg/apis/networking/v1 well-known labels). */
export const managedBy = 'ipaddress.kubernetes.io/managed-by'
/** The value of `managedBy`. */
export const allocatorName = 'ipallocator.k8s.io'

/** What is about to be stored, and who has it. */
interface Reservation {
  readonly uid: string
  readonly addresses: ReadonlySet<string>
  readonly ports: ReadonlySet<number>
  readonly until: number
  isStored: boolean
}

/** What a write that failed in the end had reserved is free again after this time. */
const reservedForInMs = 10_000

const reservationsOf = new WeakMap<AdmissionContext, Map<string, Reservation>>()

function reservationsIn(context: AdmissionContext): Map<string, Reservation> {
  let reservations = reservationsOf.get(context)
  if (!reservations) reservationsOf.set(context, (reservations = new Map()))
  return reservations
}

/**
 * Gives services cluster IPs, node ports and health check ports, and refuses those that are taken (upstream's
 * pkg/registry/core/service/storage/alloc.go). Everything it knows comes from the services that are stored and from those about
 * to be: there is nothing to repair after a crash. It comes first among the checks and is the only one that writes: an address
 * is chosen when the object is otherwise as it will be.
 */
export const serviceAddresses: AdmissionStep = {
  name: 'ServiceAddresses',
  kinds: [Service],
  operations: ['CREATE', 'UPDATE'],
  async check({ object, old, isDryRun }, context) {
    const service = object as unknown as Draft<Service>
    const before = old as unknown as Service | undefined
    if (!asks(service, before)) return
    const known = await knownAllocations(context)
    // From here to the end nothing is awaited: two services cannot choose the same.
    const allocation = allocate(service, before, takenByOthers(service, known, context), context)
    if (isDryRun) return
    const until = context.clock.now() + reservedForInMs
    const { uid } = service.metadata
    reservationsIn(context).set(uid, { uid, ...allocation, until, isStored: false })
  },
  stored({ metadata }, context) {
    const reservation = reservationsOf.get(context)?.get(metadata.uid)
    if (reservation) reservation.isStored = true
  },
}

/** Whether there is anything to choose or to claim: most updates want nothing. */
function asks({ spec }: Draft<Service>, old: Service | undefined): boolean {
  if (!old) return true
  const known = new Set([...nodePortsOf(old.spec), old.spec.healthCheckNodePort])
  const wantsAddress = needsClusterIp(spec) && !isHeadless(spec) && spec.clusterIPs?.length !== spec.ipFamilies?.length
  const wantsPort = needsNodePorts(spec) && (spec.ports ?? []).some(({ nodePort = 0 }) => !known.has(nodePort))
  const wantsHealthPort = needsHealthPort(spec) && !known.has(spec.healthCheckNodePort ?? 0)
  return wantsAddress || wantsPort || wantsHealthPort || !needsClusterIp(old.spec)
}

interface Taken {
  readonly addresses: Set<string>
  readonly ports: Set<number>
  readonly ranges: readonly string[]
}

interface Known {
  readonly services: readonly Service[]
  readonly addresses: readonly IPAddress[]
  readonly cidrs: readonly ServiceCIDR[]
  /** Those of which `services` may not know yet. */
  readonly reserved: readonly Reservation[]
}

async function knownAllocations(context: AdmissionContext): Promise<Known> {
  const { access, clock } = context
  const reservations = reservationsIn(context)
  const now = clock.now()
  for (const [uid, { isStored, until }] of reservations) if (isStored || until < now) reservations.delete(uid)
  const reserved = [...reservations.values()]
  const [services, addresses, cidrs] = await Promise.all([
    access.all(Service) as Promise<readonly Service[]>,
    access.all(IPAddress) as Promise<readonly IPAddress[]>,
    access.all(ServiceCIDR) as Promise<readonly ServiceCIDR[]>,
  ])
  return { services, addresses, cidrs, reserved }
}

function takenByOthers({ metadata }: Draft<Service>, known: Known, context: AdmissionContext): Taken {
  const taken: Taken = { addresses: new Set(), ports: new Set(), ranges: rangesOf(known.cidrs) }
  // Of its own name there may be one already; what becomes of this one then is not a matter of addresses.
  const isItself = ({ metadata: { namespace, name } }: Service) => namespace === metadata.namespace && name === metadata.name
  for (const each of known.services) if (!isItself(each)) addAll(taken, each)
  for (const address of known.addresses) if (!followsService(address)) taken.addresses.add(address.metadata.name)
  for (const reservation of [...known.reserved, ...reservationsIn(context).values()]) {
    if (reservation.uid === metadata.uid) continue
    for (const address of reservation.addresses) taken.addresses.add(address)
    for (const port of reservation.ports) taken.ports.add(port)
  }
  return taken
}

function addAll({ addresses, ports }: Taken, { spec }: Service): void {
  if (!isHeadless(spec)) for (const address of spec.clusterIPs ?? []) addresses.add(canonicalIp(address) ?? address)
  for (const port of nodePortsOf(spec)) ports.add(port)
  if (spec.healthCheckNodePort) ports.add(spec.healthCheckNodePort)
}

/** The server's own IPAddresses come and go after the services that they are about, which count. */
const followsService = ({ metadata }: IPAddress): boolean => metadata.labels?.[managedBy] === allocatorName

function rangesOf(cidrs: readonly ServiceCIDR[]): string[] {
  const inUse = cidrs.filter(({ metadata }) => !metadata.deletionTimestamp)
  return [...new Set([defaultServiceRange, ...inUse.flatMap(({ spec }) => spec.cidrs ?? [])])]
}

type Allocation = Pick<Reservation, 'addresses' | 'ports'>

function allocate(service: Draft<Service>, old: Service | undefined, taken: Taken, context: AdmissionContext): Allocation {
  const addresses = new Set<string>()
  const ports = new Set<number>()
  if (needsClusterIp(service.spec) && !isHeadless(service.spec)) allocateAddresses(service, old, taken, addresses, context)
  const mine = { taken: taken.ports, ports, context }
  if (needsNodePorts(service.spec)) allocateNodePorts(service, old, mine)
  if (needsHealthPort(service.spec) && !(old && needsHealthPort(old.spec) && old.spec.healthCheckNodePort)) {
    allocateHealthPort(service, mine)
  }
  return { addresses, ports }
}

const internal = (message: string) => new ApiError('InternalError', `Internal error occurred: ${message}`)

function allocateAddresses(
  service: Draft<Service>,
  old: Service | undefined,
  { addresses: taken, ranges }: Taken,
  mine: Set<string>,
  { random }: AdmissionContext,
): void {
  const { spec, metadata } = service
  const asked = spec.clusterIPs ?? []
  const given: string[] = []
  for (const [i] of (spec.ipFamilies ?? []).entries()) {
    const wanted = asked[i]
    if (wanted !== undefined && old?.spec.clusterIPs?.includes(wanted)) given.push(wanted)
    else if (wanted !== undefined) {
      const why = refusalOf(wanted, taken, ranges)
      if (why) {
        const detail = `failed to allocate IP ${wanted}: ${why}`
        throw invalidObject(Service, metadata.name, [fieldError.invalid('spec.clusterIPs', asked, detail)])
      }
      given.push(wanted)
      mine.add(canonicalIp(wanted) ?? wanted)
    } else {
      const found = freeAddress(taken, ranges, random)
      if (found === undefined) throw internal('failed to allocate a serviceIP: range is full')
      given.push(found)
      mine.add(found)
    }
  }
  spec.clusterIPs = given
  const [first] = given
  if (first !== undefined) spec.clusterIP = first
}

function refusalOf(wanted: string, taken: ReadonlySet<string>, ranges: readonly string[]): string | undefined {
  const address = canonicalIp(wanted) ?? wanted
  const number = address.includes(':') ? Number.NaN : addressNumber(address)
  const isInside = ranges.some(range => {
    const bands = addressBands(range)
    return bands && number >= bands.first && number <= bands.last
  })
  if (!isInside) return 'the provided network does not match the current range'
  return taken.has(address) ? 'provided IP is already allocated' : undefined
}

function freeAddress(
  taken: ReadonlySet<string>,
  ranges: readonly string[],
  random: AdmissionContext['random'],
): string | undefined {
  for (const range of ranges) {
    const bands = addressBands(range)
    const found = bands && freeNumber(bands, number => taken.has(addressText(number)), random)
    if (found !== undefined) return addressText(found)
  }
  return undefined
}

interface PortAllocation {
  readonly taken: ReadonlySet<number>
  /** What this service has been given by now. */
  readonly ports: Set<number>
  readonly context: AdmissionContext
}

const isGiven = ({ taken, ports }: PortAllocation, port: number) => taken.has(port) || ports.has(port)

function claimPort(allocation: PortAllocation, port: number): string | undefined {
  if (port < nodePorts.first || port > nodePorts.last) {
    return `provided port is not in the valid range. The range of valid ports is ${nodePortRange}`
  }
  if (isGiven(allocation, port)) return 'provided port is already allocated'
  allocation.ports.add(port)
  return undefined
}

function nextPort(allocation: PortAllocation): number | undefined {
  const port = freeNumber(nodePorts, each => isGiven(allocation, each), allocation.context.random)
  if (port !== undefined) allocation.ports.add(port)
  return port
}

/** New services get one node port for a number that several protocols share; what a service had, it may use again. */
function allocateNodePorts({ spec, metadata }: Draft<Service>, old: Service | undefined, allocation: PortAllocation): void {
  const chosen = new Map<number, number>()
  const had = new Set(old && needsNodePorts(old.spec) ? nodePortsOf(old.spec) : [])
  const ports = spec.ports ?? []
  const claim = (port: number, index: number) => {
    if (had.has(port)) return
    const why = claimPort(allocation, port)
    if (!why) return
    throw invalidObject(Service, metadata.name, [fieldError.invalid(`spec.ports[${index}].nodePort`, port, why)])
  }
  for (const port of had) allocation.ports.add(port)
  for (const [i, port] of ports.entries()) {
    if (!port.nodePort && spec.type === 'LoadBalancer' && !spec.allocateLoadBalancerNodePorts) continue
    const shared = old ? undefined : chosen.get(port.port)
    if (shared !== undefined && (port.nodePort ?? shared) === shared) {
      port.nodePort = shared
      continue
    }
    const asked = port.nodePort || (old ? 0 : ports.find(each => each.port === port.port && each.nodePort)?.nodePort) || 0
    if (asked && !(old && allocation.ports.has(asked))) claim(asked, i)
    const number = asked || nextPort(allocation)
    if (number === undefined) throw internal('failed to allocate a nodePort: range is full')
    port.nodePort = number
    chosen.set(port.port, number)
  }
}

function allocateHealthPort({ spec }: Draft<Service>, allocation: PortAllocation): void {
  const asked = spec.healthCheckNodePort
  if (asked) {
    const why = claimPort(allocation, asked)
    if (why) throw internal(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`)
    return
  }
  const port = nextPort(allocation)
  if (port === undefined) throw internal('failed to allocate a HealthCheck NodePort 0: range is full')
  spec.healthCheckNodePort = port
}
