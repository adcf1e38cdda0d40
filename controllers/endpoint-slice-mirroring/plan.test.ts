import { expect, test } from 'vitest'
import type { EndpointSubset, Endpoints } from '../../api/core/endpoints.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import type { NewSlice } from '../shared/slices.ts'
import { isMirrored, planMirror } from './plan.ts'

const written = (subsets: EndpointSubset[], metadata: Partial<Endpoints['metadata']> = {}): Endpoints =>
  ({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { namespace: 'default', name: 'web', uid: 'uid-web', ...metadata },
    subsets,
  }) as never
const port = (name: string, number: number) => ({ name, port: number, protocol: 'TCP' as const })
const at = (...ips: string[]) => ips.map(ip => ({ ip }))

let made = 0
const stored = ({ metadata: { generateName, ...metadata }, ...slice }: NewSlice): EndpointSlice => {
  const name = `${generateName}${made++}`
  return { ...slice, metadata: { name, uid: name, ...metadata } } as never
}
const shown = (slices: readonly (NewSlice | EndpointSlice)[]) =>
  slices.map(({ addressType, ports, endpoints }) => {
    const each = endpoints.map(({ addresses, conditions }) => `${addresses[0]}${conditions.ready ? '' : '!'}`)
    return `${addressType} ${ports.map(({ name, port: number }) => `${name}:${number}`).join()} ${each.join()}`
  })

test.each<[string, EndpointSubset[], string[]]>([
  ['nobody', [], []],
  ['ports without addresses', [{ ports: [port('a', 1)] }], []],
  ['one', [{ addresses: at('1.1.1.1'), ports: [port('a', 1)] }], ['IPv4 a:1 1.1.1.1']],
  ['who is not ready', [{ notReadyAddresses: at('1.1.1.1'), ports: [port('a', 1)] }], ['IPv4 a:1 1.1.1.1!']],
  [
    'subsets of other ports',
    [
      { addresses: at('1.1.1.1'), ports: [port('a', 1)] },
      { addresses: at('2.2.2.2'), ports: [port('b', 2)] },
    ],
    ['IPv4 a:1 1.1.1.1', 'IPv4 b:2 2.2.2.2'],
  ],
  [
    'subsets of other ports and the same address',
    [
      { addresses: at('1.1.1.1'), ports: [port('a', 1)] },
      { addresses: at('1.1.1.1'), ports: [port('b', 2)] },
    ],
    ['IPv4 a:1,b:2 1.1.1.1'],
  ],
  [
    'subsets of the same port',
    [
      { addresses: at('1.1.1.1'), ports: [port('a', 1)] },
      { addresses: at('2.2.2.2'), ports: [port('a', 1)] },
    ],
    ['IPv4 a:1 1.1.1.1,2.2.2.2'],
  ],
  ['both families', [{ addresses: at('1.1.1.1', 'fd00:0::1'), ports: [port('a', 1)] }], ['IPv4 a:1 1.1.1.1', 'IPv6 a:1 fd00::1']],
  ['no ports', [{ addresses: at('1.1.1.1') }], ['IPv4  1.1.1.1']],
])('mirrored: %s', (_, subsets, expected) => {
  const endpoints = written(subsets)
  const { create, update, remove } = planMirror(endpoints, [])
  expect([shown(create), update, remove]).toEqual([expected, [], []])
  // And then all is at rest.
  expect(planMirror(endpoints, create.map(stored))).toEqual({ create: [], update: [], remove: [], invalid: 0, skipped: 0 })
})

test('what is known of an address is mirrored; the slice is the Endpoints’ own', () => {
  const targetRef = { kind: 'Pod', namespace: 'default', name: 'p', uid: 'u' }
  const subset = {
    addresses: [{ ip: '1.1.1.1', hostname: 'h', nodeName: 'n', targetRef }],
    ports: [{ ...port('a', 1), appProtocol: 'http' }],
  }
  const annotations = {
    note: 'x',
    'endpoints.kubernetes.io/last-change-trigger-time': 't',
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
  }
  expect(planMirror(written([subset], { labels: { a: 'b' }, annotations }), []).create).toEqual([
    {
      metadata: {
        namespace: 'default',
        generateName: 'web-',
        labels: {
          a: 'b',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
        },
        annotations: { note: 'x' },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Endpoints', name: 'web', uid: 'uid-web', controller: true, blockOwnerDeletion: true },
        ],
      },
      addressType: 'IPv4',
      ports: [{ name: 'a', port: 1, protocol: 'TCP', appProtocol: 'http' }],
      endpoints: [{ addresses: ['1.1.1.1'], conditions: { ready: true }, hostname: 'h', nodeName: 'n', targetRef }],
    },
  ])
})

const one = [{ addresses: at('1.1.1.1'), ports: [port('a', 1)] }]
test.each<[string, Endpoints]>([
  ['an address', written([{ addresses: at('1.1.1.2'), ports: [port('a', 1)] }])],
  ['readiness', written([{ notReadyAddresses: at('1.1.1.1'), ports: [port('a', 1)] }])],
  ['a port', written([{ addresses: at('1.1.1.1'), ports: [port('a', 2)] }])],
  ['a label', written(one, { labels: { a: 'b' } })],
  ['an annotation', written(one, { annotations: { a: 'b' } })],
  ['Endpoints that were made anew', written(one, { uid: 'another' })],
])('a change of %s changes the slice that is there', (_, endpoints) => {
  const slices = planMirror(written(one), []).create.map(stored)
  const { create, update, remove } = planMirror(endpoints, slices)
  expect([create, remove, update.map(({ metadata }) => metadata.name)]).toEqual([
    [],
    [],
    slices.map(({ metadata }) => metadata.name),
  ])
  expect(shown(update)).toEqual(shown(planMirror(endpoints, []).create))
})

test('slices that are too many go, one of another family is not used for what is new', () => {
  const [first] = planMirror(written(one), []).create.map(stored) as [EndpointSlice]
  const double = { ...first, metadata: { ...first.metadata, name: 'double' } }
  expect(planMirror(written(one), [first, double]).remove.map(({ metadata }) => metadata.name)).toEqual(['double'])
  const six = written([{ addresses: at('fd00::1'), ports: [port('a', 1)] }])
  expect(planMirror(six, [first])).toMatchObject({ create: [{ addressType: 'IPv6' }], update: [], remove: [first] })
})

test('addresses that are none, and more than a thousand, are left out and told of', () => {
  const many = Array.from({ length: 1_001 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
  const full = planMirror(written([{ addresses: at(...many), ports: [port('a', 1)] }]), [])
  expect([full.create[0]?.endpoints.length, full.invalid, full.skipped]).toEqual([1_000, 0, 1])
  const odd = planMirror(written([{ addresses: at('odd', '1.1.1.1'), ports: [port('a', 1)] }]), [])
  expect([shown(odd.create), odd.invalid, odd.skipped]).toEqual([['IPv4 a:1 1.1.1.1'], 1, 1])
})

test.each<[string, object, boolean]>([
  ['as they come', {}, true],
  ['that say no', { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }, false],
  ['that say something else', { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'invalid' } }, true],
  ['that elect a leader', { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }, false],
])('Endpoints %s are mirrored: %s', (_, metadata, expected) => {
  expect(isMirrored(written([], metadata))).toBe(expected)
})
