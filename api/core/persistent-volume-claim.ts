import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { atomicList, choice, listMap, named, quantityMap, requiredText, text, timestampText } from '../schema.ts'
import { PersistentVolumeClaimSpec } from './volume.ts'

const PersistentVolumeClaimCondition = named('core/v1.PersistentVolumeClaimCondition', "An aspect of a claim's state.", {
  ...conditionFields,
  lastProbeTime: timestampText().optional().describe('When it was looked at last.'),
})

const PersistentVolumeClaimStatus = named('core/v1.PersistentVolumeClaimStatus', 'How a claim is.', {
  phase: choice('Pending', 'Bound', 'Lost').default('Pending').describe('Whether it has its volume.'),
  accessModes: atomicList(z.string()).optional().describe('How the volume can be mounted.'),
  capacity: quantityMap().optional().describe('How big the volume is.'),
  conditions: listMap(PersistentVolumeClaimCondition, 'type').optional().describe('How growing it goes.'),
  allocatedResources: quantityMap().optional().describe('How big the volume is going to be.'),
  allocatedResourceStatuses: z.record(z.string(), z.string()).optional().meta({ 'x-kubernetes-map-type': 'granular' }),
  currentVolumeAttributesClassName: z.string().optional(),
  modifyVolumeStatus: named('core/v1.ModifyVolumeStatus', 'How a change of attributes goes.', {
    targetVolumeAttributesClassName: text(),
    status: requiredText(),
  }).optional(),
})
export type PersistentVolumeClaimStatus = z.output<typeof PersistentVolumeClaimStatus>

/** A request for storage. */
export const PersistentVolumeClaim = defineKind({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  namespaced: true,
  description: 'A request for storage, and the right to the volume it is bound to.',
  fields: {
    spec: PersistentVolumeClaimSpec.prefault({}).describe('What it asks for.'),
    status: PersistentVolumeClaimStatus.prefault({}).describe('How it is.'),
  },
  subresources: ['status'],
})
export type PersistentVolumeClaim = ObjectOf<typeof PersistentVolumeClaim>
