import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { choice, named, text, timestampText } from '../schema.ts'
import { shortModes } from './access-modes.ts'
import { PersistentVolumeSpec } from './persistent-volume-spec.ts'
import { validateVolume } from './persistent-volume-validation.ts'
import { persistentVolumeWarnings } from './persistent-volume-warnings.ts'
import { roundUp } from './pod-defaults.ts'

const PersistentVolumeStatus = named(
  'core/v1.PersistentVolumeStatus',
  'How a volume is.',
  () => ({
    phase: choice('Pending', 'Available', 'Bound', 'Released', 'Failed').default('Pending').describe('Whether it is taken.'),
    message: text('Why it is so, for people.'),
    reason: text('Why it is so, in one word.'),
    lastPhaseTransitionTime: timestampText().optional().describe('When phase changed last.'),
  }),
  { wire: 'phase message reason lastPhaseTransitionTime' },
)

/** A piece of storage. */
export const PersistentVolume = defineKind({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  namespaced: false,
  description: 'A piece of storage with a life of its own.',
  fields: () => ({
    spec: PersistentVolumeSpec.prefault({}).describe('What it is, and whom it belongs to.'),
    status: PersistentVolumeStatus.prefault({}).describe('How it is.'),
  }),
  columns: [
    { name: 'Capacity', description: 'How big it is.', value: ({ spec }) => spec.capacity?.storage ?? '' },
    { name: 'Access Modes', description: 'How it can be mounted.', value: ({ spec }) => shortModes(spec.accessModes) },
    {
      name: 'Reclaim Policy',
      description: 'What becomes of it when its claim is gone.',
      value: ({ spec }) => spec.persistentVolumeReclaimPolicy,
    },
    {
      name: 'Status',
      description: 'Whether it is taken.',
      value: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : status.phase),
    },
    {
      name: 'Claim',
      description: 'The claim it is bound to.',
      value: ({ spec: { claimRef } }) => (claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : ''),
    },
    { name: 'StorageClass', description: 'The class it belongs to.', value: ({ spec }) => spec.storageClassName ?? '' },
    {
      name: 'VolumeAttributesClass',
      description: 'The class of adjustable attributes.',
      value: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    },
    { name: 'Reason', description: 'Why it is so.', value: ({ status }) => status.reason ?? '' },
    age,
    { name: 'VolumeMode', description: 'File system or raw device.', priority: 1, value: ({ spec }) => spec.volumeMode },
  ],
  subresources: ['status'],
  default: ({ spec }) => roundUp(spec.capacity),
  prepareForCreate(volume) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: volume.metadata.creationTimestamp }
  },
  validate: (volume, old) => validateVolume(volume.spec, old?.spec),
  warnings: volume => persistentVolumeWarnings(volume),
  deletion: { answersObject: true },
})
export type PersistentVolume = ObjectOf<typeof PersistentVolume>
