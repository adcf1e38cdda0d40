import * as z from 'zod'
import { age } from '../columns.ts'
import { ObjectReference } from '../core/references.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, choice, int32, named, requiredText, stringMap } from '../schema.ts'
import { addressWarnings } from '../warnings.ts'
import { validateEndpointSlice } from './endpoint-slice-validation.ts'

const Endpoint = named(
  'discovery/v1.Endpoint',
  'Who takes traffic, at which addresses.',
  () => ({
    addresses: z
      .array(z.string())
      .default([])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Its addresses; all lead to the same.'),
    conditions: named(
      'discovery/v1.EndpointConditions',
      'Whether an endpoint takes traffic.',
      () => ({
        ready: z.boolean().optional().describe('Whether it takes traffic; absent: it does.'),
        serving: z.boolean().optional().describe('As ready, but also while it is going away.'),
        terminating: z.boolean().optional().describe('Whether it is going away.'),
      }),
      { wire: 'ready serving terminating' },
    )
      .prefault({})
      .describe('Whether it takes traffic.'),
    hostname: z.string().optional().describe('Its name within the service.'),
    targetRef: ObjectReference.optional().describe('The object behind it, usually a pod.'),
    deprecatedTopology: stringMap().optional().describe('Where it is, in an old form.'),
    nodeName: z.string().optional().describe('The node it is on.'),
    zone: z.string().optional().describe('The zone it is in.'),
    hints: named(
      'discovery/v1.EndpointHints',
      'Who should prefer an endpoint.',
      () => ({
        forZones: atomicList(
          named('discovery/v1.ForZone', 'A zone.', () => ({ name: requiredText('Name of the zone.') }), { wire: 'name' }),
        )
          .optional()
          .describe('Zones that should prefer it.'),
        forNodes: atomicList(
          named('discovery/v1.ForNode', 'A node.', () => ({ name: requiredText('Name of the node.') }), { wire: 'name' }),
        )
          .optional()
          .describe('Nodes that should prefer it.'),
      }),
      { wire: 'forZones forNodes' },
    )
      .optional()
      .describe('Who should prefer it.'),
  }),
  { wire: 'addresses conditions hostname targetRef deprecatedTopology nodeName zone hints' },
)

const EndpointPort = named(
  'discovery/v1.EndpointPort',
  'A port that takes traffic.',
  () => ({
    name: requiredText('Name of the port.'),
    protocol: choice('TCP', 'UDP', 'SCTP').default('TCP').describe('Protocol of the port.'),
    port: int32().optional().describe('Number of the port; absent: any.'),
    appProtocol: z.string().optional().describe('What is spoken over it.'),
  }),
  { wire: 'name protocol port appProtocol', 'x-kubernetes-map-type': 'atomic' },
)

/** What of a slice its rules look into. */
export interface EndpointSliceParts {
  readonly addressType: string
  readonly endpoints: readonly z.output<typeof Endpoint>[]
  readonly ports: readonly z.output<typeof EndpointPort>[]
}

const shown = 3

/** The first three (printers.go listWithMoreString). */
function few(all: readonly (string | number)[]): string {
  if (all.length === 0) return '<unset>'
  const first = all.slice(0, shown).join(',')
  return all.length > shown ? `${first} + ${all.length - shown} more...` : first
}

/** Controllers that write addresses as they should be. */
const careful: ReadonlySet<string | undefined> = new Set([
  'endpointslice-controller.k8s.io',
  'endpointslicemirroring-controller.k8s.io',
])

/** Some of the endpoints of a service. */
export const EndpointSlice = defineKind({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  description: 'Some of the endpoints of a service.',
  wire: 'metadata 4:addressType 2:endpoints 3:ports',
  fields: () => ({
    addressType: choice('IPv4', 'IPv6', 'FQDN')
      .default('' as 'IPv4')
      .describe('What kind of addresses its endpoints have.'),
    endpoints: atomicList(Endpoint).default([]).describe('Who takes traffic.'),
    ports: atomicList(EndpointPort).default([]).describe('Ports that every endpoint has.'),
  }),
  columns: [
    { name: 'AddressType', description: 'What kind of addresses its endpoints have.', value: slice => slice.addressType },
    {
      name: 'Ports',
      description: 'Ports that every endpoint has.',
      value: ({ ports }) => few(ports.map(({ port, name }) => port ?? name)),
    },
    {
      name: 'Endpoints',
      description: 'Addresses of those who take traffic.',
      value: ({ endpoints }) => few(endpoints.flatMap(({ addresses }) => addresses)),
    },
    age,
  ],
  generationOf: ({ addressType, endpoints, ports, metadata }) => ({ addressType, endpoints, ports, labels: metadata.labels }),
  validate: validateEndpointSlice,
  warnings({ metadata, addressType, endpoints }, old) {
    const warnings = addressType === 'FQDN' && !old ? ['spec.addressType: FQDN endpoints are deprecated'] : []
    if (addressType === 'FQDN' || careful.has(metadata.labels?.['endpointslice.kubernetes.io/managed-by'])) return warnings
    for (const [i, { addresses }] of endpoints.entries()) {
      for (const [j, address] of addresses.entries())
        warnings.push(...addressWarnings(`endpoints[${i}].addresses[${j}]`, address))
    }
    return warnings
  },
})
export type EndpointSlice = ObjectOf<typeof EndpointSlice>
