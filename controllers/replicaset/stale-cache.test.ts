import { expect, test } from 'vitest'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { replicaSetInput, testCluster } from '../testing.ts'
import { replicaSet } from './controller.ts'

test('a set that is touched while the pod cache lags makes no pod twice', async () => {
  let creates = 0
  await using cluster = await testCluster([replicaSet], {
    before: call => {
      if (call.verb === 'create' && call.resource === 'pods') creates += 1
    },
    delayWatchOf: 'pods',
  })
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 5 }))
  for (let i = 0; i < 10; i++) {
    await cluster.client.patch(ReplicaSet, { namespace: 'default', name: 'web' }, 'merge', {
      metadata: { labels: { i: String(i) } },
    })
    await cluster.advance(0)
  }
  expect(creates).toBe(5)
  await cluster.advance(5_000)
  expect(creates).toBe(5)
  expect((await cluster.client.get(ReplicaSet, { namespace: 'default', name: 'web' })).status.replicas).toBe(5)
  expect((await cluster.client.list(Pod)).items).toHaveLength(5)
})

test('five hundred pods come within a second', async () => {
  await using cluster = await testCluster([replicaSet])
  const before = performance.now()
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 500 }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(500))
  expect(performance.now() - before).toBeLessThan(2_000)
})
