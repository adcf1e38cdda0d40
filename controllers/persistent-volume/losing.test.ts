import { expect, test } from 'vitest'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { eventsAbout, runPod } from '../node-lifecycle/testing.ts'
import { testCluster } from '../testing.ts'
import { claimBinder } from './claim-controller.ts'
import { claimProtector, volumeProtector } from './protection.ts'
import { storage } from './testing.ts'
import { volumePhases } from './volume-controller.ts'

const binders = [claimBinder(), volumePhases]
const data = { namespace: 'default', name: 'data' }

test('when its claim is gone a retained volume is Released for good, until somebody clears its claimRef', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, volumeState } = storage(cluster)
  await volume('kept', '1Gi')
  await claim('data', '1Gi')
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound kept'))
  await cluster.client.patch(PersistentVolumeClaim, data, 'merge', { metadata: { finalizers: null } })
  await cluster.client.delete(PersistentVolumeClaim, data)
  await cluster.eventually(async () => expect(await volumeState('kept')).toBe('Released data'))
  await claim('data', '1Gi')
  await cluster.advance(1_000)
  expect([await claimState('data'), await volumeState('kept')]).toEqual(['Pending', 'Released data'])
  await cluster.client.patch(PersistentVolume, { name: 'kept' }, 'merge', { spec: { claimRef: null } })
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound kept'))
})

test('a volume taken for a claim that was deleted before it was bound is released as well', async () => {
  await using cluster = await testCluster(binders)
  const { volume, volumeState } = storage(cluster)
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...data, uid: 'of-a-claim-that-is-gone' }
  await volume('taken', '1Gi', { claimRef })
  await cluster.eventually(async () => expect(await volumeState('taken')).toBe('Released data'))
})

test('a volume is released when the claim goes that had not yet named it', async () => {
  await using cluster = await testCluster([volumePhases])
  const { volume, claim, volumeState } = storage(cluster)
  const { metadata } = await claim('data', '1Gi')
  await volume('taken', '1Gi', { claimRef: { ...data, uid: metadata.uid } })
  await cluster.advance(100)
  expect(await volumeState('taken')).toBe('Pending data')
  await cluster.client.patch(PersistentVolumeClaim, data, 'merge', { metadata: { finalizers: null } })
  await cluster.client.delete(PersistentVolumeClaim, data)
  await cluster.eventually(async () => expect(await volumeState('taken')).toBe('Released data'))
})

test('nothing is released because the cache still shows the former claim of the name', async () => {
  await using cluster = await testCluster([volumePhases], { delayWatchOf: 'persistentvolumeclaims' })
  const { volume, claim, volumeState } = storage(cluster)
  await claim('data', '1Gi')
  await cluster.client.patch(PersistentVolumeClaim, data, 'merge', { metadata: { finalizers: null } })
  await cluster.advance(5_000)
  await cluster.client.delete(PersistentVolumeClaim, data)
  const { metadata } = await claim('data', '1Gi')
  await volume('v', '1Gi', { claimRef: { ...data, uid: metadata.uid } })
  await cluster.advance(5_000)
  expect(await volumeState('v')).toBe('Pending data')
})

test.each([
  ['Delete', 'VolumeFailedDelete error getting deleter volume plugin for volume "v": no deletable volume plugin matched'],
  ['Recycle', 'VolumeFailedRecycle No recycler plugin found for the volume!'],
] as const)('with the policy %s a volume that nobody can reclaim becomes Failed, and says so once', async (policy, event) => {
  await using cluster = await testCluster(binders)
  const { volume, readVolume } = storage(cluster)
  const claimRef = { ...data, uid: 'gone' }
  await volume('v', '1Gi', { claimRef, persistentVolumeReclaimPolicy: policy })
  await cluster.eventually(async () => expect((await readVolume('v')).status.phase).toBe('Failed'))
  expect((await readVolume('v')).status.message).toBe(event.slice(event.indexOf(' ') + 1))
  await cluster.client.patch(PersistentVolume, { name: 'v' }, 'merge', { metadata: { labels: { touched: 'yes' } } })
  await cluster.advance(1_000)
  expect(await eventsAbout(cluster, 'v')).toEqual([event])
})

test('a claim that loses its volume is Lost, once', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, volumeState, readClaim } = storage(cluster)
  await volume('v', '1Gi')
  await cluster.eventually(async () => expect(await volumeState('v')).toBe('Available'))
  await claim('data', '1Gi')
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound v'))
  await cluster.client.patch(PersistentVolume, { name: 'v' }, 'merge', { metadata: { finalizers: null } })
  await cluster.client.delete(PersistentVolume, { name: 'v' })
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Lost v'))
  const { status } = await readClaim('data')
  expect([status.accessModes, status.capacity]).toEqual([undefined, undefined])
  await cluster.client.patch(PersistentVolumeClaim, data, 'merge', { metadata: { labels: { touched: 'yes' } } })
  await cluster.advance(1_000)
  expect(await eventsAbout(cluster, 'data')).toEqual([
    'ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  ])
})

test('of two claims bound to one volume the one it does not name is Lost', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, volumeState } = storage(cluster)
  await volume('v', '1Gi')
  await claim('first', '1Gi')
  await cluster.eventually(async () => expect(await claimState('first')).toBe('Bound v'))
  await claim('data', '1Gi', { volumeName: 'v', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } })
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Lost v'))
  expect(await eventsAbout(cluster, 'data')).toEqual([
    'ClaimMisbound Two claims are bound to the same volume, this one is bound incorrectly',
  ])
  expect([await claimState('first'), await volumeState('v')]).toEqual(['Bound v', 'Bound first'])
})

test.each([
  ['that we took is free again', { 'pv.kubernetes.io/bound-by-controller': 'yes' }, 'Available'],
  ['that its owner set aside stays so', {}, 'Available data'],
])('when its claim went with another volume, one %s', async (_, annotations, state) => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, volumeState, readVolume } = storage(cluster)
  await volume('right', '1Gi')
  const { metadata } = await claim('data', '1Gi')
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound right'))
  await volume('left', '1Gi', { claimRef: { ...data, uid: metadata.uid }, annotations: { ...annotations, own: 'yes' } })
  await cluster.eventually(async () => expect(await volumeState('left')).toBe(state))
  expect((await readVolume('left')).metadata.annotations).toEqual({ own: 'yes' })
  expect((await readVolume('left')).spec.claimRef?.uid).toBeUndefined()
})

test('a claim stays while a scheduled pod lists it, even one that has ended', async () => {
  await using cluster = await testCluster([...binders, claimProtector, volumeProtector])
  const { volume, claim, claimState, volumeState } = storage(cluster)
  await volume('v', '1Gi')
  await claim('data', '1Gi')
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound v'))
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
  const spec = { containers: [{ name: 'main', image: 'web:1' }], volumes }
  await cluster.client.create(Pod, { metadata: { namespace: 'default', name: 'waiting' }, spec })
  const user = await cluster.client.create(Pod, {
    metadata: { namespace: 'default', name: 'user' },
    spec: { ...spec, nodeName: 'n1' },
  })
  await runPod(cluster, 'n1', 'other')
  await cluster.client.delete(PersistentVolumeClaim, data)
  await cluster.client.delete(PersistentVolume, { name: 'v' })
  await cluster.client.patch(Pod, user.metadata, 'merge', { status: { phase: 'Succeeded' } }, { subresource: 'status' })
  await cluster.advance(5_000)
  expect([await claimState('data'), await volumeState('v')]).toEqual(['Bound v', 'Bound data'])
  await cluster.client.delete(Pod, user.metadata, { gracePeriodSeconds: 0 })
  await cluster.eventually(async () => expect([await claimState('data'), await volumeState('v')]).toEqual(['gone', 'gone']))
})

test('protection is put on what came without it', async () => {
  await using cluster = await testCluster([claimProtector, volumeProtector])
  const { volume, claim, readVolume, readClaim } = storage(cluster)
  await volume('v', '1Gi')
  await claim('data', '1Gi')
  await cluster.client.patch(PersistentVolume, { name: 'v' }, 'merge', { metadata: { finalizers: null } })
  await cluster.client.patch(PersistentVolumeClaim, data, 'merge', { metadata: { finalizers: null } })
  await cluster.eventually(async () => {
    const finalizers = [(await readVolume('v')).metadata.finalizers, (await readClaim('data')).metadata.finalizers]
    expect(finalizers).toEqual([['kubernetes.io/pv-protection'], ['kubernetes.io/pvc-protection']])
  })
})
