import * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { changedPaths } from '../changed-paths.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { compareQuantities, parseQuantity } from '../quantity.ts'
import { atomicList, choice, listMap, named, quantityMap, requiredText, text, timestampText } from '../schema.ts'
import { shortModes } from './access-modes.ts'
import { validateClaimSpec } from './claim-validation.ts'
import { roundUp } from './pod-defaults.ts'
import { PersistentVolumeClaimSpec } from './volume.ts'
import { claimSpecWarnings } from './volume-warnings.ts'

const PersistentVolumeClaimCondition = named(
  'core/v1.PersistentVolumeClaimCondition',
  "An aspect of a claim's state.",
  () => ({
    ...conditionFields,
    lastProbeTime: timestampText().optional().describe('When it was looked at last.'),
  }),
  { wire: 'type status lastProbeTime lastTransitionTime reason message' },
)

/** How a claim is. */
export const PersistentVolumeClaimStatus = named(
  'core/v1.PersistentVolumeClaimStatus',
  'How a claim is.',
  () => ({
    phase: choice('Pending', 'Bound', 'Lost').default('Pending').describe('Whether it has its volume.'),
    accessModes: atomicList(z.string()).optional().describe('How the volume can be mounted.'),
    capacity: quantityMap().optional().describe('How big the volume is.'),
    conditions: listMap(PersistentVolumeClaimCondition, 'type').optional().describe('How growing it goes.'),
    allocatedResources: quantityMap().optional().describe('How big the volume is going to be.'),
    allocatedResourceStatuses: z.record(z.string(), z.string()).optional().meta({ 'x-kubernetes-map-type': 'granular' }),
    currentVolumeAttributesClassName: z.string().optional(),
    modifyVolumeStatus: named(
      'core/v1.ModifyVolumeStatus',
      'How a change of attributes goes.',
      () => ({
        targetVolumeAttributesClassName: text(),
        status: requiredText(),
      }),
      { wire: 'targetVolumeAttributesClassName status' },
    ).optional(),
  }),
  {
    wire: `
      phase accessModes capacity conditions allocatedResources 7:allocatedResourceStatuses
      currentVolumeAttributesClassName modifyVolumeStatus`,
  },
)
export type PersistentVolumeClaimStatus = z.output<typeof PersistentVolumeClaimStatus>

interface ClaimParts {
  readonly spec: PersistentVolumeClaimSpec
  readonly status: PersistentVolumeClaimStatus
}

const fixedSpec = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

/** Semantics E4: a claim may be bound once, and may grow once it is bound. */
function validateUpdate({ spec, status }: ClaimParts, old: ClaimParts): FieldError[] {
  const errors: FieldError[] = []
  const isBound = old.status.phase === 'Bound'
  const { resources, volumeAttributesClassName, ...rest } = spec
  const { resources: oldResources, volumeAttributesClassName: oldAttributes, ...oldRest } = old.spec
  const mayTakeVolume = !oldRest.volumeName
  const mayTakeClass = oldRest.storageClassName === undefined && !isBound
  const comparable = {
    ...rest,
    ...(mayTakeVolume && { volumeName: undefined }),
    ...(mayTakeClass && { storageClassName: undefined }),
    resources: isBound
      ? { ...resources, requests: { ...resources.requests, storage: oldResources.requests?.storage } }
      : resources,
    volumeAttributesClassName: isBound ? oldAttributes : volumeAttributesClassName,
  }
  if (!deepEqual(comparable, old.spec)) {
    const changes = changedPaths(old.spec, comparable, 'spec').map(change => `  ${change}`)
    errors.push(fieldError.forbidden('spec', `${fixedSpec}\n${changes.join('\n')}`))
  }
  const [wanted, before, capacity] = [resources.requests?.storage, oldResources.requests?.storage, status.capacity?.storage]
  if (!wanted || !before || !isBound || !isLess(wanted, before)) return errors
  // A growth that failed may be taken back, but not below what the volume already has.
  if (!capacity || isLess(wanted, capacity)) {
    errors.push(fieldError.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
  }
  return errors
}

const isLess = (a: string, b: string) => compareQuantities(parseQuantity(a), parseQuantity(b)) < 0

const oldClass = 'volume.beta.kubernetes.io/storage-class'

/** A request for storage. */
export const PersistentVolumeClaim = defineKind({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  namespaced: true,
  description: 'A request for storage, and the right to the volume it is bound to.',
  fields: () => ({
    spec: PersistentVolumeClaimSpec.prefault({}).describe('What it asks for.'),
    status: PersistentVolumeClaimStatus.prefault({}).describe('How it is.'),
  }),
  columns: [
    {
      name: 'Status',
      description: 'Whether it has its volume.',
      value: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : status.phase),
    },
    { name: 'Volume', description: 'The volume it is bound to.', value: ({ spec }) => spec.volumeName ?? '' },
    {
      name: 'Capacity',
      description: 'How big the volume is.',
      value: ({ spec, status }) => (spec.volumeName ? (status.capacity?.storage ?? '') : ''),
    },
    {
      name: 'Access Modes',
      description: 'How the volume can be mounted.',
      value: ({ spec, status }) => (spec.volumeName ? shortModes(status.accessModes) : ''),
    },
    { name: 'StorageClass', description: 'The class it asks for.', value: ({ spec }) => spec.storageClassName ?? '' },
    {
      name: 'VolumeAttributesClass',
      description: 'The class of adjustable attributes.',
      value: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    },
    age,
    { name: 'VolumeMode', description: 'File system or raw device.', priority: 1, value: ({ spec }) => spec.volumeMode },
  ],
  subresources: ['status'],
  default({ spec, status }) {
    roundUp(spec.resources.requests)
    roundUp(spec.resources.limits)
    roundUp(status.capacity)
  },
  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' }
  },
  validate({ spec, status }, old) {
    const errors = validateClaimSpec(spec, 'spec')
    return old ? [...errors, ...validateUpdate({ spec, status }, old)] : errors
  },
  warnings({ metadata, spec }) {
    const warnings = claimSpecWarnings(spec, 'spec')
    if (metadata.annotations?.[oldClass] === undefined) return warnings
    return [`metadata.annotations[${oldClass}]: deprecated since v1.8; use "storageClassName" attribute instead`, ...warnings]
  },
  deletion: { answersObject: true },
})
export type PersistentVolumeClaim = ObjectOf<typeof PersistentVolumeClaim>
