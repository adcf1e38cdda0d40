import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { nodeLifecycle } from '../node-lifecycle/controller.ts'
import { fleet, runPod } from '../node-lifecycle/testing.ts'
import { taintEviction } from '../taint-eviction/controller.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { podGc } from './controller.ts'

const names = async ({ client }: TestCluster) => (await client.list(Pod)).items.map(({ metadata }) => metadata.name).sort()

test('pods of a node that is gone are marked Failed and removed after 40 s; others stay', async () => {
  const patches: unknown[] = []
  await using cluster = await testCluster([podGc()], {
    before: ({ verb, resource, name, body }) => {
      if (verb === 'patch' && resource === 'pods') patches.push({ name, body })
    },
  })
  await fleet(cluster).join('a', 'n1', 'n2')
  await runPod(cluster, 'n1', 'lost')
  await runPod(cluster, 'n2', 'kept')
  await cluster.client.delete(Node, { name: 'n1' })
  await cluster.advance(59_000)
  expect(await names(cluster)).toEqual(['kept', 'lost'])
  await cluster.advance(1_000)
  await cluster.eventually(async () => expect(await names(cluster)).toEqual(['kept']))
  expect(patches).toMatchObject([
    {
      name: 'lost',
      body: {
        status: {
          phase: 'Failed',
          conditions: [{ type: 'DisruptionTarget', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }],
        },
      },
    },
  ])
})

test('a node that only the cache misses keeps its pods: the server has the last word', async () => {
  await using cluster = await testCluster([podGc()], { delayWatchOf: 'nodes' })
  await fleet(cluster).join('a', 'n1')
  const { metadata, status } = await cluster.client.get(Node, { name: 'n1' })
  await runPod(cluster, 'n1', 'web')
  await cluster.advance(2_000)
  await cluster.client.delete(Node, { name: 'n1' })
  await cluster.advance(57_500)
  await cluster.client.create(Node, { metadata: { name: metadata.name }, status })
  await cluster.advance(900) // the round at 60 s does not see it yet
  expect(await names(cluster)).toEqual(['web'])
  await cluster.advance(120_000)
  expect(await names(cluster)).toEqual(['web'])
})

test('a node that comes back in time keeps its pods, and is missed from the beginning the next time', async () => {
  await using cluster = await testCluster([podGc()])
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1')
  await runPod(cluster, 'n1', 'web')
  const { metadata, status } = await cluster.client.get(Node, { name: 'n1' })
  const comeBack = () => cluster.client.create(Node, { metadata: { name: metadata.name }, status })
  await cluster.client.delete(Node, { name: 'n1' })
  await cluster.advance(35_000)
  await comeBack()
  await cluster.advance(30_000)
  await cluster.client.delete(Node, { name: 'n1' })
  await cluster.advance(50_000)
  expect(await names(cluster)).toEqual(['web'])
  await cluster.advance(15_000)
  await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
})

test('DELETE only marks a running pod; on a node that is lost it stays Terminating for ever, unless by force or with its node', async () => {
  await using cluster = await testCluster([nodeLifecycle(), taintEviction(), podGc()])
  const { client } = cluster
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  const [deleted] = [await runPod(cluster, 'n1', 'deleted'), await runPod(cluster, 'n1', 'evicted')]
  nodes.silence('n1')
  await client.delete(Pod, deleted.metadata)
  await nodes.pass(3600)
  const { items } = await client.list(Pod)
  expect(items.map(({ status, metadata }) => [metadata.name, status.phase, metadata.deletionTimestamp !== undefined])).toEqual([
    ['deleted', 'Running', true],
    ['evicted', 'Running', true],
  ])
  await client.delete(Pod, deleted.metadata, { gracePeriodSeconds: 0 })
  expect(await names(cluster)).toEqual(['evicted'])
  await client.delete(Node, { name: 'n1' })
  await nodes.pass(60)
  await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
})

test('of the pods that have ended so many are kept', async () => {
  await using cluster = await testCluster([podGc({ terminatedThreshold: 3 })])
  await fleet(cluster).join('a', 'n1')
  for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
    const pod = await runPod(cluster, 'n1', name)
    await cluster.client.patch(Pod, pod.metadata, 'merge', { status: { phase: 'Succeeded' } }, { subresource: 'status' })
    await cluster.advance(1_000)
  }
  await cluster.advance(20_000)
  await cluster.eventually(async () => expect(await names(cluster)).toEqual(['p3', 'p4', 'p5']))
})

test('pods that are ending on a dead node go at once when it is declared out of service', async () => {
  await using cluster = await testCluster([podGc()])
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1')
  const pod = await runPod(cluster, 'n1', 'web')
  await cluster.client.delete(Pod, pod.metadata)
  await cluster.advance(60_000)
  expect(await names(cluster)).toEqual(['web'])
  const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' as const }]
  await cluster.client.patch(Node, { name: 'n1' }, 'merge', { spec: { taints } })
  await cluster.advance(20_000)
  expect(await names(cluster)).toEqual(['web'])
  await nodes.report('False', 'n1')
  await cluster.advance(20_000)
  await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
})
