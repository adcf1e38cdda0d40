import * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age, column } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { ipAddress, labelName, portNumber, qualifiedName, subdomainName, unusableEndpoint } from '../names.ts'
import { atomicList, choice, int32, named, requiredText, text } from '../schema.ts'
import { invalidWhen, requiredName, supported } from '../validation.ts'
import { addressWarnings } from '../warnings.ts'
import { ObjectReference } from './references.ts'

const EndpointAddress = named(
  'core/v1.EndpointAddress',
  'Where one pod answers.',
  () => ({
    ip: requiredText('The address.'),
    hostname: text('Its host name.'),
    nodeName: z.string().optional().describe('The node it is on.'),
    targetRef: ObjectReference.optional().describe('What is behind it.'),
  }),
  { wire: 'ip targetRef hostname nodeName', 'x-kubernetes-map-type': 'atomic' },
)
type EndpointAddress = z.output<typeof EndpointAddress>

const EndpointPort = named(
  'core/v1.EndpointPort',
  'On which port it answers.',
  () => ({
    name: text('Name of the port, as the Service calls it.'),
    port: int32().default(0).describe('Its number.'),
    protocol: choice('TCP', 'UDP', 'SCTP').default('TCP').describe('Its protocol.'),
    appProtocol: z.string().optional().describe('What is spoken on it.'),
  }),
  { wire: 'name port protocol appProtocol', 'x-kubernetes-map-type': 'atomic' },
)
type EndpointPort = z.output<typeof EndpointPort>

const EndpointSubset = named(
  'core/v1.EndpointSubset',
  'Addresses that all have the same ports.',
  () => ({
    addresses: atomicList(EndpointAddress).optional().describe('Those that can serve.'),
    notReadyAddresses: atomicList(EndpointAddress).optional().describe('Those that cannot, for now.'),
    ports: atomicList(EndpointPort).optional().describe('The ports of each of them.'),
  }),
  { wire: 'addresses notReadyAddresses ports' },
)
export type EndpointSubset = z.output<typeof EndpointSubset>

interface EndpointsParts {
  readonly subsets?: readonly EndpointSubset[]
}

const mostShown = 3

/** The first three, and how many more there are (pkg/printers/internalversion formatEndpoints). */
function listed({ subsets = [] }: EndpointsParts): string {
  if (subsets.length === 0) return '<none>'
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`))),
  )
  const more = all.length - mostShown
  return all.slice(0, mostShown).join(',') + (more > 0 ? ` + ${more} more...` : '')
}

const columns: Column<EndpointsParts>[] = [column('Endpoints', 'Addresses and ports that can serve.', listed)]

/** Where the pods of a Service answer, all in one object; EndpointSlices took its place. */
export const Endpoints = defineKind({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  description: 'Where the pods of a Service answer, all in one object; EndpointSlices took its place.',
  wire: 'metadata subsets',
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  fields: () => ({ subsets: atomicList(EndpointSubset).optional().describe('Addresses, by the ports they have in common.') }),
  columns: [...columns, age],
  // What has always been there may stay as it is.
  validate: ({ subsets = [] }, old) => (old && deepEqual(subsets, old.subsets ?? []) ? [] : subsets.flatMap(validateSubset)),
  warnings: ({ metadata, subsets = [] }) =>
    metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller' ? [] : subsets.flatMap(subsetWarnings),
})
export type Endpoints = ObjectOf<typeof Endpoints>

/** pkg/apis/core/validation validateEndpointSubsets. */
function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, index: number): FieldError[] {
  const at = `subsets[${index}]`
  const isEmpty = addresses.length + notReadyAddresses.length === 0
  const errors = isEmpty ? [fieldError.required(at, 'must specify `addresses` or `notReadyAddresses`')] : []
  errors.push(...addresses.flatMap((each, i) => validateAddress(each, `${at}.addresses[${i}]`)))
  errors.push(...notReadyAddresses.flatMap((each, i) => validateAddress(each, `${at}.notReadyAddresses[${i}]`)))
  errors.push(...ports.flatMap((each, i) => validatePort(each, ports.length > 1, `${at}.ports[${i}]`)))
  return errors
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, at: string): FieldError[] {
  const errors = invalidWhen(`${at}.ip`, ip, ipAddress(ip))
  if (hostname) errors.push(...invalidWhen(`${at}.hostname`, hostname, labelName(hostname)))
  if (nodeName !== undefined) errors.push(...invalidWhen(`${at}.nodeName`, nodeName, subdomainName(nodeName)))
  return [...errors, ...invalidWhen(`${at}.ip`, ip, unusableEndpoint(ip))]
}

function validatePort({ name = '', port, protocol, appProtocol }: EndpointPort, needsName: boolean, at: string): FieldError[] {
  const errors = needsName || name !== '' ? requiredName(`${at}.name`, name, labelName) : []
  errors.push(...invalidWhen(`${at}.port`, port, portNumber(port)))
  errors.push(...supported(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']))
  if (appProtocol !== undefined) errors.push(...invalidWhen(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol)))
  return errors
}

function subsetWarnings({ addresses = [], notReadyAddresses = [] }: EndpointSubset, index: number): string[] {
  const of = (list: readonly EndpointAddress[], field: string) =>
    list.flatMap(({ ip }, i) => addressWarnings(`subsets[${index}].${field}[${i}].ip`, ip))
  return [...of(addresses, 'addresses'), ...of(notReadyAddresses, 'notReadyAddresses')]
}
