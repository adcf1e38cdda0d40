import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { ipAddress, labelName, portNumber, qualifiedName, subdomainName } from '../names.ts'
import { immutable, invalidWhen, portNumberOrName, requiredName, supported, validateLabels } from '../validation.ts'
import { isExternallyReachable } from './service-defaults.ts'
import type { ServiceObject, ServicePort, ServiceSpec } from './service-spec.ts'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const longestAffinityInSeconds = 86400

/** A service by itself, and what of it may change (pkg/apis/core/validation ValidateService and ValidateServiceUpdate). */
export function validateService({ spec }: Pick<ServiceObject, 'spec'>, old?: Pick<ServiceObject, 'spec'>): FieldError[] {
  const errors = supported('spec.type', spec.type, types)
  const isHeadless = spec.clusterIP === 'None'
  if (!spec.ports?.length && !isHeadless && spec.type !== 'ExternalName') errors.push(fieldError.required('spec.ports'))
  errors.push(...validateType(spec, isHeadless), ...validatePorts(spec))
  errors.push(...validateLabels(spec.selector, 'spec.selector'))
  errors.push(...supported('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']))
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (timeout !== undefined && (timeout <= 0 || timeout > longestAffinityInSeconds)) {
    const why = `must be greater than 0 and less than ${longestAffinityInSeconds}`
    errors.push(fieldError.invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', timeout, why))
  }
  for (const [i, address] of (spec.clusterIPs ?? []).entries()) {
    if (address !== 'None') errors.push(...invalidWhen(`spec.clusterIPs[${i}]`, address, ipAddress(address)))
  }
  for (const [i, address] of (spec.externalIPs ?? []).entries()) {
    errors.push(...invalidWhen(`spec.externalIPs[${i}]`, address, ipAddress(address)))
  }
  errors.push(...validatePolicies(spec))
  return old ? [...errors, ...validateUpdate(spec, old.spec)] : errors
}

function validateType(spec: ServiceSpec, isHeadless: boolean): FieldError[] {
  if (spec.type === 'ExternalName') {
    const name = spec.externalName ?? ''
    const errors = requiredName('spec.externalName', name, each => subdomainName(each.replace(/\.$/, '')))
    if (spec.clusterIPs?.length) errors.push(fieldError.forbidden('spec.clusterIPs', 'may not be set for ExternalName services'))
    return errors
  }
  const needsAddress = spec.type === 'LoadBalancer' || spec.type === 'NodePort'
  if (!needsAddress || !isHeadless) return []
  return [fieldError.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
}

function validatePorts({ ports = [], type }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  const numbers = new Set<string>()
  for (const [i, port] of ports.entries()) {
    const field = `spec.ports[${i}]`
    errors.push(...validatePort(port, field, ports.length > 1))
    if (port.name && names.has(port.name)) errors.push(fieldError.duplicate(`${field}.name`, port.name))
    names.add(port.name ?? '')
    if (port.nodePort && type === 'ClusterIP') {
      errors.push(fieldError.forbidden(`${field}.nodePort`, "may not be used when `type` is 'ClusterIP'"))
    }
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

function validatePolicies(spec: ServiceSpec): FieldError[] {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort } = spec
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
  const usesHealthPort = spec.type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
  if (healthCheckNodePort && !usesHealthPort) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    errors.push(fieldError.invalid('spec.healthCheckNodePort', healthCheckNodePort, why))
  }
  if (spec.loadBalancerClass !== undefined && spec.type !== 'LoadBalancer') {
    errors.push(fieldError.forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"))
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer') {
    errors.push(fieldError.forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"))
  }
  return errors
}

/** Semantics E4: addresses stay, unless the service is or becomes an ExternalName. */
function validateUpdate(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return []
  const errors: FieldError[] = []
  const [before] = old.clusterIPs ?? []
  const [after] = spec.clusterIPs ?? []
  if (before && !after)
    errors.push(fieldError.invalid('spec.clusterIPs[0]', spec.clusterIPs, 'primary clusterIP can not be unset'))
  else if (before && after !== before) {
    errors.push(fieldError.invalid('spec.clusterIPs[0]', spec.clusterIPs, 'may not change once set'))
  }
  const [family] = old.ipFamilies ?? []
  if (family && spec.ipFamilies?.[0] !== family) {
    errors.push(fieldError.invalid('spec.ipFamilies[0]', spec.ipFamilies, 'may not change once set'))
  }
  if (old.healthCheckNodePort && !deepEqual(spec.healthCheckNodePort, old.healthCheckNodePort)) {
    errors.push(fieldError.forbidden('spec.healthCheckNodePort', immutable))
  }
  return errors
}
