import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EndpointSubset, Endpoints } from '../../api/core/endpoints.ts'
import type { Service } from '../../api/core/service.ts'
import { type ServingPod, serviceWith, servingPod, servingPods } from '../shared/service-test-objects.ts'
import { type Answer, answersOf, packSubsets } from '../shared/subsets.ts'
import { triggerTimes } from '../shared/trigger-times.ts'
import { annotationsWith, contentOf, isUpToDate } from './plan.ts'

const ips = (list: readonly { ip: string }[] = []) => list.map(({ ip }) => ip).join()
const shown = (subsets: readonly EndpointSubset[]) =>
  subsets.map(({ addresses, notReadyAddresses, ports = [] }) =>
    [ips(addresses), ips(notReadyAddresses), ports.map(({ name = '', port }) => `${name}:${port}`).join()].join(' '),
  )

test.each<[string, ServingPod, boolean, string[]]>([
  ['running and ready', {}, false, ['10.0.0.1  http:8080']],
  ['running and not ready', { isReady: false }, false, [' 10.0.0.1 http:8080']],
  ['ready and going away', { isTerminating: true }, false, []],
  ['unknown and ready', { phase: 'Unknown' }, false, ['10.0.0.1  http:8080']],
  ['unknown and going away', { phase: 'Unknown', isTerminating: true }, false, []],
  ['pending and ready', { phase: 'Pending' }, false, ['10.0.0.1  http:8080']],
  ['pending and not ready', { phase: 'Pending', isReady: false }, false, [' 10.0.0.1 http:8080']],
  ['failed', { phase: 'Failed' }, false, []],
  ['succeeded', { phase: 'Succeeded' }, false, []],
  ['not ready, published all the same', { isReady: false }, true, ['10.0.0.1  http:8080']],
  ['going away, published all the same', { isTerminating: true }, true, ['10.0.0.1  http:8080']],
  ['failed, published all the same', { phase: 'Failed' }, true, []],
  ['without an address', { ips: [] }, true, []],
])('addresses: a pod that is %s', (_, pod, publishNotReadyAddresses, expected) => {
  expect(shown(contentOf(serviceWith({ publishNotReadyAddresses }), [servingPod('p', pod)]).subsets)).toEqual(expected)
})

test.each<[string, Partial<Service['spec']>, string[], string]>([
  ['IPv4', {}, ['10.0.0.1', 'fd00::1'], '10.0.0.1'],
  ['IPv6', { ipFamilies: ['IPv6'] }, ['10.0.0.1', 'fd00:0::1'], 'fd00::1'],
  ['the first of two', { ipFamilies: ['IPv6', 'IPv4'] }, ['10.0.0.1', 'fd00::1'], 'fd00::1'],
  ['none of that family', { ipFamilies: ['IPv6'] }, ['10.0.0.1'], ''],
])('the address of a pod: %s', (_, spec, podIps, expected) => {
  const { subsets } = contentOf(serviceWith(spec), [servingPod('p', { ips: podIps })])
  expect(ips(subsets[0]?.addresses)).toBe(expected)
})

test('a service without ports has endpoints only when it is headless', () => {
  expect(shown(contentOf(serviceWith({ ports: [] }), [servingPod('p')]).subsets)).toEqual([])
  expect(shown(contentOf(serviceWith({ ports: [], clusterIP: 'None' }), [servingPod('p')]).subsets)).toEqual(['10.0.0.1  '])
})

test('ports of the same number but another protocol, and ports that only some pods have', () => {
  const ports = [
    { name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' as const },
    { name: 'dns-tcp', port: 53, targetPort: 53, protocol: 'TCP' as const },
    { name: 'web', port: 80, targetPort: 'web', protocol: 'TCP' as const },
  ]
  const named = { containers: [{ name: 'a', image: 'a', ports: [{ name: 'web', containerPort: 3000, protocol: 'TCP' }] }] }
  const pods = [servingPod('p', named), servingPod('q', { ips: ['10.0.0.2'] })]
  expect(shown(contentOf(serviceWith({ ports }), pods).subsets)).toEqual([
    '10.0.0.1  web:3000',
    '10.0.0.1,10.0.0.2  dns-tcp:53,dns:53',
  ])
})

test('labels are those of the service and what it is; what is reserved cannot be taken', () => {
  const evil = { 'endpoints.kubernetes.io/managed-by': 'me', 'service.kubernetes.io/headless': 'x' }
  const own = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }
  expect(contentOf(serviceWith({}, { a: 'b', ...evil }), []).labels).toEqual({ a: 'b', ...own })
  const headless = { 'service.kubernetes.io/headless': '' }
  expect(contentOf(serviceWith({ clusterIP: 'None' }, evil), []).labels).toEqual({ ...headless, ...own })
})

const counts = (subsets: readonly EndpointSubset[]) =>
  subsets.map(({ addresses = [], notReadyAddresses = [] }) => [addresses.length, notReadyAddresses.length])
const group = (port: number, ready: number, notReady: number, first: number) => {
  const containers = [{ name: 'a', image: 'a', ports: [{ name: 'web', containerPort: port, protocol: 'TCP' }] }]
  return [...servingPods(ready, { containers }, first), ...servingPods(notReady, { containers, isReady: false }, first + ready)]
}
test.each<[string, [number, number][], number[][], boolean]>([
  ['all fit', [[500, 500]], [[500, 500]], false],
  [
    'those that are not ready share what is left',
    [
      [300, 600],
      [200, 300],
    ],
    [
      [300, 334],
      [200, 166],
    ],
    true,
  ],
  [
    'those that are ready are cut, and only they are left',
    [
      [900, 5],
      [300, 5],
    ],
    [
      [750, 0],
      [250, 0],
    ],
    true,
  ],
  ['a thousand and one', [[1001, 0]], [[1000, 0]], true],
])('more than a thousand addresses: %s', (_, groups, expected, isTruncated) => {
  const pods = groups.flatMap(([ready, notReady], i) => group(3000 + i, ready, notReady, i * 4096))
  const service = serviceWith({ ports: [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }] })
  const content = contentOf(service, pods)
  expect([counts(content.subsets), content.isTruncated]).toEqual([expected, isTruncated])
})

const written = (content: ReturnType<typeof contentOf>): Endpoints =>
  ({
    metadata: { name: 'web', namespace: 'default', labels: content.labels, annotations: annotationsWith({}, content) },
    subsets: content.subsets,
  }) as unknown as Endpoints

test('what is written is up to date until something changes', () => {
  const content = contentOf(serviceWith(), servingPods(3))
  const found = written(content)
  expect(isUpToDate(found, content)).toBe(true)
  expect(isUpToDate(found, contentOf(serviceWith(), servingPods(4)))).toBe(false)
  expect(isUpToDate(found, contentOf(serviceWith({}, { a: 'b' }), servingPods(3)))).toBe(false)
  expect(isUpToDate({ ...found, subsets: undefined }, content)).toBe(false)
  const versioned = JSON.parse(
    JSON.stringify(found).replaceAll('"kind":"Pod"', '"kind":"Pod","resourceVersion":"7"'),
  ) as Endpoints
  expect(isUpToDate(versioned, content)).toBe(true)
  const marked = {
    ...found,
    metadata: { ...found.metadata, annotations: { 'endpoints.kubernetes.io/over-capacity': 'truncated' } },
  }
  expect(isUpToDate(marked, content)).toBe(false)
  expect(annotationsWith(marked.metadata.annotations, content)).toEqual({})
  const many = contentOf(serviceWith(), servingPods(1001))
  expect(annotationsWith({ note: 'x' }, many)).toEqual({ note: 'x', 'endpoints.kubernetes.io/over-capacity': 'truncated' })
  expect([isUpToDate(written(many), many), isUpToDate({ ...written(many), metadata: found.metadata }, many)]).toEqual([
    true,
    false,
  ])
})

test.each<[string, [port: string, ip: string, isReady: boolean][], string[]]>([
  ['one', [['a:1', '1', true]], ['1  a:1']],
  [
    'ports of the same addresses share a subset',
    [
      ['a:1', '1', true],
      ['b:2', '1', true],
    ],
    ['1  a:1,b:2'],
  ],
  [
    'addresses of the same ports share a subset',
    [
      ['a:1', '1', true],
      ['a:1', '2', true],
    ],
    ['1,2  a:1'],
  ],
  [
    'who is not ready is told apart',
    [
      ['a:1', '1', true],
      ['a:1', '2', false],
    ],
    ['1 2 a:1'],
  ],
  [
    'other addresses, other subsets',
    [
      ['a:1', '1', true],
      ['b:2', '2', true],
    ],
    ['1  a:1', '2  b:2'],
  ],
  [
    'ready on one port, not ready on another',
    [
      ['a:1', '1', true],
      ['b:2', '1', false],
    ],
    [' 1 b:2', '1  a:1'],
  ],
  [
    'told to be both is not ready',
    [
      ['a:1', '1', true],
      ['a:1', '1', false],
    ],
    [' 1 a:1'],
  ],
  [
    'in whatever order',
    [
      ['a:1', '2', true],
      ['a:1', '1', true],
    ],
    ['1,2  a:1'],
  ],
])('subsets: %s', (_, given, expected) => {
  const answers = given.map(([port, ip, isReady]): Answer => {
    const [name = '', number] = port.split(':')
    return { port: { name, port: Number(number), protocol: 'TCP' }, address: { ip }, isReady }
  })
  expect(shown(packSubsets(answers))).toEqual(expected)
  expect(packSubsets(answersOf(packSubsets(answers)))).toEqual(packSubsets(answers))
})

test('subsets say exactly what went in', () => {
  const answer = fc.record({
    port: fc.constantFrom({ name: 'a', port: 1, protocol: 'TCP' as const }, { name: 'b', port: 2, protocol: 'TCP' as const }),
    address: fc.record({ ip: fc.constantFrom('1', '2', '3') }),
    isReady: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(answer), answers => {
      const worst = new Map<string, boolean>()
      for (const { port, address, isReady } of answers) {
        const key = `${port?.name} ${address.ip}`
        worst.set(key, (worst.get(key) ?? true) && isReady)
      }
      const told = [...answersOf(packSubsets(answers))].map(({ port, address, isReady }) => [
        `${port?.name} ${address.ip}`,
        isReady,
      ])
      expect(told.sort()).toEqual([...worst].sort())
    }),
  )
})

test('the time of a change: the earliest since the last time, the creation of the service at first', () => {
  const times = triggerTimes()
  const at = (minute: number) => `2026-01-01T00:0${minute}:00Z`
  const service = serviceWith()
  const pod = (name: string, minute: number) => servingPod(name, { readySince: at(minute) })
  expect(times.of('k', service, [pod('a', 5)])).toBe('2026-01-01T00:00:00Z')
  expect(times.of('k', service, [pod('a', 5)])).toBeUndefined()
  expect(times.of('k', service, [pod('a', 5), pod('b', 7), pod('c', 6)])).toBe(at(6))
  expect(times.of('k', service, [pod('a', 8), pod('b', 7)])).toBe(at(8))
  // Who has been gone is new.
  expect(times.of('k', service, [pod('c', 6), pod('a', 8)])).toBe(at(6))
  const anew = { ...service, metadata: { ...service.metadata, creationTimestamp: at(9) } }
  expect(times.of('k', anew, [pod('c', 6), pod('a', 8)])).toBe(at(9))
  times.forget('k')
  expect(times.of('k', service, [pod('a', 8)])).toBe('2026-01-01T00:00:00Z')
})
