import { expect, test } from 'vitest'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import type { Call } from '../../api/transport.ts'
import { eventsAbout } from '../node-lifecycle/testing.ts'
import { testCluster } from '../testing.ts'
import { claimBinder } from './claim-controller.ts'
import { storage } from './testing.ts'
import { volumePhases } from './volume-controller.ts'

const binders = [claimBinder(), volumePhases]
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
  const binder = claimBinder()
  const watched = {
    ...binder,
    reconcile: (context: Parameters<typeof binder.reconcile>[0], key: string) => {
      woken.add(key)
      return binder.reconcile(context, key)
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

test('claims handled at the same time each go for a volume of their own', async () => {
  const refused: string[] = []
  const taken = new Set<string>()
  await using cluster = await testCluster(binders, {
    before: call => {
      if (!storageCall(call) || call.subresource || call.resource !== 'persistentvolumes' || !call.name) return
      if (taken.has(call.name)) refused.push(call.name)
      taken.add(call.name)
    },
  })
  const { volume, claim, claimState } = storage(cluster)
  const names = Array.from({ length: 20 }, (_, i) => `${i}`)
  await Promise.all(names.map(name => volume(`v${name}`, '1Gi')))
  await cluster.advance(100)
  await Promise.all(names.map(name => claim(`c${name}`, '1Gi')))
  await cluster.eventually(async () => {
    const states = await Promise.all(names.map(name => claimState(`c${name}`)))
    expect(new Set(states).size).toBe(20)
    expect(states.every(state => state.startsWith('Bound v'))).toBe(true)
  })
  expect(refused).toEqual([])
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

test('a volume set aside for a claim that waits already is bound at once, also one that is bigger than others', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState } = storage(cluster)
  await claim('data', '1Gi', { storageClassName: 'missing' })
  await cluster.advance(100)
  await volume('mine', '10Gi', { claimRef: data, storageClassName: 'another' })
  await cluster.eventually(async () => expect(await claimState('data')).toBe('Bound mine'))
})

test('a claim that names its volume gets that one or none, and is told why', async () => {
  await using cluster = await testCluster(binders)
  const { volume, claim, claimState, readClaim } = storage(cluster)
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
  expect((await readClaim('data')).metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes' })
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
