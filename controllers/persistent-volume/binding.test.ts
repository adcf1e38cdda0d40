import { expect, test } from 'vitest'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import type { Call } from '../../api/transport.ts'
import { eventsAbout, runPod } from '../node-lifecycle/testing.ts'
import { testCluster } from '../testing.ts'
import { claimBinder } from './claim-controller.ts'
import { claimProtector, volumeProtector } from './protection.ts'
import { storage } from './testing.ts'
import { volumePhases } from './volume-controller.ts'

const binders = [claimBinder, volumePhases]
const data = { namespace: 'default', name: 'data' }
const storageCall = ({ verb, resource }: Call) => verb === 'update' && resource.startsWith('persistentvolume')
const callText = ({ resource, subresource, name }: Call) => [resource, name, subresource].filter(Boolean).join(' ')

test('a claim gets the smallest volume that is big enough, in four writes', async () => {
  const writes: string[] = []
  await using cluster = await testCluster(binders, { before: call => void (storageCall(call) && writes.push(callText(call))) })
  const { volume, claim, readVolume, readClaim, volumeState } = storage(cluster)
  await volume('small', '1Gi')
  await volume('big', '10Gi')
  await volume('medium', '5Gi')
  await cluster.eventually(async () => expect(await volumeState('medium')).toBe('Available'))
  writes.length = 0
  const { metadata } = await claim('data', '2Gi')
  await cluster.eventually(async () => expect((await readClaim('data')).status.phase).toBe('Bound'))
  expect(writes).toEqual([
    'persistentvolumes medium',
    'persistentvolumes medium status',
    'persistentvolumeclaims data',
    'persistentvolumeclaims data status',
  ])
  expect(await readVolume('medium')).toMatchObject({
    metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
    spec: { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...data, uid: metadata.uid } },
    status: { phase: 'Bound', lastPhaseTransitionTime: expect.any(String) },
  })
  expect(await readClaim('data')).toMatchObject({
    metadata: {
      annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes', 'pv.kubernetes.io/bind-completed': 'yes' },
    },
    spec: { volumeName: 'medium' },
    status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } },
  })
  expect([await volumeState('small'), await volumeState('big')]).toEqual(['Available', 'Available'])
})

test.each([1, 2, 3, 4])('a binding interrupted at write %i is completed by whoever comes after', async broken => {
  let [writes, isDown] = [0, false]
  await using cluster = await testCluster(binders, {
    before: call => {
      if (!storageCall(call)) return
      if (call.name === 'only' || call.name === 'data') writes += 1
      // The first write of all is the volume becoming Available.
      if (isDown || writes === broken + 1) {
        isDown = true
        throw new ApiError('InternalError', 'the process has died')
      }
    },
  })
  const { volume, claim, claimState, volumeState, readClaim } = storage(cluster)
  await volume('only', '5Gi')
  await cluster.eventually(async () => expect(await volumeState('only')).toBe('Available'))
  await claim('data', '1Gi')
  await cluster.eventually(() => expect(isDown).toBe(true))
  expect(await claimState('data')).toMatch(/^Pending/)
  isDown = false
  writes = 100
  await cluster.restart()
  await cluster.eventually(async () => {
    expect([await claimState('data'), await volumeState('only')]).toEqual(['Bound only', 'Bound data'])
  })
  expect((await readClaim('data')).status.capacity).toEqual({ storage: '5Gi' })
})

test('a volume that comes later, or comes free, finds the claim that waits for it, and wakes no other', async () => {
  const woken = new Set<string>()
  const watched = {
    ...claimBinder,
    reconcile: (context: Parameters<typeof claimBinder.reconcile>[0], key: string) => {
      woken.add(key)
      return claimBinder.reconcile(context, key)
    },
  }
  await using cluster = await testCluster([watched, volumePhases])
  const { volume, claim, claimState, storageClass } = storage(cluster)
  await storageClass('fast', { provisioner: 'kubernetes.io/no-provisioner' })
  await claim('data', '1Gi')
  await claim('huge', '100Gi')
  await claim('other', '1Gi', { storageClassName: 'fast' })
  await claim('many', '1Gi', { accessModes: ['ReadWriteMany'] })
  await cluster.advance(100)
  woken.clear()
  await volume('late', '2Gi')
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound late'))
  expect([...woken]).toEqual(['default/data'])
  expect(await eventsAbout(cluster, 'huge')).toEqual([
    'FailedBinding no persistent volumes available for this claim and no storage class is set',
  ])
  expect(new Set(await eventsAbout(cluster, 'other'))).toEqual(
    new Set(['ProvisioningFailed no volume plugin matched name: kubernetes.io/no-provisioner']),
  )
})

test('two claims never get one volume', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState } = storage(cluster)
  await Promise.all([claim('a', '1Gi'), claim('b', '1Gi'), volume('v1', '1Gi')])
  await cluster.advance(1_000)
  const states = async () => [await claimState('a'), await claimState('b')].sort()
  expect(await states()).toEqual(['Bound v1', 'Pending'])
  await volume('v2', '1Gi')
  await cluster.eventually(async () => expect(await states()).toEqual(['Bound v1', 'Bound v2']))
})

test('a volume set aside for a claim waits for it, and goes to nobody else', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, volumeState, readVolume } = storage(cluster)
  await volume('mine', '10Gi', { claimRef: data })
  await claim('other', '1Gi')
  await cluster.eventually(async () => expect(await volumeState('mine')).toBe('Available data'))
  const { metadata } = await claim('data', '1Gi')
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound mine'))
  expect(await claimState('other')).toBe('Pending')
  const { spec, metadata: bound } = await readVolume('mine')
  expect([spec.claimRef?.uid, bound.annotations]).toEqual([metadata.uid, undefined])
})

test('a claim that names its volume gets that one or none, and is told why', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState } = storage(cluster)
  await claim('data', '5Gi', { volumeName: 'chosen' })
  await volume('fitting', '5Gi')
  await cluster.advance(100)
  expect(await claimState('data')).toBe('Pending chosen')
  await volume('chosen', '1Gi')
  await cluster.advance(100)
  expect([await claimState('data'), (await eventsAbout(cluster, 'data'))[0]]).toEqual([
    'Pending chosen',
    'VolumeMismatch Cannot bind to requested volume "chosen": requested PV is too small',
  ])
  await cluster.client.patch(PersistentVolume, { name: 'chosen' }, 'merge', { spec: { capacity: { storage: '5Gi' } } })
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound chosen'))
})

test('a claim without a class gets the default class when there is one, but a volume without a class first', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, readClaim, storageClass } = storage(cluster)
  await claim('data', '1Gi')
  await claim('none', '1Gi', { storageClassName: '' })
  await cluster.advance(100)
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  await storageClass('standard', { annotations })
  await cluster.eventually(async () => expect((await readClaim('data')).spec.storageClassName).toBe('standard'))
  expect((await readClaim('none')).spec.storageClassName).toBe('')
  await volume('plain', '1Gi')
  await cluster.eventually(async () => expect(await claimState('none')).toBe('Bound plain'))
  expect((await eventsAbout(cluster, 'data')).at(-1)).toMatch(
    /^ExternalProvisioning Waiting for a volume to be created either by/,
  )
  expect((await readClaim('data')).metadata.annotations).toMatchObject({
    'volume.kubernetes.io/storage-provisioner': 'wherry.dev/local',
    'volume.beta.kubernetes.io/storage-provisioner': 'wherry.dev/local',
  })
})

test('a claim whose class waits for a consumer says for whom it waits', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, storageClass } = storage(cluster)
  await storageClass('lazy', { volumeBindingMode: 'WaitForFirstConsumer' })
  await volume('free', '1Gi', { storageClassName: 'lazy' })
  await claim('data', '1Gi', { storageClassName: 'lazy' })
  await cluster.advance(100)
  const spec = {
    containers: [{ name: 'main', image: 'web:1' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  }
  await cluster.client.create(Pod, { metadata: { namespace: 'default', name: 'p' }, spec })
  await cluster.advance(100)
  await cluster.client.create(Pod, { metadata: { namespace: 'default', name: 'o' }, spec })
  await cluster.advance(100)
  expect(await eventsAbout(cluster, 'data')).toEqual([
    'WaitForFirstConsumer waiting for first consumer to be created before binding',
    'WaitForPodScheduled waiting for pod p to be scheduled',
    'WaitForPodScheduled waiting for pods o,p to be scheduled',
  ])
  expect(await claimState('data')).toBe('Pending')
})

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
