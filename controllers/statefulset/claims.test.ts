import { expect, test } from 'vitest'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { statefulSet } from './controller.ts'
import { bind, claimTemplate, letGo, picture, statefulSetInput, told } from './testing.ts'

const web = { namespace: 'default', name: 'web' }
const inDefault = (name: string) => ({ namespace: 'default', name })
const volumeClaimTemplates = [claimTemplate('data', { tier: 'db' })]

/** The claims and what they go with: `data-web-0: StatefulSet web`. */
async function claims({ client }: TestCluster): Promise<string[]> {
  const { items } = await client.list(PersistentVolumeClaim)
  return items
    .map(({ metadata }) => {
      const owners = (metadata.ownerReferences ?? []).map(
        ({ kind, name, controller }) => `${kind} ${name}${controller ? '' : '?'}`,
      )
      return `${metadata.name}: ${owners.join(', ') || 'nobody'}`
    })
    .sort()
}

/** Deletes a claim and lets it go, as its protection would when no pod uses it. */
async function removeClaim({ client }: TestCluster, name: string): Promise<void> {
  await client.delete(PersistentVolumeClaim, inDefault(name))
  await client.patch(PersistentVolumeClaim, inDefault(name), 'merge', { metadata: { finalizers: null } })
}

async function allReady(cluster: TestCluster, names: readonly string[]): Promise<void> {
  await cluster.eventually(async () => {
    await cluster.ready()
    const pods = await cluster.pods()
    expect(
      pods
        .filter(({ status }) => status.phase === 'Running')
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual(names)
  })
}

test('every pod gets claims of its own, mounted under the names of their templates', async () => {
  await using cluster = await testCluster([statefulSet])
  const input = statefulSetInput({ replicas: 2, volumeClaimTemplates })
  const volumes = [
    { name: 'data', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
  ]
  await cluster.client.create(StatefulSet, {
    ...input,
    spec: { ...input.spec, template: { ...input.spec.template, spec: { ...input.spec.template.spec, volumes } } },
  })
  await allReady(cluster, ['web-0', 'web-1'])
  expect(await claims(cluster)).toEqual(['data-web-0: nobody', 'data-web-1: nobody'])
  const claim = await cluster.client.get(PersistentVolumeClaim, inDefault('data-web-1'))
  expect(claim.metadata.labels).toEqual({ tier: 'db', app: 'web' })
  expect(claim.spec.resources.requests).toEqual({ storage: '1Gi' })
  const { spec } = await cluster.client.get(Pod, inDefault('web-1'))
  expect(spec.volumes?.slice(0, 2)).toMatchObject([
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } },
    { name: 'tmp', emptyDir: {} },
  ])
  await cluster.eventually(async () =>
    expect(await told(cluster)).toContain('SuccessfulCreate create Claim data-web-1 Pod web-1 in StatefulSet web success'),
  )
})

test('PVCs survive by default: scaling down and up again finds the same claim', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 2, volumeClaimTemplates }))
  await allReady(cluster, ['web-0', 'web-1'])
  const before = await cluster.client.get(PersistentVolumeClaim, inDefault('data-web-1'))
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { replicas: 1 } })
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1']))
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { replicas: 2 } })
  await allReady(cluster, ['web-0', 'web-1'])
  const after = await cluster.client.get(PersistentVolumeClaim, inDefault('data-web-1'))
  expect(after.metadata.uid).toBe(before.metadata.uid)
  expect(after.metadata.ownerReferences).toBeUndefined()
})

test('whenDeleted Delete: claims belong to the set, from when they are made or the policy says so', async () => {
  await using cluster = await testCluster([statefulSet])
  const policy = { whenDeleted: 'Delete' as const, whenScaled: 'Retain' as const }
  await cluster.client.create(
    StatefulSet,
    statefulSetInput({ replicas: 1, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: policy }),
  )
  await cluster.eventually(async () => expect(await claims(cluster)).toEqual(['data-web-0: StatefulSet web']))
  await allReady(cluster, ['web-0'])
  const set = (whenDeleted: string) => ({ spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted } } })
  await cluster.client.patch(StatefulSet, web, 'merge', set('Retain'))
  await cluster.eventually(async () => expect(await claims(cluster)).toEqual(['data-web-0: nobody']))
  await cluster.client.patch(StatefulSet, web, 'merge', set('Delete'))
  await cluster.eventually(async () => expect(await claims(cluster)).toEqual(['data-web-0: StatefulSet web']))
})

async function scaledToOne(podManagementPolicy: 'OrderedReady' | 'Parallel'): Promise<TestCluster> {
  const cluster = await testCluster([statefulSet])
  const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete' as const, whenScaled: 'Delete' as const }
  await cluster.client.create(
    StatefulSet,
    statefulSetInput({ replicas: 2, volumeClaimTemplates, podManagementPolicy, persistentVolumeClaimRetentionPolicy }),
  )
  await allReady(cluster, ['web-0', 'web-1'])
  await bind(cluster, 'web-1')
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { replicas: 1 } })
  await cluster.eventually(async () => {
    expect(await claims(cluster)).toEqual(['data-web-0: StatefulSet web', 'data-web-1: Pod web-1'])
    expect(await picture(cluster)).toEqual(['web-0 web:1', 'web-1 web:1 (ending)'])
  })
  return cluster
}

test('whenScaled Delete: the claim goes with the pod that goes, and no new pod uses it', async () => {
  await using cluster = await scaledToOne('OrderedReady')
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { replicas: 2 } })
  await letGo(cluster, 'web-1')
  await cluster.advance(60_000)
  expect(await picture(cluster)).toEqual(['web-0 web:1'])
  await removeClaim(cluster, 'data-web-1')
  await allReady(cluster, ['web-0', 'web-1'])
  expect(await claims(cluster)).toEqual(['data-web-0: StatefulSet web', 'data-web-1: StatefulSet web'])
})

test('whenScaled Delete, Parallel: the claim of a pod that is wanted again goes back to the set', async () => {
  await using cluster = await scaledToOne('Parallel')
  await cluster.client.patch(StatefulSet, web, 'merge', { spec: { replicas: 2 } })
  await cluster.eventually(async () =>
    expect(await claims(cluster)).toEqual(['data-web-0: StatefulSet web', 'data-web-1: StatefulSet web']),
  )
  await letGo(cluster, 'web-1')
  await allReady(cluster, ['web-0', 'web-1'])
})

test("another controller's claim is left alone, and the user is told", async () => {
  await using cluster = await testCluster([statefulSet])
  const foreign = { apiVersion: 'db.example.com/v1', kind: 'Database', name: 'main', uid: 'u-1', controller: true }
  await cluster.client.create(PersistentVolumeClaim, {
    metadata: { ...inDefault('data-web-0'), ownerReferences: [foreign] },
    spec: claimTemplate('data').spec,
  })
  await cluster.client.create(
    StatefulSet,
    statefulSetInput({
      replicas: 1,
      volumeClaimTemplates,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    }),
  )
  await allReady(cluster, ['web-0'])
  expect(await claims(cluster)).toEqual(['data-web-0: Database main'])
  await cluster.eventually(async () =>
    expect(await told(cluster)).toContain(
      'ConflictingController PersistentVolumeClaim data-web-0 has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim',
    ),
  )
})

test('a claim that is being deleted keeps its pod from being made, until it is gone', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(PersistentVolumeClaim, {
    metadata: { ...inDefault('data-web-0'), finalizers: ['example.com/hold'] },
    spec: claimTemplate('data').spec,
  })
  await cluster.client.delete(PersistentVolumeClaim, inDefault('data-web-0'))
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1, volumeClaimTemplates }))
  await cluster.eventually(async () =>
    expect(await told(cluster)).toEqual([
      'FailedCreate create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted',
    ]),
  )
  await cluster.client.patch(PersistentVolumeClaim, inDefault('data-web-0'), 'merge', { metadata: { finalizers: null } })
  await allReady(cluster, ['web-0'])
  expect(await claims(cluster)).toEqual(['data-web-0: nobody'])
})

test('a pod that is to go is not kept by its claim, that goes as well', async () => {
  await using cluster = await testCluster([statefulSet])
  const { client } = cluster
  const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete' as const, whenScaled: 'Delete' as const }
  await client.create(StatefulSet, statefulSetInput({ replicas: 2, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy }))
  await allReady(cluster, ['web-0', 'web-1'])
  // Its protection holds it for as long as the pod is there.
  await client.delete(PersistentVolumeClaim, inDefault('data-web-1'))
  await client.patch(StatefulSet, web, 'merge', { spec: { replicas: 1 } })
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1']))
  expect((await told(cluster)).filter(text => text.startsWith('Failed'))).toEqual([])
})

test('a waiting pod whose claim was deleted gets a new one', async () => {
  await using cluster = await testCluster([statefulSet])
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1, volumeClaimTemplates }))
  await cluster.eventually(async () => expect(await picture(cluster)).toEqual(['web-0 web:1']))
  const before = await cluster.client.get(PersistentVolumeClaim, inDefault('data-web-0'))
  await removeClaim(cluster, 'data-web-0')
  await cluster.eventually(async () => {
    const after = await cluster.client.get(PersistentVolumeClaim, inDefault('data-web-0'))
    expect(after.metadata.uid).not.toBe(before.metadata.uid)
  })
})

test('an adopted pod gets the labels of its place', async () => {
  await using cluster = await testCluster([statefulSet])
  const { template } = statefulSetInput().spec
  await cluster.client.create(Pod, { metadata: { ...inDefault('web-0'), labels: { app: 'web' } }, spec: template.spec })
  await cluster.ready()
  await cluster.client.create(StatefulSet, statefulSetInput({ replicas: 1, updateStrategy: { type: 'OnDelete' } }))
  await cluster.eventually(async () => {
    const { metadata } = await cluster.client.get(Pod, inDefault('web-0'))
    expect(metadata.labels).toEqual({
      app: 'web',
      'statefulset.kubernetes.io/pod-name': 'web-0',
      'apps.kubernetes.io/pod-index': '0',
    })
    expect(await told(cluster)).toContain('SuccessfulUpdate update Pod web-0 in StatefulSet web successful')
  })
})
