import { expect, test } from 'vitest'
import { Endpoints } from '../../api/core/endpoints.ts'
import { Event } from '../../api/core/event.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { Service } from '../../api/core/service.ts'
import { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import type { Call } from '../../api/transport.ts'
import { timestamp } from '../../lib/clock.ts'
import { endpointSlice } from '../endpoint-slice/controller.ts'
import { endpointSliceMirroring } from '../endpoint-slice-mirroring/controller.ts'
import { nodeLifecycle } from '../node-lifecycle/controller.ts'
import { fleet } from '../node-lifecycle/testing.ts'
import { taintEviction } from '../taint-eviction/controller.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { endpoints } from './controller.ts'

const web = { namespace: 'default', name: 'web' }
const controllers = () => [endpoints(), endpointSlice(), endpointSliceMirroring()]
const service = (spec: object = {}, name = 'web') => ({
  metadata: { namespace: 'default', name, labels: { team: 'shop' } },
  spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
})

/** A pod with an address on a node, ready or not. */
async function serve(
  { client, clock }: TestCluster,
  name: string,
  ip: string,
  { isReady = true, node = 'n1', app = 'web' } = {},
) {
  const pod = await client.create(Pod, {
    metadata: { namespace: 'default', name, labels: { app } },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'web:1' }] },
  })
  return client.updateStatus(Pod, { ...pod, status: statusOf(clock.now(), ip, isReady) })
}
const statusOf = (now: number, ip: string, isReady: boolean) => ({
  phase: 'Running' as const,
  conditions: [{ type: 'Ready', status: isReady ? ('True' as const) : ('False' as const), lastTransitionTime: timestamp(now) }],
  podIP: ip,
  podIPs: [{ ip }],
})

/** `ready not-ready` addresses of the Endpoints, and of the slices who is ready, serving, terminating. */
async function told({ client }: TestCluster, name = 'web') {
  const { subsets = [] } = await client.get(Endpoints, { namespace: 'default', name })
  const { items } = await client.list(EndpointSlice)
  const own = items.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
  const ips = (list: readonly { ip: string }[] = []) => list.map(({ ip }) => ip).join()
  return {
    endpoints: subsets.map(({ addresses, notReadyAddresses }) => `${ips(addresses)} ${ips(notReadyAddresses)}`),
    slices: own
      .flatMap(slice => slice.endpoints)
      .map(
        ({ addresses, conditions: { ready, serving, terminating } }) =>
          `${addresses.join()} ${[ready, serving, terminating].map(Number).join('')}`,
      )
      .sort(),
  }
}

test('endpoints: ready vs serving vs terminating, from a pod without an address to one that is gone', async () => {
  await using cluster = await testCluster(controllers())
  const { client, clock } = cluster
  await client.create(Node, { metadata: { name: 'n1' } })
  await client.create(Service, service())
  await cluster.eventually(async () => expect(await told(cluster)).toEqual({ endpoints: [], slices: [] }))
  const spec = { nodeName: 'n1', containers: [{ name: 'main', image: 'web:1' }], terminationGracePeriodSeconds: 30 }
  const pod = await client.create(Pod, { metadata: { namespace: 'default', name: 'p', labels: { app: 'web' } }, spec })
  await cluster.advance(0)
  expect(await told(cluster)).toEqual({ endpoints: [], slices: [] })
  const started = await client.updateStatus(Pod, { ...pod, status: statusOf(clock.now(), '10.0.0.1', false) })
  await cluster.eventually(async () =>
    expect(await told(cluster)).toEqual({ endpoints: [' 10.0.0.1'], slices: ['10.0.0.1 000'] }),
  )
  await client.updateStatus(Pod, { ...started, status: statusOf(clock.now(), '10.0.0.1', true) })
  await cluster.eventually(async () =>
    expect(await told(cluster)).toEqual({ endpoints: ['10.0.0.1 '], slices: ['10.0.0.1 110'] }),
  )
  // Told to end: it takes no new traffic, but what it has it still serves.
  await client.delete(Pod, pod.metadata)
  await cluster.eventually(async () => expect(await told(cluster)).toEqual({ endpoints: [], slices: ['10.0.0.1 011'] }))
  await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 })
  await cluster.eventually(async () => expect(await told(cluster)).toEqual({ endpoints: [], slices: [] }))
})

test('pods of a node that falls silent leave the endpoints at once, long before they are evicted', async () => {
  await using cluster = await testCluster([...controllers(), nodeLifecycle(), taintEviction()])
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  await cluster.client.create(Service, service())
  await serve(cluster, 'p', '10.0.0.1', { node: 'n1' })
  await serve(cluster, 'q', '10.0.0.2', { node: 'n2' })
  await nodes.pass(30)
  expect(await told(cluster)).toEqual({ endpoints: ['10.0.0.1,10.0.0.2 '], slices: ['10.0.0.1 110', '10.0.0.2 110'] })
  nodes.silence('n1')
  await nodes.pass(56)
  expect(await told(cluster)).toEqual({ endpoints: ['10.0.0.2 10.0.0.1'], slices: ['10.0.0.1 000', '10.0.0.2 110'] })
  const pod = await cluster.client.get(Pod, { namespace: 'default', name: 'p' })
  expect([pod.status.phase, pod.metadata.deletionTimestamp]).toEqual(['Running', undefined])
})

test('a service tells whom it stands for, and who looks after it', async () => {
  await using cluster = await testCluster(controllers())
  const { client } = cluster
  await client.create(Node, { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'a' } } })
  const { metadata } = await client.create(Service, service())
  await serve(cluster, 'p', '10.0.0.1')
  await cluster.advance(10)
  const found = await client.get(Endpoints, web)
  expect(found.metadata.labels).toEqual({
    team: 'shop',
    'service.kubernetes.io/headless': '',
    'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
  })
  const targetRef = { kind: 'Pod', namespace: 'default', name: 'p', uid: expect.any(String) }
  expect(found.subsets).toEqual([
    { addresses: [{ ip: '10.0.0.1', nodeName: 'n1', targetRef }], ports: [{ port: 8080, protocol: 'TCP' }] },
  ])
  const { items } = await client.list(EndpointSlice)
  expect(items).toMatchObject([
    {
      metadata: {
        generateName: 'web-',
        labels: {
          team: 'shop',
          'service.kubernetes.io/headless': '',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', name: 'web', uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
      },
      addressType: 'IPv4',
      ports: [{ port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'n1', zone: 'a', targetRef }],
    },
  ])
})

test('a new selector, a new label of a pod, a new port: the endpoints follow', async () => {
  await using cluster = await testCluster(controllers())
  const { client } = cluster
  await client.create(Node, { metadata: { name: 'n1' } })
  await client.create(Service, service())
  await serve(cluster, 'p', '10.0.0.1')
  await serve(cluster, 'q', '10.0.0.2', { app: 'db' })
  await cluster.eventually(async () => expect((await told(cluster)).endpoints).toEqual(['10.0.0.1 ']))
  await client.patch(Pod, { namespace: 'default', name: 'q' }, 'merge', { metadata: { labels: { app: 'web' } } })
  await cluster.eventually(async () => expect((await told(cluster)).slices).toEqual(['10.0.0.1 110', '10.0.0.2 110']))
  await client.patch(Pod, { namespace: 'default', name: 'p' }, 'merge', { metadata: { labels: { app: 'old' } } })
  await cluster.eventually(async () => expect((await told(cluster)).slices).toEqual(['10.0.0.2 110']))
  await client.patch(Service, web, 'merge', { spec: { selector: { app: 'old' } } })
  await cluster.eventually(async () => {
    expect(await told(cluster)).toEqual({ endpoints: ['10.0.0.1 '], slices: ['10.0.0.1 110'] })
  })
  await client.patch(Service, web, 'merge', { spec: { ports: [{ port: 80, targetPort: 9090, protocol: 'TCP' }] } })
  await cluster.eventually(async () => {
    expect((await client.list(EndpointSlice)).items.map(({ ports }) => ports[0]?.port)).toEqual([9090])
    expect((await client.get(Endpoints, web)).subsets?.[0]?.ports).toEqual([{ port: 9090, protocol: 'TCP' }])
  })
})

test('what somebody takes away or spoils is mended; Endpoints go with their service', async () => {
  await using cluster = await testCluster(controllers())
  const { client } = cluster
  await client.create(Node, { metadata: { name: 'n1' } })
  await client.create(Service, service())
  await serve(cluster, 'p', '10.0.0.1')
  const whole = { endpoints: ['10.0.0.1 '], slices: ['10.0.0.1 110'] }
  await cluster.eventually(async () => expect(await told(cluster)).toEqual(whole))
  const [slice] = (await client.list(EndpointSlice)).items as [EndpointSlice]
  await client.update(EndpointSlice, { ...slice, endpoints: [] })
  await cluster.eventually(async () => expect(await told(cluster)).toEqual(whole))
  await client.delete(EndpointSlice, slice.metadata)
  await client.delete(Endpoints, web)
  await cluster.eventually(async () => expect(await told(cluster)).toEqual(whole))
  await client.delete(Service, web)
  await cluster.eventually(async () => expect((await client.list(Endpoints)).items).toEqual([]))
})

test('Endpoints left behind while nobody looked go at the start; those that people made stay', async () => {
  await using cluster = await testCluster([endpoints()])
  const labels = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }
  await cluster.client.create(Endpoints, { metadata: { namespace: 'default', name: 'left', labels } })
  await cluster.client.create(Endpoints, { metadata: { namespace: 'default', name: 'own' } })
  await cluster.restart()
  await cluster.eventually(async () => {
    expect((await cluster.client.list(Endpoints)).items.map(({ metadata }) => metadata.name)).toEqual(['own'])
  })
})

test('services of names, and without a selector, are left to others', async () => {
  await using cluster = await testCluster([endpoints(), endpointSlice()])
  await cluster.client.create(Service, service({ clusterIP: undefined, type: 'ExternalName', externalName: 'a.example' }))
  await cluster.client.create(Service, service({ selector: {} }, 'empty'))
  await cluster.client.create(Service, service({ selector: undefined }, 'free'))
  await cluster.advance(1_000)
  expect((await cluster.client.list(Endpoints)).items).toEqual([])
  expect((await cluster.client.list(EndpointSlice)).items).toEqual([])
})

test('the time of the change that is followed is told: of the service at first, then of the pod, then nothing', async () => {
  await using cluster = await testCluster([endpoints(), endpointSlice()])
  const { client } = cluster
  await client.create(Node, { metadata: { name: 'n1' } })
  const times = async () => {
    const found = [await client.get(Endpoints, web), ...(await client.list(EndpointSlice)).items]
    return found.map(({ metadata }) => metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'])
  }
  const { metadata } = await client.create(Service, service())
  const created = metadata.creationTimestamp
  await cluster.eventually(async () => expect(await times()).toEqual([created, created]))
  await cluster.advance(10_000)
  const { status } = await serve(cluster, 'p', '10.0.0.1')
  const ready = status.conditions?.[0]?.lastTransitionTime
  await cluster.eventually(async () => expect(await times()).toEqual([ready, ready]))
  expect(ready).not.toBe(created)
  // A change that no time is known of.
  await client.patch(Service, web, 'merge', { metadata: { labels: { team: 'other' } } })
  await cluster.eventually(async () => expect(await times()).toEqual([undefined, undefined]))
})

test('a pod on an unknown node is told of, and there once the node is', async () => {
  await using cluster = await testCluster([endpointSlice()])
  const { client } = cluster
  await client.create(Service, service())
  await serve(cluster, 'p', '10.0.0.1')
  await cluster.eventually(async () => {
    const { items } = await client.list(Event)
    expect(items.map(({ reason, message, source }) => `${source?.component} ${reason} ${message}`)).toEqual([
      'endpoint-slice-controller FailedToUpdateEndpointSlices Error updating Endpoint Slices for Service default/web: skipping Pod p for Service default/web: Node n1 Not Found',
    ])
  })
  await client.create(Node, { metadata: { name: 'n1' } })
  await cluster.eventually(async () => {
    expect((await client.list(EndpointSlice)).items.flatMap(slice => slice.endpoints)).toHaveLength(1)
  })
})

test('Endpoints that people write have slices, for a service without a selector, until it gets one', async () => {
  await using cluster = await testCluster(controllers())
  const { client } = cluster
  const subsets = [
    {
      addresses: [{ ip: '1.2.3.4' }, { ip: 'fd00::1' }],
      notReadyAddresses: [{ ip: '1.2.3.5', hostname: 'a' }],
      ports: [{ name: 'x', port: 9 }],
    },
  ]
  await client.create(Endpoints, { metadata: { ...web, annotations: { a: 'b' } }, subsets })
  await cluster.advance(1_000)
  expect((await client.list(EndpointSlice)).items).toEqual([])
  await client.create(Service, service({ clusterIP: '10.96.0.10', selector: undefined }))
  const mirrors = async () => {
    const { items } = await client.list(EndpointSlice)
    return items.map(({ addressType, endpoints: all, metadata }) => [
      addressType,
      all.map(({ addresses, conditions }) => `${addresses[0]} ${conditions.ready}`).join(),
      metadata.annotations,
    ])
  }
  const both = [
    ['IPv4', '1.2.3.4 true,1.2.3.5 false', { a: 'b' }],
    ['IPv6', 'fd00::1 true', { a: 'b' }],
  ]
  await cluster.eventually(async () => expect((await mirrors()).sort()).toEqual(both))
  await client.patch(Endpoints, web, 'merge', { subsets: [{ ...subsets[0], addresses: [{ ip: '1.2.3.9' }] }] })
  await cluster.eventually(async () => {
    expect(await mirrors()).toEqual([['IPv4', '1.2.3.9 true,1.2.3.5 false', { a: 'b' }]])
  })
  await client.patch(Endpoints, web, 'merge', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } })
  await cluster.eventually(async () => expect(await mirrors()).toEqual([]))
  await client.patch(Endpoints, web, 'merge', { metadata: { labels: null } })
  await cluster.eventually(async () => expect(await mirrors()).toHaveLength(1))
  await client.patch(Service, web, 'merge', { spec: { selector: { app: 'web' } } })
  await cluster.eventually(async () => {
    const { items } = await client.list(EndpointSlice)
    const makers = items.map(({ metadata }) => metadata.labels?.['endpointslice.kubernetes.io/managed-by'])
    expect(makers).toEqual(['endpointslice-controller.k8s.io'])
  })
})

test('in a namespace that ends nothing is made, and nothing complains', async () => {
  await using cluster = await testCluster(controllers())
  const { client } = cluster
  await client.create(Namespace, { metadata: { name: 'x' } })
  await client.create(Service, { ...service(), metadata: { namespace: 'x', name: 'web' } })
  await cluster.eventually(async () => expect((await client.list(EndpointSlice)).items).toHaveLength(1))
  await client.delete(Namespace, { name: 'x' })
  await client.deleteCollection(EndpointSlice, { namespace: 'x' })
  await client.deleteCollection(Endpoints, { namespace: 'x' })
  await cluster.advance(5_000)
  expect((await client.list(EndpointSlice)).items).toEqual([])
  expect((await client.list(Event)).items).toEqual([])
})

test('a thousand pods that become ready cost few writes', async () => {
  const writes: string[] = []
  const note = ({ verb, resource }: Call) => {
    if (['create', 'update'].includes(verb) && ['endpoints', 'endpointslices'].includes(resource)) writes.push(resource)
  }
  await using cluster = await testCluster(controllers(), { before: note })
  const { client } = cluster
  await client.create(Node, { metadata: { name: 'n1' } })
  await client.create(Service, service())
  await cluster.advance(1_000)
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => serve(cluster, `p${i}`, `10.1.${i >> 8}.${i & 255}`)))
  await cluster.eventually(async () => {
    const { items } = await client.list(EndpointSlice)
    expect(items.map(slice => slice.endpoints.length)).toEqual(Array(10).fill(100))
    expect((await client.get(Endpoints, web)).subsets?.[0]?.addresses).toHaveLength(1_000)
  })
  const count = (resource: string) => writes.filter(each => each === resource).length
  expect(count('endpointslices')).toBeLessThan(60)
  expect(count('endpoints')).toBeLessThan(20)
})

test('what a controller writes itself does not wake it; what others write does', async () => {
  const runs: string[] = []
  const counted = controllers().map(each => ({
    ...each,
    reconcile: (...given: Parameters<typeof each.reconcile>) => {
      runs.push(each.name)
      return each.reconcile(...given)
    },
  }))
  await using cluster = await testCluster(counted)
  const { client } = cluster
  await client.create(Node, { metadata: { name: 'n1' } })
  await client.create(Service, service())
  await cluster.advance(5_000)
  runs.length = 0
  const pod = await serve(cluster, 'p', '10.0.0.1')
  await cluster.advance(5_000)
  // Once for the pod, once for its address; the mirror looks at each change of the Endpoints and finds nothing to do.
  expect(runs.sort()).toEqual(['endpoints', 'endpoints', 'endpointslice', 'endpointslice', 'endpointslice-mirroring'])
  runs.length = 0
  await client.patch(Pod, pod.metadata, 'merge', { metadata: { annotations: { a: 'b' } } })
  await cluster.advance(5_000)
  expect(runs).toEqual([])
  const [slice] = (await client.list(EndpointSlice)).items as [EndpointSlice]
  await client.patch(EndpointSlice, slice.metadata, 'merge', { metadata: { annotations: { a: 'b' } } })
  await cluster.advance(5_000)
  expect(runs).toEqual(['endpointslice'])
})
