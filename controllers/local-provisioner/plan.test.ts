import { expect, test } from 'vitest'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import { provisionedBy, provisionerProtection, selectedNode, storageProvisioner } from '../persistent-volume/names.ts'
import { nodeWith } from '../shared/test-objects.ts'
import { isAsked, localProvisionerName, reclaimStep, suitableNodes } from './plan.ts'

const storageClass = (volumeBindingMode: string, over: object = {}) =>
  ({ metadata: { name: 'c' }, provisioner: localProvisionerName, volumeBindingMode, ...over }) as unknown as StorageClass
const claim = (annotations: Record<string, string>, over: object = {}, spec: object = {}) =>
  ({ metadata: { name: 'data', annotations, ...over }, spec }) as unknown as PersistentVolumeClaim
const asked = { [storageProvisioner]: localProvisionerName }
const selected = { ...asked, [selectedNode]: 'n1' }
const [eager, lazy] = [storageClass('Immediate'), storageClass('WaitForFirstConsumer')]

test.each([
  ['we are named', claim(asked), eager, true],
  ['nobody is named', claim({}), eager, false],
  ['another is named', claim({ [storageProvisioner]: 'x' }), eager, false],
  ['the class has another provisioner', claim(asked), storageClass('Immediate', { provisioner: 'x' }), false],
  ['the class is not there', claim(asked), undefined, false],
  ['it has a volume', claim(asked, {}, { volumeName: 'v' }), eager, false],
  ['it is being deleted', claim(asked, { deletionTimestamp: 'now' }), eager, false],
  ['the class waits and no node is chosen', claim(asked), lazy, false],
  ['the class waits and a node is chosen', claim(selected), lazy, true],
])('when %s, we are asked: %#', (_, wanting, ofClass, isOurs) => {
  expect(isAsked(wanting, ofClass)).toBe(isOurs)
})

test('volumes are made on nodes that are ready, open to pods, and in the topology of the class', () => {
  const zone = (name: string, value: string) => nodeWith({ metadata: { name, labels: { zone: value } } })
  const nodes = [
    zone('n1', 'a'),
    zone('n2', 'b'),
    nodeWith({ metadata: { name: 'n3' }, spec: { unschedulable: true } }),
    nodeWith({ metadata: { name: 'n4' }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }),
  ]
  const names = (ofClass: StorageClass) => suitableNodes(nodes, ofClass).map(({ metadata }) => metadata.name)
  const allowedTopologies = [{ matchLabelExpressions: [{ key: 'zone', values: ['b', 'c'] }] }]
  expect([names(eager), names(storageClass('Immediate', { allowedTopologies }))]).toEqual([['n1', 'n2'], ['n2']])
})

const guarded = { finalizers: [provisionerProtection] }
const ending = { deletionTimestamp: 'now' }
const volume = (phase: string, policy: string, metadata: object = guarded, by = localProvisionerName) =>
  ({
    metadata: { name: 'v', annotations: { [provisionedBy]: by }, ...metadata },
    spec: { persistentVolumeReclaimPolicy: policy },
    status: { phase },
  }) as unknown as PersistentVolume

test.each([
  ['bound', volume('Bound', 'Delete'), 'none'],
  ['bound, being deleted', volume('Bound', 'Delete', { ...guarded, ...ending }), 'none'],
  ['bound, unguarded', volume('Bound', 'Delete', {}), 'guard'],
  ['bound, to be kept from now on', volume('Bound', 'Retain'), 'unguard'],
  ['released', volume('Released', 'Delete'), 'remove'],
  ['released, being deleted', volume('Released', 'Delete', { ...guarded, ...ending }), 'remove'],
  ['released, being deleted, its folder gone', volume('Released', 'Delete', ending), 'none'],
  ['released, to be kept', volume('Released', 'Retain', {}), 'none'],
  ['failed before', volume('Failed', 'Delete'), 'remove'],
  ['of another provisioner', volume('Released', 'Delete', guarded, 'x'), 'none'],
])('a volume that is %s', (_, kept, step) => {
  expect(reclaimStep(kept)).toBe(step)
})
