import { expect, test } from 'vitest'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { replicaSetInput, testCluster } from '../testing.ts'
import { replicaSet } from './controller.ts'

const web = { namespace: 'default', name: 'web' }

/** A set of five whose pods' news come a second late, and how often pods were written. */
async function laggingSet() {
  const writes: Record<string, number> = { create: 0, delete: 0 }
  const cluster = await testCluster([replicaSet], {
    before: call => {
      if (call.resource === 'pods' && call.verb in writes) writes[call.verb] = (writes[call.verb] ?? 0) + 1
    },
    delayWatchOf: 'pods',
  })
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 5 }))
  const touch = async () => {
    for (let i = 0; i < 10; i++) {
      await cluster.client.patch(ReplicaSet, web, 'merge', { metadata: { labels: { i: String(i) } } })
      await cluster.advance(0)
    }
  }
  return { cluster, writes, touch }
}

test('a set that is touched while the pod cache lags makes no pod twice', async () => {
  const { cluster, writes, touch } = await laggingSet()
  await using _ = cluster
  await touch()
  expect(writes).toEqual({ create: 5, delete: 0 })
  await cluster.advance(10_000)
  expect(writes).toEqual({ create: 5, delete: 0 })
  expect((await cluster.client.get(ReplicaSet, web)).status.replicas).toBe(5)
})

test('a stale cache makes no duplicates, and a replacement starts before the old pod is gone: terminating pods are not active', async () => {
  const { cluster, writes, touch } = await laggingSet()
  await using _ = cluster
  await cluster.advance(10_000)
  const [victim] = (await cluster.pods()) as [Pod]
  const ref = { namespace: 'default', name: victim.metadata.name }
  await cluster.client.patch(Pod, ref, 'merge', { metadata: { finalizers: ['example.com/held'] } })
  await cluster.client.delete(Pod, ref)
  await touch()
  await cluster.advance(10_000)
  expect(writes).toEqual({ create: 6, delete: 1 })
  expect((await cluster.client.get(Pod, ref)).metadata.deletionTimestamp).toBeDefined()
  expect(await cluster.pods()).toHaveLength(5)
  expect((await cluster.client.get(ReplicaSet, web)).status).toMatchObject({ replicas: 5, terminatingReplicas: 1 })
})

test('nor does it remove more than are too many', async () => {
  const { cluster, writes, touch } = await laggingSet()
  await using _ = cluster
  await cluster.advance(10_000)
  await cluster.client.patch(ReplicaSet, web, 'merge', { spec: { replicas: 3 } })
  await cluster.advance(0)
  await touch()
  expect(writes).toEqual({ create: 5, delete: 2 })
  await cluster.advance(10_000)
  expect(writes).toEqual({ create: 5, delete: 2 })
  expect((await cluster.client.list(Pod)).items).toHaveLength(3)
})

test('five hundred pods come within a second', async () => {
  await using cluster = await testCluster([replicaSet])
  const times: number[] = []
  // The best of three: other work on the machine says nothing about ours.
  for (const name of ['a', 'b', 'c']) {
    const before = performance.now()
    await cluster.client.create(ReplicaSet, replicaSetInput({ name, replicas: 500 }))
    await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(500 * (times.length + 1)))
    times.push(performance.now() - before)
    if (Math.min(...times) < 1_000) break
  }
  expect(Math.min(...times)).toBeLessThan(1_000)
})
