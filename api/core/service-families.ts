import { deepEqual } from '../../lib/json.ts'
import { familyOf } from '../addresses.ts'
import type { Draft } from '../kind.ts'
import { isExternallyReachable } from './service-defaults.ts'
import type { ServiceObject, ServiceSpec } from './service-spec.ts'

/**
 * What becomes of a service's addresses, families and ports when it is made or changed (upstream's
 * pkg/registry/core/service/storage: normalizeClusterIPs, patchAllocatedValues, initIPFamilyFields; strategy.go
 * dropTypeDependentFields). Finding free addresses is not among it: that takes the other services.
 */

/** The families that services of this cluster get addresses of; the first is the default. */
export const clusterFamilies: readonly ('IPv4' | 'IPv6')[] = ['IPv4']

type Spec = Draft<ServiceSpec>
type Service = Draft<Pick<ServiceObject, 'spec' | 'status'>>

/** Every service has addresses in the cluster but those that are only a name. */
export const needsClusterIp = ({ type }: ServiceSpec): boolean => type !== 'ExternalName'
/** A service without an address of its own: its name leads to the pods. */
export const isHeadless = ({ clusterIPs, clusterIP }: ServiceSpec): boolean => (clusterIPs?.[0] ?? clusterIP) === 'None'
/** Whether nodes forward it. */
export const needsNodePorts = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer'
/** Whether nodes tell a load balancer if they have pods of it. */
export const needsHealthPort = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'

/** Settles addresses and families as far as the caller left them open (pkg/registry/core/service/storage/alloc.go). */
export function prepareNewService({ spec }: Service): void {
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
  settleFamilies(spec, undefined)
}

/** Keeps what the server once chose and drops what the new type has no use for (pkg/registry/core/service/strategy.go). */
export function prepareServiceUpdate(service: Service, { spec: old }: Pick<ServiceObject, 'spec'>): void {
  const { spec } = service
  keepAllocated(spec, old)
  followClusterIp(spec, old)
  settleFamilies(spec, old)
  dropWhatTypeForbids(spec, old)
  if (spec.type !== 'LoadBalancer') service.status.loadBalancer = {}
}

/** Whoever says nothing about what the server chose wants to keep it. */
function keepAllocated(spec: Spec, old: ServiceSpec): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP
    if (!spec.clusterIPs?.length && old.clusterIPs?.length) spec.clusterIPs = [...old.clusterIPs]
  }
  if (needsNodePorts(old) && needsNodePorts(spec)) {
    const asked = new Set(nodePortsOf(spec))
    const kept = new Set(nodePortsOf(old).filter(port => asked.has(port)))
    const before = new Map((old.ports ?? []).map(({ name = '', nodePort }) => [name, nodePort]))
    for (const port of spec.ports ?? []) {
      const nodePort = before.get(port.name ?? '')
      if (!port.nodePort && nodePort && !kept.has(nodePort)) port.nodePort = nodePort
    }
  }
  if (needsHealthPort(old) && needsHealthPort(spec) && !spec.healthCheckNodePort && old.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort
  }
}

/** Old clients know only the one address: what they do to it happens to the list, unless they changed that, too. */
function followClusterIp(spec: Spec, old: ServiceSpec): void {
  if (old.clusterIPs?.length && !spec.clusterIPs?.length && old.clusterIP === spec.clusterIP) {
    spec.clusterIPs = [...old.clusterIPs]
  }
  if (old.clusterIP === spec.clusterIP || !deepEqual(old.clusterIPs ?? [], spec.clusterIPs ?? [])) return
  if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP]
  else delete spec.clusterIPs
}

function settleFamilies(spec: Spec, old: ServiceSpec | undefined): void {
  if (!needsClusterIp(spec) || (old && staysDualIfPossible(spec, old))) return
  const isFree = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (isFree ? 'RequireDualStack' : 'SingleStack')
  if (old && spec.ipFamilyPolicy === 'SingleStack') {
    if (deepEqual(old.clusterIPs, spec.clusterIPs) && spec.clusterIPs) spec.clusterIPs = spec.clusterIPs.slice(0, 1)
    if (deepEqual(old.ipFamilies, spec.ipFamilies) && spec.ipFamilies) spec.ipFamilies = spec.ipFamilies.slice(0, 1)
  }
  const families = [...(spec.ipFamilies ?? [])]
  for (const address of isHeadless(spec) ? [] : (spec.clusterIPs ?? []).slice(families.length)) {
    const family = familyOf(address)
    if (family && clusterFamilies.includes(family)) families.push(family)
  }
  const [primary = 'IPv4'] = clusterFamilies
  if (families.length === 0) families.push(primary)
  const wantsTwo = spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1
  if (wantsTwo && (isFree || clusterFamilies.length === 2)) families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4')
  spec.ipFamilies = families
}

/** A service that takes two families if there are two is not asked again on every update. */
const staysDualIfPossible = (spec: ServiceSpec, old: ServiceSpec): boolean =>
  spec.ipFamilyPolicy === 'PreferDualStack' &&
  (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
  old.type === spec.type &&
  deepEqual(old.clusterIPs, spec.clusterIPs) &&
  deepEqual(old.ipFamilies, spec.ipFamilies)

/** What the new type has no use for goes, unless it was changed: then validation is to hear of it. */
function dropWhatTypeForbids(spec: Spec, old: ServiceSpec): void {
  const drop = (...fields: (keyof Spec)[]) => {
    for (const field of fields) if (deepEqual(spec[field], old[field])) delete spec[field]
  }
  if (needsClusterIp(old) && !needsClusterIp(spec)) {
    if (spec.clusterIP === old.clusterIP && deepEqual(spec.clusterIPs, old.clusterIPs)) drop('clusterIP', 'clusterIPs')
    drop('ipFamilies', 'ipFamilyPolicy')
  }
  if (needsNodePorts(old) && !needsNodePorts(spec)) {
    const before = new Set(nodePortsOf(old))
    if (nodePortsOf(spec).every(port => before.has(port))) for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (needsHealthPort(old) && !needsHealthPort(spec)) drop('healthCheckNodePort')
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') drop('allocateLoadBalancerNodePorts', 'loadBalancerClass')
  if (isExternallyReachable(old) && !isExternallyReachable(spec)) drop('externalTrafficPolicy')
}

/** The node ports that are set. */
export const nodePortsOf = ({ ports = [] }: ServiceSpec): number[] =>
  ports.flatMap(({ nodePort }) => (nodePort ? [nodePort] : []))
