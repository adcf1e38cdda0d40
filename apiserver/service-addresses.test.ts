import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Service } from '../api/core/service.ts'
import type { Target } from '../api/transport.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { memoryStore } from '../storage/memory.ts'
import { callsOn, configMaps, refusal } from '../test/contract/calls.ts'
import { type TestServer, testServer } from './testing.ts'

const services: Target = { ...configMaps, resource: 'services' }
const networking = (resource: string): Target => ({ group: 'networking.k8s.io', version: 'v1', resource })
const serviceCidrs = networking('servicecidrs')
const ipAddresses = networking('ipaddresses')

let clock: VirtualClock
let server: TestServer
beforeEach(async () => {
  clock = virtualClock()
  server = await testServer({ clock })
})
afterEach(() => server.stop())
const { call, create, remove } = callsOn(() => server.transport())

const body = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })
const update = (name: string, spec: object) => call<Service>({ ...services, verb: 'update', name, body: body(name, spec) })
const patch = (name: string, spec: object) =>
  call<Service>({ ...services, verb: 'patch', name, patchType: 'merge', body: { spec } })
const made = (name: string, spec?: object) => create<Service>(services, body(name, spec))
const refused = (name: string, spec: object) => refusal(made(name, spec)).then(({ message }) => message)
const nodePort = (port: number) => ({ type: 'NodePort', ports: [{ port: 80, nodePort: port }] })

describe('cluster IPs', () => {
  test('a service gets a free one of the upper band, and everything that goes with it', async () => {
    const { spec } = await made('a')
    expect(spec).toMatchObject({ clusterIPs: [spec.clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
    expect(spec.clusterIP).toMatch(/^10\.96\.\d+\.\d+$/)
    expect(spec.clusterIP).not.toMatch(/^10\.96\.0\./)
  })

  test.each([
    ['a name', { type: 'ExternalName', externalName: 'example.com' }, {}],
    [
      'no address',
      { clusterIP: 'None', selector: { app: 'web' } },
      { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    ],
    [
      'no address and no selector',
      { clusterIP: 'None' },
      { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    ],
    [
      'the address it asks for',
      { clusterIP: '10.96.0.10' },
      { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    ],
  ])('%s', async (_, asked, expected) => {
    const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = (await made('a', asked)).spec
    expect({ clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy }).toEqual({
      ...{ clusterIP: undefined, clusterIPs: undefined, ipFamilies: undefined, ipFamilyPolicy: undefined },
      ...expected,
    })
  })

  const invalid = (why: string) => `Service "a" is invalid: spec.${why}`
  test.each([
    [
      { clusterIP: '10.96.0.1' },
      'clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    ],
    [
      { clusterIP: '10.97.0.1' },
      'clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
    ],
    [
      { clusterIP: '10.96.255.255' },
      'clusterIPs: Invalid value: ["10.96.255.255"]: failed to allocate IP 10.96.255.255: the provided network does not match the current range',
    ],
    [{ clusterIPs: ['10.96.0.9'] }, 'clusterIPs: Invalid value: ["10.96.0.9"]: must be empty when `clusterIP` is not specified'],
    [{ clusterIP: 'x' }, 'clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    [{ ipFamilies: ['IPv6'] }, 'ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      'ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  ])('%j is refused', async (asked, why) => expect(await refused('a', asked)).toBe(invalid(why)))

  test('two made at once never get the same, and only one gets what both ask for', async () => {
    const many = await Promise.all(Array.from({ length: 60 }, (_, i) => made(`s${i}`, { type: 'NodePort' })))
    expect(new Set(many.map(({ spec }) => spec.clusterIP)).size).toBe(60)
    expect(new Set(many.map(({ spec }) => spec.ports?.[0]?.nodePort)).size).toBe(60)
    const both = await Promise.allSettled([made('x', { clusterIP: '10.96.0.9' }), made('y', { clusterIP: '10.96.0.9' })])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('a dry run takes nothing, a deletion gives back, and what failed is free again', async () => {
    const asked = { clusterIP: '10.96.0.9', ...nodePort(30_080) }
    await create(services, body('a', asked), { options: { dryRun: true } })
    await made('a', asked)
    await remove(services, 'a')
    await made('b', asked)
    expect(await refused('b', { clusterIP: '10.96.0.8' })).toBe('services "b" already exists')
    await clock.advance(10_001)
    expect((await made('c', { clusterIP: '10.96.0.8' })).spec.clusterIP).toBe('10.96.0.8')
  })

  test('after a restart it is known what is taken', async () => {
    await using first = await testServer({ clock, store: memoryStore({ clock }) })
    const calls = callsOn(() => first.transport())
    await calls.create(services, body('a', { clusterIP: '10.96.0.9' }))
    await first.stop()
    await using second = await testServer({ clock, store: first.store })
    const again = callsOn(() => second.transport()).create(services, body('b', { clusterIP: '10.96.0.9' }))
    expect((await refusal(again)).message).toContain('provided IP is already allocated')
  })

  test('more ranges may be added, and somebody else’s addresses are taken', async () => {
    await create(serviceCidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24'] } })
    expect((await made('a', { clusterIP: '10.200.0.5' })).spec.clusterIP).toBe('10.200.0.5')
    const spec = { parentRef: { group: 'example.com', resource: 'things', name: 'x' } }
    await create(ipAddresses, { metadata: { name: '10.200.0.6' }, spec })
    expect(await refused('b', { clusterIP: '10.200.0.6' })).toContain('provided IP is already allocated')
  })
})

describe('updates', () => {
  test('what the server chose stays, if nobody says otherwise', async () => {
    const before = await made('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
    expect(before.spec.healthCheckNodePort).toBeGreaterThanOrEqual(30_000)
    const asked = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector: { app: 'b' } }
    const after = await update('a', asked)
    expect(after.spec).toEqual({ ...before.spec, selector: { app: 'b' } })
  })

  test('a service that becomes a name gives up its addresses, and gets new ones when it comes back', async () => {
    await made('a', { clusterIP: '10.96.0.9', ...nodePort(30_080) })
    const { spec } = await patch('a', { type: 'ExternalName', externalName: 'a.b' })
    expect([spec.clusterIP, spec.clusterIPs, spec.ipFamilies, spec.ports?.[0]?.nodePort]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    await made('b', { clusterIP: '10.96.0.9', ...nodePort(30_080) })
    const back = await patch('a', { type: 'NodePort' })
    expect(back.spec.clusterIP).toMatch(/^10\.96\./)
    expect(back.spec.ports?.[0]?.nodePort).toBeGreaterThan(30_080)
  })

  test('a load balancer that becomes an ordinary service loses what only load balancers have', async () => {
    await made('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', loadBalancerClass: 'example.com/x' })
    const { spec } = await patch('a', { type: 'ClusterIP' })
    expect(Object.keys(spec).sort()).toEqual([
      ...['clusterIP', 'clusterIPs', 'internalTrafficPolicy', 'ipFamilies', 'ipFamilyPolicy', 'ports', 'sessionAffinity', 'type'],
    ])
    expect(spec.ports).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }])
  })

  test.each([
    [
      { clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'] },
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set',
    ],
    [{ clusterIP: '', clusterIPs: ['10.96.0.9'] }, undefined],
    [{ clusterIP: 'None', clusterIPs: ['None'] }, 'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
    [
      { type: 'NodePort', ports: [{ port: 80, nodePort: 30_081 }] },
      'spec.ports[0].nodePort: Invalid value: 30081: provided port is already allocated',
    ],
  ])('%j', async (asked, why) => {
    await made('a', { clusterIP: '10.96.0.9' })
    await made('other', nodePort(30_081))
    const changed = update('a', asked)
    if (why === undefined) await changed
    else expect((await refusal(changed)).message).toBe(`Service "a" is invalid: ${why}`)
  })
})

describe('node ports', () => {
  test.each([
    [29_999, 'provided port is not in the valid range. The range of valid ports is 30000-32767'],
    [30_080, 'provided port is already allocated'],
  ])('%i is refused', async (port, why) => {
    await made('first', nodePort(30_080))
    expect(await refused('a', nodePort(port))).toBe(
      `Service "a" is invalid: spec.ports[0].nodePort: Invalid value: ${port}: ${why}`,
    )
  })

  test('protocols of one port share a node port, other ports do not', async () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP', nodePort: 30_053 },
      { name: 'metrics', port: 9153 },
    ]
    const { spec } = await made('a', { type: 'NodePort', ports })
    const [udp, tcp, metrics] = (spec.ports ?? []).map(each => each.nodePort)
    expect([udp, tcp]).toEqual([30_053, 30_053])
    expect(metrics).not.toBe(30_053)
  })

  test('a load balancer may do without', async () => {
    const { spec } = await made('a', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })
    expect(spec.ports).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }])
  })
})
