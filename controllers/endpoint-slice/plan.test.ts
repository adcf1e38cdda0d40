import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Service } from '../../api/core/service.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { type ServingPod, serviceWith, servingPod, servingPods } from '../shared/service-test-objects.ts'
import type { NewSlice } from '../shared/slices.ts'
import { nodeWith } from '../shared/test-objects.ts'
import { planSlices } from './plan.ts'

const nodes: Record<string, Node> = {
  n1: nodeWith({ metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'a' } } }),
  n2: nodeWith({ metadata: { name: 'n2' } }),
}
const nodeOf = (name: string) => nodes[name]

let made = 0
/** The slice that becomes of a new one. */
const stored = ({ metadata: { generateName, ...metadata }, ...slice }: NewSlice): EndpointSlice => {
  const name = `${generateName}${made++}`
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    ...slice,
    metadata: { name, uid: name, ...metadata },
  } as never
}
const plan = (service: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = [], most = 100) =>
  planSlices({ service, pods, slices, nodeOf, most })
/** What there is after a plan was carried out. */
function carriedOut(slices: readonly EndpointSlice[], { create, update, remove }: ReturnType<typeof plan>): EndpointSlice[] {
  const gone = new Set([...remove, ...update].map(({ metadata }) => metadata.name))
  return [...slices.filter(({ metadata }) => !gone.has(metadata.name)), ...update, ...create.map(stored)]
}
const sizes = (slices: readonly { endpoints: readonly unknown[] }[]) =>
  slices.map(({ endpoints }) => endpoints.length).sort((a, b) => b - a)
const none = { create: [], update: [], remove: [], stranded: [] }

test('a pod becomes an endpoint with all that is known of it', () => {
  expect(plan(serviceWith({}, { team: 'shop' }), [servingPod('p')])).toEqual({
    ...none,
    create: [
      {
        metadata: {
          namespace: 'default',
          generateName: 'web-',
          labels: {
            team: 'shop',
            'kubernetes.io/service-name': 'web',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'uid-web', controller: true, blockOwnerDeletion: true },
          ],
        },
        addressType: 'IPv4',
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
        endpoints: [
          {
            addresses: ['10.0.0.1'],
            conditions: { ready: true, serving: true, terminating: false },
            targetRef: { kind: 'Pod', namespace: 'default', name: 'p', uid: 'uid-p' },
            nodeName: 'n1',
            zone: 'a',
          },
        ],
      },
    ],
  })
})

test.each<[string, ServingPod, Partial<Service['spec']>, unknown]>([
  ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
  ['not ready', { isReady: false }, {}, { ready: false, serving: false, terminating: false }],
  ['going away', { isTerminating: true }, {}, { ready: false, serving: true, terminating: true }],
  ['going away, not ready', { isTerminating: true, isReady: false }, {}, { ready: false, serving: false, terminating: true }],
  [
    'not ready, published all the same',
    { isReady: false },
    { publishNotReadyAddresses: true },
    { ready: true, serving: false, terminating: false },
  ],
  [
    'going away, published all the same',
    { isTerminating: true },
    { publishNotReadyAddresses: true },
    { ready: true, serving: true, terminating: true },
  ],
  ['pending, with an address', { phase: 'Pending', isReady: false }, {}, { ready: false, serving: false, terminating: false }],
  ['failed', { phase: 'Failed' }, {}, undefined],
  ['succeeded', { phase: 'Succeeded' }, { publishNotReadyAddresses: true }, undefined],
  ['without an address', { ips: [] }, {}, undefined],
])('endpoints: ready vs serving vs terminating; publishNotReadyAddresses: a pod that is %s', (_, pod, spec, conditions) => {
  const [slice] = plan(serviceWith(spec), [servingPod('p', pod)]).create
  expect(slice?.endpoints[0]?.conditions).toEqual(conditions)
})

test.each<[string, ServingPod, string | undefined]>([
  ['of this service', { hostname: 'a', subdomain: 'web' }, 'a'],
  ['of another', { hostname: 'a', subdomain: 'db' }, undefined],
  ['without a name', { subdomain: 'web' }, undefined],
])('the host name of a pod: %s', (_, pod, expected) => {
  expect(plan(serviceWith(), [servingPod('p', pod)]).create[0]?.endpoints[0]?.hostname).toBe(expected)
})

const dual: Partial<Service['spec']> = { ipFamilies: ['IPv6', 'IPv4'] }
test.each<[string, Partial<Service['spec']>, string[], Record<string, string[]>]>([
  ['both', dual, ['10.0.0.1', 'fd00:0::1'], { IPv4: ['10.0.0.1'], IPv6: ['fd00::1'] }],
  ['of a pod with one', dual, ['10.0.0.1'], { IPv4: ['10.0.0.1'], IPv6: [] }],
  ['IPv6 alone', { ipFamilies: ['IPv6'] }, ['10.0.0.1', 'fd00::1'], { IPv6: ['fd00::1'] }],
  ['as the address says', { ipFamilies: undefined, clusterIP: 'fd00::10' }, ['10.0.0.1', 'fd00::1'], { IPv6: ['fd00::1'] }],
  [
    'headless, unsaid',
    { ipFamilies: undefined, clusterIP: 'None' },
    ['10.0.0.1', 'fd00::1'],
    { IPv4: ['10.0.0.1'], IPv6: ['fd00::1'] },
  ],
])('address families: %s', (_, spec, ips, expected) => {
  const { create } = plan(serviceWith(spec), [servingPod('p', { ips })])
  const found = create.map(({ addressType, endpoints }) => [addressType, endpoints.flatMap(({ addresses }) => addresses)])
  expect(Object.fromEntries(found)).toEqual(expected)
})

test('slices of a family that the service no longer has go away', () => {
  const slices = plan(serviceWith(dual), [servingPod('p')]).create.map(stored)
  const { remove, ...rest } = plan(serviceWith(), [servingPod('p')], slices)
  expect(remove.map(({ addressType }) => addressType)).toEqual(['IPv6'])
  expect(rest).toMatchObject({ create: [], update: [] })
})

const container = (ports: readonly object[]) => ({ name: 'main', image: 'web:1', ports })
test.each<[string, ServingPod, unknown[]]>([
  [
    'the number that a pod gives it',
    { containers: [container([{ name: 'web', containerPort: 3000, protocol: 'TCP' }])] },
    [3000],
  ],
  [
    'left out where only the protocol differs',
    { containers: [container([{ name: 'web', containerPort: 1, protocol: 'UDP' }])] },
    [],
  ],
  ['left out where there is none', {}, []],
  [
    "a sidecar's",
    { initContainers: [{ ...container([{ name: 'web', containerPort: 4000, protocol: 'TCP' }]), restartPolicy: 'Always' }] },
    [4000],
  ],
  ['not that of an init container', { initContainers: [container([{ name: 'web', containerPort: 4000, protocol: 'TCP' }])] }, []],
  [
    "the app container's before a sidecar's",
    {
      containers: [container([{ name: 'web', containerPort: 3000, protocol: 'TCP' }])],
      initContainers: [{ ...container([{ name: 'web', containerPort: 4000, protocol: 'TCP' }]), restartPolicy: 'Always' }],
    },
    [3000],
  ],
])('a port by name: %s', (_, pod, expected) => {
  const service = serviceWith({ ports: [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }] })
  const [slice] = plan(service, [servingPod('p', pod)]).create
  expect(slice?.ports.map(({ port }) => port)).toEqual(expected)
  // A pod without the port is there all the same.
  expect(slice?.endpoints).toHaveLength(1)
})

test('pods whose ports have different numbers are in different slices', () => {
  const on = (port: number) => ({ containers: [container([{ name: 'web', containerPort: port, protocol: 'TCP' }])] })
  const service = serviceWith({
    ports: [
      { name: 'http', port: 80, targetPort: 'web', protocol: 'TCP', appProtocol: 'http' },
      { name: 'admin', port: 81, targetPort: 9000, protocol: 'TCP' },
    ],
  })
  const pods = [
    servingPod('a', on(1)),
    servingPod('b', { ...on(2), ips: ['10.0.0.2'] }),
    servingPod('c', { ...on(1), ips: ['10.0.0.3'] }),
  ]
  const { create } = plan(service, pods)
  expect(
    create.map(({ ports, endpoints }) => [ports.map(({ port }) => port), endpoints.map(each => each.targetRef?.name)]),
  ).toEqual([
    [
      [1, 9000],
      ['a', 'c'],
    ],
    [[2, 9000], ['b']],
  ])
  expect(create[0]?.ports[0]).toEqual({ name: 'http', protocol: 'TCP', port: 1, appProtocol: 'http' })
})

test('a service without pods has one empty slice, which stays; headless without ports has endpoints without ports', () => {
  const first = plan(serviceWith(), [])
  expect(first.create).toMatchObject([{ ports: [], endpoints: [], addressType: 'IPv4' }])
  const [placeholder] = first.create.map(stored)
  expect(plan(serviceWith(), [], [placeholder as EndpointSlice])).toEqual(none)
  // Once there is a pod, the empty slice becomes its slice.
  const filled = plan(serviceWith(), [servingPod('p')], [placeholder as EndpointSlice])
  expect(filled).toMatchObject({ create: [], remove: [], update: [{ metadata: { name: placeholder?.metadata.name } }] })
  expect(filled.update[0]?.ports).toHaveLength(1)
  const headless = plan(serviceWith({ clusterIP: 'None', ports: [] }), [servingPod('p')]).create
  expect(headless).toMatchObject([
    { ports: [], endpoints: [{ addresses: ['10.0.0.1'] }], metadata: { labels: { 'service.kubernetes.io/headless': '' } } },
  ])
})

test('the last pod goes: its slice becomes the empty one', () => {
  const slices = plan(serviceWith(), [servingPod('p')]).create.map(stored)
  expect(plan(serviceWith(), [], slices)).toMatchObject({
    create: [],
    remove: [],
    update: [{ metadata: { name: slices[0]?.metadata.name }, ports: [], endpoints: [] }],
  })
})

test('labels of the service are copied but those that mean something here; a changed label changes every slice', () => {
  const evil = {
    'kubernetes.io/service-name': 'x',
    'endpointslice.kubernetes.io/managed-by': 'x',
    'service.kubernetes.io/headless': 'x',
  }
  const slices = plan(serviceWith({}, { team: 'a', ...evil }), servingPods(3), [], 2).create.map(stored)
  const own = { 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }
  expect(slices.map(({ metadata }) => metadata.labels)).toEqual(Array(2).fill({ team: 'a', ...own }))
  const { update } = plan(serviceWith({}, { team: 'b' }), servingPods(3), slices, 2)
  expect(update.map(({ metadata }) => metadata.labels)).toEqual(Array(2).fill({ team: 'b', ...own }))
})

test('annotations that others made stay', () => {
  const [slice] = plan(serviceWith(), [servingPod('p')]).create.map(stored) as [EndpointSlice]
  const noted = { ...slice, metadata: { ...slice.metadata, annotations: { note: 'x' } } }
  const { update } = plan(serviceWith(), [servingPod('p', { isReady: false })], [noted])
  expect(update[0]?.metadata.annotations).toEqual({ note: 'x' })
})

test('slices of a service of the same name that is gone are replaced', () => {
  const [slice] = plan(serviceWith(), [servingPod('p')]).create.map(stored) as [EndpointSlice]
  const service = serviceWith()
  const reborn = { ...service, metadata: { ...service.metadata, uid: 'another' } }
  expect(plan(reborn, [servingPod('p')], [slice])).toMatchObject({ create: [{ endpoints: [{}] }], update: [], remove: [slice] })
})

test('a pod whose node is not known is left out and told of, unless all addresses are published', () => {
  const pods = [servingPod('p'), servingPod('q', { node: 'gone', ips: ['10.0.0.2'] })]
  const left = plan(serviceWith(), pods)
  expect(left.create[0]?.endpoints.map(({ targetRef }) => targetRef?.name)).toEqual(['p'])
  expect(left.stranded.map(({ metadata }) => metadata.name)).toEqual(['q'])
  const all = plan(serviceWith({ publishNotReadyAddresses: true }), pods)
  expect([all.create[0]?.endpoints.length, all.stranded]).toEqual([2, []])
})

test.each<[string, number[], number, number[]]>([
  ['250 pods need three slices', [], 250, [100, 100, 50]],
  ['the rest goes whole into the slice that it fills best', [99, 40, 60], 30, [99, 90, 40]],
  ['more than fits anywhere gets a new slice', [90, 90], 30, [90, 90, 30]],
  ['a hundred and more never go into a slice that need not change', [10], 100, [100, 10]],
])('packing: %s', (_, before, added, after) => {
  const existing = before.map((count, i) => servingPods(count, {}, i * 1000))
  const slices = existing.flatMap(pods => plan(serviceWith(), pods).create.map(stored))
  const pods = [...existing.flat(), ...servingPods(added, {}, 50_000)]
  expect(sizes(carriedOut(slices, plan(serviceWith(), pods, slices)))).toEqual(after)
})

test('packing: new pods fill the slices that change anyway, fullest first, before any other is touched', () => {
  const [a, b, c] = [servingPods(60, {}, 0), servingPods(80, {}, 1000), servingPods(70, {}, 2000)] as [Pod[], Pod[], Pod[]]
  const slices = [a, b, c].flatMap(pods => plan(serviceWith(), pods).create.map(stored))
  // One pod leaves the first and the second slice; 25 come.
  const pods = [...a.slice(1), ...b.slice(1), ...c, ...servingPods(25, {}, 50_000)]
  const { create, update, remove } = plan(serviceWith(), pods, slices)
  expect({ create, remove, update: sizes(update) }).toEqual({ create: [], remove: [], update: [100, 63] })
})

test('a pod that changes changes its slice alone, in place', () => {
  const pods = servingPods(250)
  const slices = plan(serviceWith(), pods).create.map(stored)
  const changed = pods.map((pod, i) =>
    i === 120 ? servingPod(pod.metadata.name, { ips: [pod.status.podIP ?? ''], isReady: false }) : pod,
  )
  const { create, update, remove } = plan(serviceWith(), changed, slices)
  expect([create, remove, update.map(({ metadata }) => metadata.name)]).toEqual([[], [], [slices[1]?.metadata.name]])
  expect(update[0]?.endpoints.map(({ conditions }) => conditions.ready).indexOf(false)).toBe(20)
})

test('a changed port takes the old slice over instead of making a new one', () => {
  const slices = plan(serviceWith(), [servingPod('p')]).create.map(stored)
  const moved = serviceWith({ ports: [{ name: 'http', port: 80, targetPort: 9090, protocol: 'TCP' }] })
  const { create, update, remove } = plan(moved, [servingPod('p')], slices)
  expect([create, remove]).toEqual([[], []])
  expect(update).toMatchObject([{ metadata: { name: slices[0]?.metadata.name }, ports: [{ port: 9090 }] }])
})

const zoned = { forZones: [{ name: 'a' }] }
test.each<[string, string | undefined, Record<string, string>, ServingPod, unknown]>([
  ['PreferClose', 'PreferClose', {}, {}, zoned],
  ['PreferSameZone', 'PreferSameZone', {}, {}, zoned],
  ['PreferSameNode', 'PreferSameNode', {}, {}, { ...zoned, forNodes: [{ name: 'n1' }] }],
  ['PreferClose without zones', 'PreferClose', {}, { node: 'n2' }, undefined],
  ['PreferSameNode without zones', 'PreferSameNode', {}, { node: 'n2' }, { forNodes: [{ name: 'n2' }] }],
  ['nothing said', undefined, {}, {}, undefined],
  ['something else', 'Odd', {}, {}, undefined],
  ['not ready', 'PreferClose', {}, { isReady: false }, undefined],
  ['the older annotation goes before', 'PreferClose', { 'service.kubernetes.io/topology-mode': 'Auto' }, {}, undefined],
  ['the older annotation says no', 'PreferClose', { 'service.kubernetes.io/topology-mode': 'Disabled' }, {}, zoned],
  ['the oldest annotation says yes', 'PreferClose', { 'service.kubernetes.io/topology-aware-hints': 'auto' }, {}, undefined],
])('hints: %s', (_, trafficDistribution, annotations, pod, expected) => {
  const plain = serviceWith()
  const service = { ...serviceWith({ trafficDistribution }), metadata: { ...plain.metadata, annotations } }
  const fresh = plan(service, [servingPod('p', pod)])
  expect(fresh.create[0]?.endpoints[0]?.hints).toEqual(expected)
  // A slice that is there and has none, or wrong ones, gets them too; one that has them stays as it is.
  const [bare] = plan(plain, [servingPod('p', pod)]).create.map(stored) as [EndpointSlice]
  expect(plan(service, [servingPod('p', pod)], [bare]).update.map(({ endpoints }) => endpoints[0]?.hints)).toEqual(
    expected === undefined ? [] : [expected],
  )
  expect(plan(service, [servingPod('p', pod)], fresh.create.map(stored))).toEqual(none)
})

test('hints go when the service no longer asks for them', () => {
  const slices = plan(serviceWith({ trafficDistribution: 'PreferClose' }), [servingPod('p')]).create.map(stored)
  expect(plan(serviceWith(), [servingPod('p')], slices).update.map(({ endpoints }) => endpoints[0]?.hints)).toEqual([undefined])
})

test('whatever came and went, the slices hold exactly the pods there are, none twice, and are at rest', () => {
  const step = fc.array(fc.record({ at: fc.nat(40), isReady: fc.boolean() }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), steps => {
      let slices: EndpointSlice[] = []
      for (const wanted of steps) {
        const byName = new Map(wanted.map(({ at, isReady }) => [at, servingPod(`p${at}`, { ips: [`10.0.0.${at}`], isReady })]))
        const pods = [...byName.values()]
        slices = carriedOut(slices, plan(serviceWith(), pods, slices, 5))
        const told = slices.flatMap(({ endpoints }) => endpoints.map(each => `${each.targetRef?.name} ${each.conditions.ready}`))
        const expected = pods.map(({ metadata, status }) => `${metadata.name} ${status.conditions?.[0]?.status === 'True'}`)
        expect(told.sort()).toEqual(expected.sort())
        expect(slices.every(({ endpoints }) => endpoints.length <= 5)).toBe(true)
        expect(slices.length).toBeGreaterThan(0)
        expect(plan(serviceWith(), pods, slices, 5)).toEqual(none)
      }
    }),
    { numRuns: 100 },
  )
})
