import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { Lease } from '../../api/coordination/lease.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { simulatedEngine } from '../../kubelet/runtime/simulated/engine.ts'
import { systemClock, virtualClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { memoryStore } from '../../storage/memory.ts'
import type { Store } from '../../storage/store.ts'
import { isReady, testCluster } from '../support/cluster.ts'
import { countedClock } from '../support/counted-clock.ts'
import { eventually } from '../support/eventually.ts'
import { deploymentNamed } from '../support/objects.ts'

const namespace = 'default'
/** Closed after all that was opened later has stopped. */
const closing = (store: Store) => ({ ...store, [Symbol.asyncDispose]: () => store.close() })
const common = { clock: systemClock, random: systemRandom }

test('another process over the same store takes the lead and goes on; containers stay as they are', async () => {
  await using store = closing(memoryStore(common))
  const engine = simulatedEngine(common)
  const lease = { namespace: 'kube-system', name: 'kube-controller-manager' }
  const first = await testCluster({ store, simulatedEngine: engine, id: 'first' })
  await first.apply(deploymentNamed('web', 4))
  await first.eventually(async () => expect((await first.pods('app=web')).filter(isReady)).toHaveLength(4))
  const containers = async (cluster: typeof first) =>
    (await cluster.pods('app=web')).map(pod => [pod.metadata.uid, pod.status.containerStatuses?.[0]?.containerID]).sort()
  const before = await containers(first)
  expect((await first.client.get(Lease, lease)).spec).toMatchObject({ holderIdentity: 'wherry_first', leaseTransitions: 0 })
  await first.stop()

  // The same node names on the same engine, but another cluster's mark would hide its containers: so it keeps the mark.
  await using second = await testCluster({ store, simulatedEngine: engine, id: 'first' })
  expect(await containers(second)).toEqual(before)
  await second.client.patch(Deployment, { namespace, name: 'web' }, 'merge', { spec: { replicas: 6 } })
  await second.eventually(async () => expect((await second.pods('app=web')).filter(isReady)).toHaveLength(6))
  expect(await containers(second)).toEqual(expect.arrayContaining(before))
})

test('of two processes over one store one leads; the other takes over when it stops, and not before', async () => {
  const clock = virtualClock()
  await using store = closing(memoryStore({ ...common, clock }))
  const lease = { namespace: 'kube-system', name: 'kube-controller-manager' }
  const first = await testCluster({ store, clock, simulated: 0, id: 'first' })
  await using second = await testCluster({ store, clock, simulated: 1, id: 'second' })
  const leader = async () => (await second.client.get(Lease, lease)).spec
  expect(await leader()).toMatchObject({ holderIdentity: 'wherry_first' })
  await clock.advance(60_000)
  expect(await leader()).toMatchObject({ holderIdentity: 'wherry_first', leaseTransitions: 0 })
  // Written to the one, done by the other's controllers, on the one's node.
  await second.apply(deploymentNamed('web', 1))
  await second.eventually(async () => expect((await second.pods('app=web')).filter(isReady)).toHaveLength(1))

  await first.stop()
  await second.client.patch(Deployment, { namespace, name: 'web' }, 'merge', { spec: { replicas: 3 } })
  const stoppedAt = clock.now()
  await second.eventually(async () => expect((await second.pods('app=web')).filter(isReady)).toHaveLength(3))
  expect(await leader()).toMatchObject({ holderIdentity: 'wherry_second', leaseTransitions: 1 })
  // It was given back, so nobody had to wait until it ran out after 15 s: the next try comes within 2 to 4.4 s.
  expect(clock.now() - stoppedAt).toBeLessThan(10_000)
})

test('a cluster under load stops within two seconds and leaves no timer and no socket', async () => {
  const clock = countedClock()
  const sockets = () => process.getActiveResourcesInfo().filter(name => /^(TCP|TLS)/.test(name)).length
  await (await testCluster({ simulated: 1 })).stop() // what is opened once per process is open now
  const before = sockets()

  const cluster = await testCluster({ simulated: 20, clock })
  await cluster.apply(deploymentNamed('web', 100))
  await cluster.eventually(async () => expect((await cluster.pods('app=web')).some(isReady)).toBe(true))
  await cluster.https.raw('/version')
  const watching = cluster.client.watch(Pod, { namespace, resourceVersion: '0' }, new AbortController().signal)
  const ended = (async () => {
    for await (const _ of watching);
  })()
  const askedAt = systemClock.monotonic()
  await cluster.stop()
  expect(systemClock.monotonic() - askedAt).toBeLessThan(2000)
  await ended
  await eventually(() => expect([clock.pending(), sockets()]).toEqual([[], before]))
})

test('1,000 simulated nodes in one process: 500 pods become ready, spread evenly', { timeout: 180_000 }, async () => {
  await using cluster = await testCluster({ simulated: 1000 })
  expect((await cluster.client.list(Node)).items.filter(isReady)).toHaveLength(1000)
  const startedAt = systemClock.monotonic()
  await cluster.apply(deploymentNamed('big', 500))
  await cluster.eventually(
    async () => {
      const { status } = await cluster.client.get(Deployment, { namespace, name: 'big' })
      expect(status.readyReplicas).toBe(500)
    },
    { timeoutInMs: 120_000, everyMs: 200 },
  )
  const tookInMs = Math.round(systemClock.monotonic() - startedAt)
  const pods = await cluster.pods('app=big')
  expect(new Set(pods.map(pod => pod.spec.nodeName)).size).toBe(500)
  expect(new Set(pods.map(pod => pod.status.podIP)).size).toBe(500)
  expect(tookInMs).toBeLessThan(60_000)
})
