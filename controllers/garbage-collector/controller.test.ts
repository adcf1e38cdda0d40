import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Event } from '../../api/core/event.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { Pod } from '../../api/core/pod.ts'
import { kinds } from '../../api/kinds.ts'
import type { OwnerReference } from '../../api/transport.ts'
import { deployment } from '../deployment/controller.ts'
import { replicaSet } from '../replicaset/controller.ts'
import { deploymentInput, type TestCluster, testCluster } from '../testing.ts'
import { garbageCollector } from './controller.ts'

const collector = () => garbageCollector(kinds)
const web = { namespace: 'default', name: 'web' }

async function running(cluster: TestCluster) {
  await cluster.client.create(Deployment, deploymentInput({ replicas: 2 }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(2))
}

async function counts({ client }: TestCluster) {
  const [deployments, sets, pods] = await Promise.all([client.list(Deployment), client.list(ReplicaSet), client.list(Pod)])
  return { deployments: deployments.items.length, sets: sets.items.length, pods: pods.items.length }
}

const reference = (object: { metadata: { name: string; uid: string } }, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: object.metadata.name,
  uid: object.metadata.uid,
  ...more,
})

const configMap = (name: string, ownerReferences: OwnerReference[] = [], namespace = 'default') => ({
  metadata: { name, namespace, ownerReferences },
})

async function names({ client }: TestCluster): Promise<string[]> {
  return (await client.list(ConfigMap, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)
}

test('background: the deployment goes at once, its sets and pods follow', async () => {
  await using cluster = await testCluster([deployment, replicaSet, collector()])
  await running(cluster)
  await cluster.client.delete(Deployment, web, { propagationPolicy: 'Background' })
  expect((await counts(cluster)).deployments).toBe(0)
  await cluster.eventually(async () => expect(await counts(cluster)).toEqual({ deployments: 0, sets: 0, pods: 0 }))
})

test('background is what happens when nothing is said', async () => {
  await using cluster = await testCluster([deployment, replicaSet, collector()])
  await running(cluster)
  await cluster.client.delete(Deployment, web)
  expect((await counts(cluster)).deployments).toBe(0)
  await cluster.eventually(async () => expect(await counts(cluster)).toEqual({ deployments: 0, sets: 0, pods: 0 }))
})

test('foreground: pods go first, then the set, then the deployment', async () => {
  await using cluster = await testCluster([deployment, replicaSet, collector()])
  await running(cluster)
  const [pod] = (await cluster.pods()) as [Pod]
  await cluster.client.patch(Pod, pod.metadata, 'merge', { metadata: { finalizers: ['example.com/held'] } })
  await cluster.client.delete(Deployment, web, { propagationPolicy: 'Foreground' })
  await cluster.eventually(async () => expect(await counts(cluster)).toEqual({ deployments: 1, sets: 1, pods: 1 }))
  await cluster.advance(60_000)
  expect(await counts(cluster)).toEqual({ deployments: 1, sets: 1, pods: 1 })
  expect((await cluster.client.get(Deployment, web)).metadata).toMatchObject({ finalizers: ['foregroundDeletion'] })
  await cluster.client.patch(Pod, pod.metadata, 'merge', { metadata: { finalizers: null } })
  await cluster.eventually(async () => expect(await counts(cluster)).toEqual({ deployments: 0, sets: 0, pods: 0 }))
})

test('orphan: the set stays behind, owned by nobody, and its pods with it', async () => {
  await using cluster = await testCluster([deployment, replicaSet, collector()])
  await running(cluster)
  await cluster.client.delete(Deployment, web, { propagationPolicy: 'Orphan' })
  await cluster.eventually(async () => expect(await counts(cluster)).toEqual({ deployments: 0, sets: 1, pods: 2 }))
  const { items } = await cluster.client.list(ReplicaSet)
  expect(items[0]?.metadata.ownerReferences ?? []).toEqual([])
  await cluster.advance(60_000)
  expect(await counts(cluster)).toEqual({ deployments: 0, sets: 1, pods: 2 })
})

test('an object with two owners goes when the last of them is gone', async () => {
  await using cluster = await testCluster([collector()])
  const [a, b] = [await cluster.client.create(ConfigMap, configMap('a')), await cluster.client.create(ConfigMap, configMap('b'))]
  await cluster.client.create(ConfigMap, configMap('child', [reference(a), reference(b)]))
  await cluster.client.delete(ConfigMap, a.metadata)
  await cluster.eventually(async () => {
    const child = await cluster.client.get(ConfigMap, { namespace: 'default', name: 'child' })
    expect(child.metadata.ownerReferences).toEqual([reference(b)])
  })
  await cluster.client.delete(ConfigMap, b.metadata)
  await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
})

test('an object whose owner never was, or bears another UID, goes', async () => {
  await using cluster = await testCluster([collector()])
  const a = await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.client.create(ConfigMap, configMap('wrong-uid', [{ ...reference(a), uid: 'another' }]))
  await cluster.client.create(ConfigMap, configMap('no-owner', [reference({ metadata: { name: 'nobody', uid: 'none' } })]))
  await cluster.client.create(ConfigMap, configMap('right', [reference(a)]))
  await cluster.eventually(async () => expect(await names(cluster)).toEqual(['a', 'right']))
})

test('an object that is told only later of an owner that never was, goes', async () => {
  await using cluster = await testCluster([collector()])
  const { client } = cluster
  const elsewhere = await client.create(ConfigMap, configMap('elsewhere', [], 'kube-system'))
  await client.create(ConfigMap, configMap('lonely'))
  await client.create(ConfigMap, configMap('misled'))
  await cluster.advance(1_000)
  const own = (object: { metadata: { name: string; uid: string } }) => ({ metadata: { ownerReferences: [reference(object)] } })
  const nobody = { metadata: { name: 'nobody', uid: '00000000-0000-4000-8000-000000000001' } }
  await client.patch(ConfigMap, { namespace: 'default', name: 'lonely' }, 'merge', own(nobody))
  await client.patch(ConfigMap, { namespace: 'default', name: 'misled' }, 'merge', own(elsewhere))
  await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
})

test('an owner in another namespace is no owner', async () => {
  await using cluster = await testCluster([collector()])
  await cluster.client.create(Namespace, { metadata: { name: 'other' } })
  const a = await cluster.client.create(ConfigMap, configMap('a', [], 'other'))
  await cluster.client.create(ConfigMap, configMap('child', [reference(a)]))
  await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(Event)
    expect(items.map(({ type, reason, message }) => `${type} ${reason} ${message}`)).toEqual([
      `Warning OwnerRefInvalidNamespace ownerRef [v1/ConfigMap, namespace: default, name: a, uid: ${a.metadata.uid}] does not exist in namespace "default"`,
    ])
  })
})

test('an object that has no namespace cannot lose an owner that has one', async () => {
  await using cluster = await testCluster([collector()])
  const nobody = { metadata: { name: 'nobody', uid: 'none' } }
  const a = await cluster.client.create(ConfigMap, configMap('a'))
  for (const [name, owner] of Object.entries({ kept: nobody, odd: a })) {
    await cluster.client.create(Namespace, { metadata: { name, ownerReferences: [reference(owner)] } })
  }
  await cluster.advance(60_000)
  for (const name of ['kept', 'odd']) {
    expect((await cluster.client.get(Namespace, { name })).metadata.deletionTimestamp).toBeUndefined()
  }
  // Of an owner that is somewhere it is said that it is in the wrong place.
  const { items } = await cluster.client.list(Event)
  expect(items.map(({ involvedObject, reason, message }) => `${involvedObject.name} ${reason} ${message}`)).toEqual([
    `odd OwnerRefInvalidNamespace ownerRef [v1/ConfigMap, namespace: , name: a, uid: ${a.metadata.uid}] does not exist in namespace ""`,
  ])
})

test('an owner of a kind nobody knows is left alone', async () => {
  await using cluster = await testCluster([collector()])
  const stranger = reference({ metadata: { name: 's', uid: 's' } }, { apiVersion: 'example.com/v1', kind: 'Stranger' })
  await cluster.client.create(ConfigMap, configMap('kept', [stranger]))
  await cluster.advance(60_000)
  expect(await names(cluster)).toEqual(['kept'])
})

test('a circle of owners that waits for itself is broken', async () => {
  await using cluster = await testCluster([collector()])
  const a = await cluster.client.create(ConfigMap, configMap('a'))
  const b = await cluster.client.create(ConfigMap, configMap('b', [reference(a, { blockOwnerDeletion: true })]))
  const owners = [reference(b, { blockOwnerDeletion: true })]
  await cluster.client.patch(ConfigMap, a.metadata, 'merge', { metadata: { ownerReferences: owners } })
  await cluster.client.delete(ConfigMap, a.metadata, { propagationPolicy: 'Foreground' })
  await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
})

test('an owner that waits goes as soon as its last blocking dependent is gone, or has let go of it', async () => {
  await using cluster = await testCluster([collector()])
  const a = await cluster.client.create(ConfigMap, configMap('a'))
  const held = { finalizers: ['example.com/held'] }
  const blocking = { ...configMap('child', [reference(a, { blockOwnerDeletion: true })]) }
  await cluster.client.create(ConfigMap, { metadata: { ...blocking.metadata, ...held } })
  await cluster.client.create(ConfigMap, { metadata: { ...blocking.metadata, ...held, name: 'other' } })
  await cluster.client.delete(ConfigMap, a.metadata, { propagationPolicy: 'Foreground' })
  await cluster.advance(60_000)
  expect(await names(cluster)).toEqual(['a', 'child', 'other'])
  await cluster.client.patch(ConfigMap, { namespace: 'default', name: 'child' }, 'merge', { metadata: { ownerReferences: null } })
  await cluster.advance(60_000)
  expect(await names(cluster)).toEqual(['a', 'child', 'other'])
  await cluster.client.patch(ConfigMap, { namespace: 'default', name: 'other' }, 'merge', { metadata: { finalizers: null } })
  await cluster.eventually(async () => expect(await names(cluster)).toEqual(['child']))
})

test('foreground waits only for dependents that block the deletion, though the others are deleted, too', async () => {
  await using cluster = await testCluster([collector()])
  const a = await cluster.client.create(ConfigMap, configMap('a'))
  const held = { finalizers: ['example.com/held'] }
  for (const [name, blockOwnerDeletion] of [
    ['blocking', true],
    ['other', false],
  ] as const) {
    const { metadata } = configMap(name, [reference(a, { blockOwnerDeletion })])
    await cluster.client.create(ConfigMap, { metadata: { ...metadata, ...held } })
  }
  await cluster.client.delete(ConfigMap, a.metadata, { propagationPolicy: 'Foreground' })
  await cluster.advance(60_000)
  const { items } = await cluster.client.list(ConfigMap, { namespace: 'default' })
  expect(items.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined])).toEqual([
    ['a', true],
    ['blocking', true],
    ['other', true],
  ])
  const blocking = { namespace: 'default', name: 'blocking' }
  await cluster.client.patch(ConfigMap, blocking, 'merge', { metadata: { finalizers: null } })
  await cluster.eventually(async () => expect(await names(cluster)).toEqual(['other']))
})

test('a dependent that lets go of its owner frees it', async () => {
  await using cluster = await testCluster([collector()])
  const a = await cluster.client.create(ConfigMap, configMap('a'))
  const { metadata } = configMap('child', [reference(a, { blockOwnerDeletion: true })])
  await cluster.client.create(ConfigMap, { metadata: { ...metadata, finalizers: ['example.com/held'] } })
  await cluster.client.delete(ConfigMap, a.metadata, { propagationPolicy: 'Foreground' })
  await cluster.advance(1_000)
  await cluster.client.patch(ConfigMap, metadata, 'merge', { metadata: { ownerReferences: null } })
  await cluster.eventually(async () => expect(await names(cluster)).toEqual(['child']))
})

test('an owner that is gone is asked about once, however many depended on it', async () => {
  let asked = 0
  await using cluster = await testCluster([collector()], {
    before: call => {
      if (call.verb === 'get' && call.name === 'nobody') asked += 1
    },
  })
  const nobody = reference({ metadata: { name: 'nobody', uid: 'none' } })
  for (const name of ['x', 'y', 'z']) {
    await cluster.client.create(ConfigMap, configMap(name, [nobody]))
    await cluster.eventually(async () => expect(await names(cluster)).toEqual([]))
  }
  expect(asked).toBe(1)
})
