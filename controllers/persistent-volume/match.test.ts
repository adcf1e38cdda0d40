import { expect, test } from 'vitest'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { findVolume as find, isReservedFor, misfit } from './match.ts'

const findVolume = (volumes: PersistentVolume[], wanting: PersistentVolumeClaim, isDelayed: boolean) =>
  find(wanting, volumes, volumes, isDelayed)

const volume = (
  name: string,
  storage: string,
  over: Partial<PersistentVolume['spec']> = {},
  phase: 'Available' | 'Bound' = 'Available',
) =>
  ({
    metadata: { name, labels: { tier: name } },
    spec: {
      capacity: { storage },
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: 'Retain',
      ...over,
    },
    status: { phase },
  }) as unknown as PersistentVolume

const claim = (storage: string, over: Partial<PersistentVolumeClaim['spec']> = {}) =>
  ({
    metadata: { namespace: 'default', name: 'data', uid: 'u1' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage } },
      storageClassName: '',
      volumeMode: 'Filesystem',
      ...over,
    },
  }) as unknown as PersistentVolumeClaim

const reserved = (uid?: string) => ({ claimRef: { namespace: 'default', name: 'data', ...(uid && { uid }) } })

test('the smallest volume that is big enough is chosen, and of equal ones the plainer', () => {
  const volumes = [
    volume('big', '10Gi'),
    volume('mid', '2Gi'),
    volume('rich', '2Gi', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }),
    volume('small', '512Mi'),
  ]
  expect(findVolume(volumes, claim('1Gi'), false)?.metadata.name).toBe('mid')
  expect(findVolume(volumes, claim('20Gi'), false)).toBeUndefined()
  expect(findVolume(volumes, claim('1Gi', { accessModes: ['ReadOnlyMany'] }), false)?.metadata.name).toBe('rich')
})

test('a volume set aside for the claim wins outright; one set aside for another is left alone', () => {
  const volumes = [
    volume('small', '1Gi'),
    volume('mine', '10Gi', reserved()),
    volume('other', '1Gi', { claimRef: { namespace: 'x', name: 'data' } }),
  ]
  expect(findVolume(volumes, claim('1Gi'), false)?.metadata.name).toBe('mine')
  const closed = volume('mine', '10Gi', { ...reserved(), accessModes: ['ReadOnlyMany'] })
  expect(findVolume([closed, volume('small', '1Gi')], claim('1Gi'), false)?.metadata.name).toBe('small')
  expect(findVolume([volume('mine', '1Gi', reserved())], claim('2Gi'), false)).toBeUndefined()
  expect(findVolume([volume('mine', '10Gi', reserved('another uid'))], claim('1Gi'), false)).toBeUndefined()
  expect(isReservedFor(volume('mine', '1Gi', reserved('u1')), claim('1Gi'))).toBe(true)
})

test('a claim that waits for its consumer takes only what was set aside for it', () => {
  expect(findVolume([volume('free', '1Gi')], claim('1Gi'), true)).toBeUndefined()
  expect(findVolume([volume('mine', '1Gi', reserved())], claim('1Gi'), true)?.metadata.name).toBe('mine')
})

test('bound volumes, other classes, other modes and other labels do not match', () => {
  const volumes = [
    volume('bound', '1Gi', {}, 'Bound'),
    volume('fast', '1Gi', { storageClassName: 'fast' }),
    volume('raw', '1Gi', { volumeMode: 'Block' }),
  ]
  expect(findVolume(volumes, claim('1Gi'), false)).toBeUndefined()
  const labelled = claim('1Gi', { selector: { matchLabels: { tier: 'b' } } })
  expect(findVolume([volume('a', '1Gi'), volume('b', '1Gi')], labelled, false)?.metadata.name).toBe('b')
})

test.each([
  [volume('v', '1Gi'), claim('2Gi'), 'requested PV is too small'],
  [volume('v', '1Gi', { storageClassName: 'fast' }), claim('1Gi'), 'storageClassName does not match'],
  [volume('v', '1Gi', { volumeMode: 'Block' }), claim('1Gi'), 'incompatible volumeMode'],
  [volume('v', '1Gi'), claim('1Gi', { accessModes: ['ReadWriteMany'] }), 'incompatible accessMode'],
  [volume('v', '1Gi'), claim('1Gi'), undefined],
])('a volume that is named may still not fit: %#', (candidate, wanting, fault) => {
  expect(misfit(candidate, wanting)).toBe(fault)
})
