import { deepEqual } from '../../lib/json.ts'
import { familyOf, legacyIp, strictIp, unusableAddress } from '../addresses.ts'
import { fullyQualifiedDomain } from '../domain-names.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName, labelValueText, qualifiedName, subdomainName } from '../names.ts'
import { invalidWhen, supported, unchanged, validateLabels } from '../validation.ts'
import type { EndpointSliceParts } from './endpoint-slice.ts'

const addressTypes = ['FQDN', 'IPv4', 'IPv6']
const most = { topologyLabels: 16, addresses: 100, ports: 20_000, endpoints: 1000, hints: 8 }

/** A slice (pkg/apis/discovery/validation); endpoints that were wrong before may stay as they are. */
export function validateEndpointSlice(slice: EndpointSliceParts, old?: EndpointSliceParts): FieldError[] {
  const { addressType, endpoints, ports } = slice
  const errors = addressType === '' ? [fieldError.required('addressType')] : supported('addressType', addressType, addressTypes)
  errors.push(...validatePorts(ports))
  const faults = validateEndpoints(endpoints, addressType)
  if (faults.length > 0 && !(old && deepEqual(endpoints, old.endpoints))) errors.push(...faults)
  return old ? [...errors, ...unchanged('addressType', addressType, old.addressType)] : errors
}

function validatePorts(ports: EndpointSliceParts['ports']): FieldError[] {
  if (ports.length > most.ports) return [fieldError.tooMany('ports', ports.length, most.ports)]
  const names = new Set<string>()
  return ports.flatMap(({ name, protocol, appProtocol }, i) => {
    const at = `ports[${i}]`
    const errors = name ? invalidWhen(`${at}.name`, name, labelName(name)) : []
    if (names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name))
    names.add(name)
    errors.push(...supported(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']))
    if (appProtocol !== undefined) errors.push(...invalidWhen(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol)))
    return errors
  })
}

type Endpoint = EndpointSliceParts['endpoints'][number]

function validateEndpoints(endpoints: readonly Endpoint[], addressType: string): FieldError[] {
  if (endpoints.length > most.endpoints) return [fieldError.tooMany('endpoints', endpoints.length, most.endpoints)]
  return endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, `endpoints[${i}]`, addressType))
}

function validateEndpoint(endpoint: Endpoint, at: string, addressType: string): FieldError[] {
  const { addresses, nodeName, deprecatedTopology = {}, hostname, hints } = endpoint
  const errors: FieldError[] = []
  const field = `${at}.addresses`
  if (addresses.length === 0) errors.push(fieldError.required(field, 'must contain at least 1 address'))
  else if (addresses.length > most.addresses) errors.push(fieldError.tooMany(field, addresses.length, most.addresses))
  for (const [i, address] of addresses.entries()) errors.push(...validateAddress(address, field, i, addressType))
  if (nodeName !== undefined) errors.push(...invalidWhen(`${at}.nodeName`, nodeName, subdomainName(nodeName)))
  const labels = Object.keys(deprecatedTopology).length
  const topology = `${at}.deprecatedTopology`
  if (labels > most.topologyLabels) errors.push(fieldError.tooMany(topology, labels, most.topologyLabels))
  errors.push(...validateLabels(deprecatedTopology, topology))
  if (hostname !== undefined) errors.push(...invalidWhen(`${at}.hostname`, hostname, labelName(hostname)))
  if (!hints) return errors
  const { forZones = [], forNodes = [] } = hints
  errors.push(...validateHints(forZones, `${at}.hints.forZones`, labelValueText))
  if (forZones.length > most.hints) return errors
  return [...errors, ...validateHints(forNodes, `${at}.hints.forNodes`, subdomainName)]
}

function validateAddress(address: string, field: string, index: number, addressType: string): FieldError[] {
  const at = `${field}[${index}]`
  if (addressType === 'FQDN') return fullyQualifiedDomain(at, address)
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return []
  const errors = addressType === 'IPv4' ? legacyIp(at, address) : strictIp(at, address)
  if (errors.length > 0) return errors
  if (familyOf(address) !== addressType) errors.push(fieldError.invalid(field, address, `must be an ${addressType} address`))
  return [...errors, ...unusableAddress(at, address)]
}

function validateHints(hints: readonly { name: string }[], field: string, check: (name: string) => string[]): FieldError[] {
  if (hints.length > most.hints) return [fieldError.tooMany(field, hints.length, most.hints)]
  const names = new Set<string>()
  return hints.flatMap(({ name }, i) => {
    const at = `${field}[${i}].name`
    const errors = names.has(name) ? [fieldError.duplicate(at, name)] : []
    names.add(name)
    return [...errors, ...invalidWhen(at, name, check(name))]
  })
}
