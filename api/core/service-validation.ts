import { isIP } from 'node:net'
import { legacyCidr, legacyIp, unusableAddress } from '../addresses.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName, portNumber, qualifiedName, subdomainName } from '../names.ts'
import { immutable, invalidWhen, portNumberOrName, requiredName, supported, validateLabels } from '../validation.ts'
import { validateAddresses } from './service-address-validation.ts'
import { isExternallyReachable } from './service-defaults.ts'
import { isHeadless, needsHealthPort } from './service-families.ts'
import type { ServiceObject, ServicePort, ServiceSpec } from './service-spec.ts'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
const longestAffinityInSeconds = 86400
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'"

type Validated = Pick<ServiceObject, 'spec' | 'metadata'>

/** A service by itself, and what of it may change (pkg/apis/core/validation ValidateService and ValidateServiceUpdate). */
export function validateService({ spec, metadata }: Validated, old?: Validated): FieldError[] {
  const errors = supported('spec.type', spec.type, types)
  errors.push(...validateAddresses(spec, old?.spec))
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== 'ExternalName') errors.push(fieldError.required('spec.ports'))
  errors.push(...validateType(spec), ...validatePorts(spec))
  errors.push(...validateLabels(spec.selector, 'spec.selector'))
  errors.push(...supported('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']))
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (timeout !== undefined && (timeout <= 0 || timeout > longestAffinityInSeconds)) {
    const why = `must be greater than 0 and less than ${longestAffinityInSeconds}`
    errors.push(fieldError.invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', timeout, why))
  }
  for (const [i, address] of (spec.externalIPs ?? []).entries()) {
    const field = `spec.externalIPs[${i}]`
    if (old?.spec.externalIPs?.includes(address)) continue
    const faults = legacyIp(field, address)
    errors.push(...(faults.length > 0 ? faults : unusableAddress(field, address)))
  }
  errors.push(...validateSourceRanges({ spec, metadata }, old), ...validateBalancer(spec, old?.spec))
  errors.push(...validatePolicies(spec))
  const keepsHealthPort = old && needsHealthPort(old.spec) && needsHealthPort(spec)
  if (keepsHealthPort && spec.healthCheckNodePort !== old.spec.healthCheckNodePort) {
    errors.push(fieldError.forbidden('spec.healthCheckNodePort', immutable))
  }
  return errors
}

/** What a cloud's controller says about its load balancer. */
export function validateServiceStatus({ spec, status }: Pick<ServiceObject, 'spec' | 'status'>): FieldError[] {
  const ingress = status.loadBalancer.ingress ?? []
  const at = 'status.loadBalancer.ingress'
  if (spec.type !== 'LoadBalancer' && ingress.length > 0) {
    return [fieldError.forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")]
  }
  return ingress.flatMap(({ ip, ipMode, hostname }, i) => {
    const errors = ip ? legacyIp(`${at}[${i}].ip`, ip) : []
    if (ipMode !== undefined && !ip) {
      errors.push(fieldError.forbidden(`${at}[${i}].ipMode`, 'may not be specified when `ip` is not set'))
    } else errors.push(...supported(`${at}[${i}].ipMode`, ipMode, ['Proxy', 'VIP']))
    if (!hostname) return errors
    errors.push(...invalidWhen(`${at}[${i}].hostname`, hostname, subdomainName(hostname)))
    if (isIP(hostname)) {
      errors.push(fieldError.invalid(`${at}[${i}].hostname`, hostname, 'must be a DNS name, not an IP address'))
    }
    return errors
  })
}

function validateType(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') {
    return requiredName('spec.externalName', (spec.externalName ?? '').replace(/\.$/, ''), subdomainName)
  }
  const needsAddress = spec.type === 'LoadBalancer' || spec.type === 'NodePort'
  if (!needsAddress || !isHeadless(spec)) return []
  return [fieldError.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
}

function validatePorts({ ports = [], type }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  const numbers = new Set<string>()
  const nodePorts = new Set<string>()
  for (const [i, port] of ports.entries()) {
    const field = `spec.ports[${i}]`
    errors.push(...validatePort(port, field, ports.length > 1))
    if (port.name && names.has(port.name)) errors.push(fieldError.duplicate(`${field}.name`, port.name))
    names.add(port.name ?? '')
    if (port.nodePort && type === 'ClusterIP') {
      errors.push(fieldError.forbidden(`${field}.nodePort`, "may not be used when `type` is 'ClusterIP'"))
    }
    const nodePort = `${port.nodePort}/${port.protocol}`
    if (port.nodePort && nodePorts.has(nodePort)) errors.push(fieldError.duplicate(`${field}.nodePort`, port.nodePort))
    nodePorts.add(nodePort)
    const id = `${port.port}/${port.protocol}`
    if (numbers.has(id)) errors.push(fieldError.duplicate(field, { protocol: port.protocol, port: port.port }))
    numbers.add(id)
  }
  return errors
}

function validatePort(port: ServicePort, field: string, needsName: boolean): FieldError[] {
  const { name = '', targetPort, appProtocol } = port
  const errors: FieldError[] = []
  if (name) errors.push(...invalidWhen(`${field}.name`, name, labelName(name)))
  else if (needsName) errors.push(fieldError.required(`${field}.name`))
  errors.push(...invalidWhen(`${field}.port`, port.port, portNumber(port.port)))
  errors.push(...supported(`${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']))
  if (targetPort !== undefined) errors.push(...portNumberOrName(`${field}.targetPort`, targetPort))
  if (appProtocol !== undefined) errors.push(...invalidWhen(`${field}.appProtocol`, appProtocol, qualifiedName(appProtocol)))
  return errors
}

const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'

function validateSourceRanges({ spec, metadata }: Validated, old?: Validated): FieldError[] {
  const { loadBalancerSourceRanges: ranges = [], type } = spec
  const wrongType = (field: string) => (type === 'LoadBalancer' ? [] : [fieldError.forbidden(field, onlyBalanced)])
  if (ranges.length > 0) {
    const field = 'spec.LoadBalancerSourceRanges' // upper case upstream, too
    const known = new Set((old?.spec.loadBalancerSourceRanges ?? []).map(range => range.trim()))
    const faults = ranges.flatMap((range, i) => (known.has(range.trim()) ? [] : legacyCidr(`${field}[${i}]`, range.trim())))
    return [...wrongType(field), ...faults]
  }
  const annotated = metadata.annotations?.[rangesAnnotation]
  if (annotated === undefined) return []
  const field = `metadata.annotations[${rangesAnnotation}]`
  if (annotated.trim() === '' || old?.metadata.annotations?.[rangesAnnotation] === annotated) return wrongType(field)
  return [...wrongType(field), ...annotated.split(',').flatMap(range => legacyCidr(field, range.trim()))]
}

function validateBalancer(spec: ServiceSpec, old?: ServiceSpec): FieldError[] {
  const { type, loadBalancerClass, allocateLoadBalancerNodePorts } = spec
  const field = 'spec.loadBalancerClass'
  const errors: FieldError[] = []
  if (type !== 'LoadBalancer') {
    if (allocateLoadBalancerNodePorts !== undefined) {
      errors.push(fieldError.forbidden('spec.allocateLoadBalancerNodePorts', onlyBalanced))
    }
    return loadBalancerClass === undefined ? errors : [...errors, fieldError.forbidden(field, onlyBalanced)]
  }
  if (old?.type === 'LoadBalancer' && old.loadBalancerClass !== loadBalancerClass) {
    errors.push(fieldError.invalid(field, loadBalancerClass ?? null, 'may not change once set'))
  }
  if (loadBalancerClass !== undefined) errors.push(...invalidWhen(field, loadBalancerClass, qualifiedName(loadBalancerClass)))
  return errors
}

function validatePolicies(spec: ServiceSpec): FieldError[] {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort, trafficDistribution } = spec
  const errors: FieldError[] = []
  if (externalTrafficPolicy !== undefined) {
    if (isExternallyReachable(spec)) {
      errors.push(...supported('spec.externalTrafficPolicy', externalTrafficPolicy, ['Cluster', 'Local']))
    } else {
      const why = 'may only be set for externally-accessible services'
      errors.push(fieldError.invalid('spec.externalTrafficPolicy', externalTrafficPolicy, why))
    }
  }
  errors.push(...supported('spec.internalTrafficPolicy', internalTrafficPolicy, ['Cluster', 'Local']))
  errors.push(...supported('spec.trafficDistribution', trafficDistribution, distributions))
  const field = 'spec.healthCheckNodePort'
  if (!healthCheckNodePort) return errors
  if (needsHealthPort(spec)) return [...errors, ...invalidWhen(field, healthCheckNodePort, portNumber(healthCheckNodePort))]
  const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
  return [...errors, fieldError.invalid(field, healthCheckNodePort, why)]
}
