import { expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError, isReason } from '../../api/errors.ts'
import { kinds } from '../../api/kinds.ts'
import { replicaSetInput, type TestCluster, testCluster } from '../testing.ts'
import { namespace } from './controller.ts'

const team = { name: 'team' }

async function isGone({ client }: TestCluster): Promise<boolean> {
  return client.get(Namespace, team).then(
    () => false,
    error => isReason(error, 'NotFound'),
  )
}

async function filled(cluster: TestCluster, finalizers: string[] = []): Promise<void> {
  await cluster.client.create(Namespace, { metadata: team })
  const { spec } = replicaSetInput().spec.template
  await cluster.client.create(Pod, { metadata: { namespace: 'team', name: 'p', finalizers }, spec })
  await cluster.client.create(ConfigMap, { metadata: { namespace: 'team', name: 'settings' } })
}

test('a namespace goes with everything in it, half a second later', async () => {
  await using cluster = await testCluster([namespace(kinds)])
  await filled(cluster)
  await cluster.client.delete(Namespace, team)
  expect((await cluster.client.get(Namespace, team)).status.phase).toBe('Terminating')
  await cluster.advance(400)
  expect((await cluster.client.list(ConfigMap, { namespace: 'team' })).items).toHaveLength(1)
  await cluster.advance(3_000)
  expect((await cluster.client.list(ConfigMap, { namespace: 'team' })).items).toHaveLength(0)
  expect(await isGone(cluster)).toBe(true)
})

test('nothing else is deleted while pods remain, and the status says what remains', async () => {
  await using cluster = await testCluster([namespace(kinds)])
  await filled(cluster, ['example.com/held'])
  await cluster.client.delete(Namespace, team)
  await cluster.advance(30_000)
  const { status } = await cluster.client.get(Namespace, team)
  expect(status.conditions?.map(({ type, status, reason, message }) => `${type}=${status} ${reason} ${message}`)).toEqual([
    'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered All resources successfully discovered',
    'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions All legacy kube types successfully parsed',
    'NamespaceDeletionContentFailure=False ContentDeleted All content successfully deleted, may be waiting on finalization',
    'NamespaceContentRemaining=True SomeResourcesRemain Some resources are remaining: pods. has 1 resource instances',
    'NamespaceFinalizersRemaining=True SomeFinalizersRemain Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances',
  ])
  expect((await cluster.client.list(ConfigMap, { namespace: 'team' })).items).toHaveLength(1)
  await cluster.client.patch(Pod, { namespace: 'team', name: 'p' }, 'merge', { metadata: { finalizers: null } })
  await cluster.advance(20_000)
  expect(await isGone(cluster)).toBe(true)
})

test('what cannot be deleted is told and tried again', async () => {
  let isRefused = true
  await using cluster = await testCluster([namespace(kinds)], {
    before(call) {
      if (isRefused && call.verb === 'deletecollection' && call.resource === 'configmaps') throw new ApiError('Forbidden', 'no')
    },
  })
  await filled(cluster)
  await cluster.client.delete(Namespace, team)
  await cluster.advance(6_000)
  const { status } = await cluster.client.get(Namespace, team)
  expect(status.conditions?.find(({ type }) => type === 'NamespaceDeletionContentFailure')).toMatchObject({
    status: 'True',
    reason: 'ContentDeletionFailed',
    message: 'Failed to delete all resource types, 1 remaining: no',
  })
  isRefused = false
  await cluster.advance(60_000)
  expect(await isGone(cluster)).toBe(true)
})

test('a namespace in use is left alone', async () => {
  await using cluster = await testCluster([namespace(kinds)])
  await filled(cluster)
  await cluster.advance(60_000)
  expect((await cluster.client.list(Pod, { namespace: 'team' })).items).toHaveLength(1)
})

/** A pod on a node, where only a kubelet could end it. */
async function running({ client }: TestCluster, name: string, terminationGracePeriodSeconds: number): Promise<void> {
  const { spec } = replicaSetInput().spec.template
  const placed = { ...spec, nodeName: 'n1', terminationGracePeriodSeconds }
  await client.create(Pod, { metadata: { namespace: 'team', name }, spec: placed })
}

test('once the last pod is gone the rest goes at once, and meanwhile nobody deletes the pods over and over', async () => {
  let deletions = 0
  await using cluster = await testCluster([namespace(kinds)], {
    before: ({ verb, resource }) => {
      if (verb === 'deletecollection' && resource === 'pods') deletions += 1
    },
  })
  await filled(cluster)
  for (const name of ['a', 'b', 'c']) await running(cluster, name, 30)
  await cluster.client.delete(Namespace, team)
  await cluster.advance(6_000)
  for (const name of ['a', 'b', 'c']) {
    expect((await cluster.client.list(ConfigMap, { namespace: 'team' })).items).toHaveLength(1)
    await cluster.client.delete(Pod, { namespace: 'team', name }, { gracePeriodSeconds: 0 })
    await cluster.advance(500)
  }
  expect(await isGone(cluster)).toBe(true)
  expect(deletions).toBe(1)
})

test('pods that are there although their grace is over are told of, and tried again', async () => {
  await using cluster = await testCluster([namespace(kinds)])
  await filled(cluster)
  await running(cluster, 'a', 2)
  await cluster.client.delete(Namespace, team)
  await cluster.advance(6_000)
  const { status } = await cluster.client.get(Namespace, team)
  expect(status.conditions?.find(({ type }) => type === 'NamespaceDeletionContentFailure')).toMatchObject({
    status: 'True',
    reason: 'ContentDeletionFailed',
    message:
      'Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: team for gvr: /v1, Resource=pods',
  })
  await cluster.client.delete(Pod, { namespace: 'team', name: 'a' }, { gracePeriodSeconds: 0 })
  await cluster.advance(100)
  expect(await isGone(cluster)).toBe(true)
})
