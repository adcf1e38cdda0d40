import { expect, test } from 'vitest'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import { controllerOf } from '../../client/watches.ts'
import { replicaSetInput, testCluster } from '../testing.ts'
import { replicaSet } from './controller.ts'

const web = { namespace: 'default', name: 'web' }

test('pods are created, owned and reported', async () => {
  await using cluster = await testCluster([replicaSet])
  const set = await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 3 }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(3))
  await cluster.ready()
  const [pod] = await cluster.pods()
  expect(pod?.metadata.name).toMatch(/^web-[a-z0-9]{5}$/)
  expect(controllerOf(pod as Pod)).toEqual({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: 'web',
    uid: set.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  })
  await cluster.eventually(async () => {
    const { status } = await cluster.client.get(ReplicaSet, web)
    expect(status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      fullyLabeledReplicas: 3,
      observedGeneration: 1,
    })
  })
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(Event)
    expect(items.map(({ reason, message }) => `${reason} ${message}`).sort()).toEqual(
      (await cluster.pods()).map(({ metadata }) => `SuccessfulCreate Created pod: ${metadata.name}`).sort(),
    )
  })
})

test('a deleted pod is replaced', async () => {
  await using cluster = await testCluster([replicaSet])
  await cluster.client.create(ReplicaSet, replicaSetInput())
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(2))
  const [victim] = await cluster.pods()
  await cluster.client.delete(Pod, victim?.metadata as Pod['metadata'])
  await cluster.eventually(async () => {
    const pods = await cluster.pods()
    expect(pods).toHaveLength(2)
    expect(pods.map(pod => pod.metadata.uid)).not.toContain(victim?.metadata.uid)
  })
})

test('scaling down removes the pod that is not ready, and only that very one', async () => {
  const deletions: unknown[] = []
  await using cluster = await testCluster([replicaSet], {
    before: ({ verb, name, options }) => {
      if (verb === 'delete') deletions.push({ name, uid: options?.preconditions?.uid })
    },
  })
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 3 }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(3))
  const [first, second, third] = (await cluster.pods()) as [Pod, Pod, Pod]
  await cluster.ready([first, third])
  await cluster.client.patch(ReplicaSet, web, 'merge', { spec: { replicas: 2 } })
  await cluster.eventually(async () => {
    const left = (await cluster.pods()).map(pod => pod.metadata.name).sort()
    expect(left).toEqual([first.metadata.name, third.metadata.name].sort())
  })
  expect(deletions).toEqual([{ name: second.metadata.name, uid: second.metadata.uid }])
})

test('a matching orphan is adopted, and a pod that no longer matches is released and replaced', async () => {
  await using cluster = await testCluster([replicaSet])
  const { template } = replicaSetInput().spec
  await cluster.client.create(Pod, {
    metadata: { namespace: 'default', name: 'lonely', labels: { app: 'web' } },
    spec: template.spec,
  })
  const set = await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 1 }))
  await cluster.eventually(async () => {
    const lonely = await cluster.client.get(Pod, { namespace: 'default', name: 'lonely' })
    expect(controllerOf(lonely as Pod)?.uid).toBe(set.metadata.uid)
  })
  expect(await cluster.pods()).toHaveLength(1)

  await cluster.client.patch(Pod, { namespace: 'default', name: 'lonely' }, 'merge', { metadata: { labels: { app: 'debug' } } })
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(2))
  const lonely = await cluster.client.get(Pod, { namespace: 'default', name: 'lonely' })
  expect(controllerOf(lonely as Pod)).toBeUndefined()
})

test('pods that become ready count as available after minReadySeconds', async () => {
  await using cluster = await testCluster([replicaSet])
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 1, minReadySeconds: 10 }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(1))
  await cluster.ready()
  await cluster.advance(9_000)
  expect((await cluster.client.get(ReplicaSet, web)).status).toMatchObject({ readyReplicas: 1 })
  expect((await cluster.client.get(ReplicaSet, web)).status.availableReplicas).toBeUndefined()
  await cluster.advance(1_500)
  expect((await cluster.client.get(ReplicaSet, web)).status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 })
})

test('finished pods are replaced', async () => {
  await using cluster = await testCluster([replicaSet])
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 1 }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(1))
  const [pod] = (await cluster.pods()) as [Pod]
  await cluster.client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Failed', reason: 'Evicted' } })
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(2))
  expect((await cluster.client.get(ReplicaSet, web)).status.replicas).toBe(1)
})

test('a set on its way out adopts nothing, even while the cache does not know', async () => {
  await using cluster = await testCluster([replicaSet], { delayWatchOf: 'replicasets' })
  const input = replicaSetInput({ replicas: 1 })
  await cluster.client.create(ReplicaSet, { ...input, metadata: { ...input.metadata, finalizers: ['example.com/held'] } })
  await cluster.advance(5_000)
  await cluster.client.delete(ReplicaSet, web, { propagationPolicy: 'Background' })
  const { template } = input.spec
  await cluster.client.create(Pod, {
    metadata: { namespace: 'default', name: 'lonely', labels: { app: 'web' } },
    spec: template.spec,
  })
  await cluster.advance(5_000)
  const lonely = await cluster.client.get(Pod, { namespace: 'default', name: 'lonely' })
  expect(controllerOf(lonely as Pod)).toBeUndefined()
})

test('a release that meets a newer object is tried again', async () => {
  let conflicts = 3
  await using cluster = await testCluster([replicaSet], {
    before({ verb, resource, cause }) {
      if (verb === 'patch' && resource === 'pods' && cause?.actor === 'replicaset-controller' && conflicts-- > 0)
        throw new ApiError('Conflict', 'it was changed')
    },
  })
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 1 }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(1))
  const [pod] = (await cluster.pods()) as [Pod]
  await cluster.client.patch(Pod, pod.metadata, 'merge', { metadata: { labels: { app: 'stray' } } })
  await cluster.eventually(async () => expect(controllerOf(await cluster.client.get(Pod, pod.metadata))).toBeUndefined())
  expect(conflicts).toBeLessThan(0)
})

test('in a namespace that ends nothing is complained about, nor tried again and again', async () => {
  const refused: string[] = []
  await using cluster = await testCluster([replicaSet], {
    before({ verb, resource }) {
      if (verb !== 'create') return
      if (resource === 'events') refused.push('event')
      if (resource !== 'pods') return
      refused.push('pod')
      const causes = [{ reason: 'NamespaceTerminating', message: 'namespace default is being terminated' }]
      throw new ApiError('Forbidden', 'being terminated', { details: { causes } })
    },
  })
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 1 }))
  await cluster.advance(10_000)
  // Once when it was made, once when its first status was seen.
  expect(refused).toEqual(['pod', 'pod'])
})

test('pods that cannot be made are tried again, and what went wrong is told once', async () => {
  let attempts = 0
  await using cluster = await testCluster([replicaSet], {
    before({ verb, resource }) {
      if (verb === 'create' && resource === 'pods' && ++attempts < 4)
        throw new ApiError('Forbidden', `quota exceeded ${attempts}`)
    },
  })
  await cluster.client.create(ReplicaSet, replicaSetInput({ replicas: 1 }))
  const conditions = async () => (await cluster.client.get(ReplicaSet, web)).status.conditions
  await cluster.advance(12)
  expect(await conditions()).toEqual([
    {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'quota exceeded 1',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ])
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(1))
  expect(attempts).toBe(4)
  await cluster.eventually(async () => expect(await conditions()).toBeUndefined())
})
