import { expect, test } from 'vitest'
import { faults, made } from '../testing.ts'
import { EndpointSlice } from './endpoint-slice.ts'

const slice = (endpoint: object, more: object = {}) => ({
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }],
  ...more,
})

test.each<[object, string[], object?]>([
  [slice({ nodeName: 'n', hostname: 'h', hints: { forZones: [{ name: 'z' }] } }), []],
  [{}, ['addressType: Required value']],
  [slice({}, { addressType: 'x' }), ['addressType: Unsupported value: "x": supported values: "FQDN", "IPv4", "IPv6"']],
  [slice({ addresses: [] }), ['endpoints[0].addresses: Required value: must contain at least 1 address']],
  [
    slice({ addresses: ['::1'] }),
    expect.arrayContaining(['endpoints[0].addresses: Invalid value: "::1": must be an IPv4 address']) as never,
  ],
  [
    slice({ addresses: ['127.0.0.1'] }),
    ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [slice({ addresses: ['a.example.com'] }, { addressType: 'FQDN' }), []],
  [
    slice({ addresses: ['a'] }, { addressType: 'FQDN' }),
    ['endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two segments separated by dots'],
  ],
  [slice({}, { ports: [{ name: 'a' }, { name: 'a' }] }), ['ports[1].name: Duplicate value: "a"']],
  [
    slice({}, { ports: [{ protocol: 'x' }] }),
    ['ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    slice({ hints: { forZones: Array.from({ length: 9 }, (_, i) => ({ name: `z${i}` })) } }),
    ['endpoints[0].hints.forZones: Too many: 9: must have at most 8 items'],
  ],
  [slice({ addresses: ['::2'] }, { addressType: 'IPv6' }), ['addressType: Invalid value: "IPv6": field is immutable'], slice({})],
])('%j', (body, expected, old) => expect(faults(EndpointSlice, body, old)).toEqual(expected))

test.each([
  [{}, ['IPv4', '<unset>', '10.0.0.1']],
  [
    {
      ports: [{ port: 80 }, { name: 'x' }, { port: 1 }, { port: 2 }],
      endpoints: [{ addresses: ['a', 'b'] }, { addresses: ['c', 'd'] }],
    },
    ['IPv4', '80,x,1 + 1 more...', 'a,b,c + 1 more...'],
  ],
])('%j in a table', (more, cells) => {
  const object = made(EndpointSlice, slice({}, more)) as EndpointSlice
  expect(EndpointSlice.columns.slice(0, 3).map(({ value }) => value(object, 0))).toEqual(cells)
})
