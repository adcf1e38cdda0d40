import { expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { ReplicationController } from '../../api/core/replication-controller.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import { kinds } from '../../api/kinds.ts'
import { controllerOf } from '../../client/watches.ts'
import { garbageCollector } from '../garbage-collector/controller.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { replicationController } from './controller.ts'

const web = { namespace: 'default', name: 'web' }
const spec = { containers: [{ name: 'main', image: 'web:1' }] }
const input = (replicas: number, more: object = {}) => ({
  metadata: web,
  spec: { replicas, template: { metadata: { labels: { app: 'web' } }, spec }, ...more },
})
const statusIn = async ({ client }: TestCluster) => (await client.get(ReplicationController, web)).status
const told = async ({ client }: TestCluster) =>
  (await client.list(Event)).items.map(({ source, reason, message }) => `${source?.component} ${reason} ${message}`)

test('a replication controller keeps its pods, as many as wanted, and says so', async () => {
  await using cluster = await testCluster([replicationController])
  const { client } = cluster
  const { metadata } = await client.create(ReplicationController, input(3))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(3))
  await cluster.ready()
  await cluster.eventually(async () => {
    expect(await statusIn(cluster)).toEqual({
      ...{ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 },
    })
  })
  const [pod] = (await cluster.pods()) as [Pod]
  expect(pod.metadata.name).toMatch(/^web-[a-z0-9]{5}$/)
  expect(controllerOf(pod)).toMatchObject({ apiVersion: 'v1', kind: 'ReplicationController', name: 'web', uid: metadata.uid })
  expect(await told(cluster)).toContain(`replication-controller SuccessfulCreate Created pod: ${pod.metadata.name}`)
  await client.delete(Pod, pod.metadata)
  await cluster.eventually(async () => {
    const pods = await cluster.pods()
    expect(pods).toHaveLength(3)
    expect(pods.map(each => each.metadata.uid)).not.toContain(pod.metadata.uid)
  })
  await client.patch(ReplicationController, web, 'merge', { spec: { replicas: 1 } })
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(1))
  await cluster.eventually(async () => expect((await statusIn(cluster)).replicas).toBe(1))
})

test('it adopts what it selects, and lets go of what it no longer selects', async () => {
  await using cluster = await testCluster([replicationController])
  const { client } = cluster
  const lonely = { namespace: 'default', name: 'lonely' }
  await client.create(Pod, { metadata: { ...lonely, labels: { app: 'web' } }, spec })
  const { metadata } = await client.create(ReplicationController, input(1))
  await cluster.eventually(async () => expect(controllerOf(await client.get(Pod, lonely))?.uid).toBe(metadata.uid))
  await client.patch(Pod, lonely, 'merge', { metadata: { labels: { app: 'debug' } } })
  await cluster.eventually(async () => {
    expect(controllerOf(await client.get(Pod, lonely))).toBeUndefined()
    expect(await cluster.pods()).toHaveLength(2)
  })
})

test('pods that cannot be made are told of, once, until they can', async () => {
  await using cluster = await testCluster([replicationController])
  const { client } = cluster
  const quota = { metadata: { namespace: 'default', name: 'none' }, spec: { hard: { pods: '0' } } }
  const made = await client.create(ResourceQuota, quota)
  await client.updateStatus(ResourceQuota, { ...made, status: { hard: { pods: '0' }, used: { pods: '0' } } })
  await client.create(ReplicationController, input(2))
  await cluster.eventually(async () => {
    const { conditions = [], replicas } = await statusIn(cluster)
    expect([replicas, ...conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`)]).toEqual([
      0,
      'ReplicaFailure True FailedCreate',
    ])
  })
  expect((await told(cluster))[0]).toMatch(
    /^replication-controller FailedCreate Error creating: pods "web-.*" is forbidden: exceeded quota: none/,
  )
  await client.delete(ResourceQuota, quota.metadata)
  await cluster.eventually(async () => {
    expect(await cluster.pods()).toHaveLength(2)
    expect((await statusIn(cluster)).conditions).toBeUndefined()
  })
})

test('deleted without saying how, it leaves its pods behind; in the background it takes them along', async () => {
  await using cluster = await testCluster([replicationController, garbageCollector(kinds)])
  const { client } = cluster
  await client.create(ReplicationController, input(2))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(2))
  await client.delete(ReplicationController, web)
  await cluster.eventually(async () => {
    expect((await client.list(ReplicationController)).items).toEqual([])
    expect((await cluster.pods()).map(controllerOf)).toEqual([undefined, undefined])
  })
  await client.create(ReplicationController, input(2))
  await cluster.eventually(async () => expect((await cluster.pods()).every(controllerOf)).toBe(true))
  await client.delete(ReplicationController, web, { propagationPolicy: 'Background' })
  await cluster.eventually(async () => expect(await cluster.pods()).toEqual([]))
})

test('it says nothing twice', async () => {
  let reports = 0
  await using cluster = await testCluster([replicationController], {
    before: ({ resource, subresource }) => {
      if (resource === 'replicationcontrollers' && subresource === 'status') reports += 1
    },
  })
  await cluster.client.create(ReplicationController, input(1))
  await cluster.advance(1_000)
  reports = 0
  await cluster.client.patch(ReplicationController, web, 'merge', { metadata: { labels: { a: 'b' } } })
  await cluster.advance(1_000)
  expect(reports).toBe(0)
})
