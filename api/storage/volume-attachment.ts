import * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { PersistentVolumeSpec } from '../core/persistent-volume-spec.ts'
import { validateVolume } from '../core/persistent-volume-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { inRange, sizeInBytes, subdomainName } from '../names.ts'
import { int32, named, requiredText, stringMap, text, timestampText } from '../schema.ts'
import { immutable, invalidWhen } from '../validation.ts'
import { validateDriverName } from './csi-node.ts'

const VolumeError = named(
  'storage/v1.VolumeError',
  'What went wrong with a volume.',
  () => ({
    time: timestampText().optional().describe('When it went wrong.'),
    message: text('What went wrong, for people.'),
    errorCode: int32().optional().describe('What went wrong, as a gRPC code.'),
  }),
  { wire: 'time message errorCode' },
)

const VolumeAttachmentSpec = named(
  'storage/v1.VolumeAttachmentSpec',
  'Which volume belongs to which node.',
  () => ({
    attacher: requiredText('The driver that does it.'),
    source: named(
      'storage/v1.VolumeAttachmentSource',
      'The volume.',
      () => ({
        persistentVolumeName: z.string().optional().describe('Name of the volume.'),
        inlineVolumeSpec: PersistentVolumeSpec.optional().describe('The volume itself, if it is no object.'),
      }),
      { wire: 'persistentVolumeName inlineVolumeSpec' },
    )
      .prefault({})
      .describe('The volume.'),
    nodeName: requiredText('The node.'),
  }),
  { wire: 'attacher source nodeName' },
)

const VolumeAttachmentStatus = named(
  'storage/v1.VolumeAttachmentStatus',
  'How attaching goes.',
  () => ({
    attached: z.boolean().default(false).describe('Whether the volume is attached.'),
    attachmentMetadata: stringMap().optional().describe('What the driver says about it.'),
    attachError: VolumeError.optional().describe('What went wrong when attaching.'),
    detachError: VolumeError.optional().describe('What went wrong when detaching.'),
  }),
  { wire: 'attached attachmentMetadata attachError detachError' },
)

type Spec = z.output<typeof VolumeAttachmentSpec>
type Status = z.output<typeof VolumeAttachmentStatus>

const largestMetadata = 256 * 1024
const longestMessage = 1024

function validateSource({ persistentVolumeName: name, inlineVolumeSpec: inline }: Spec['source']): FieldError[] {
  const at = 'spec.source'
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (name === undefined && !inline) return [fieldError.required(at, one)]
  if (name !== undefined && inline) return [fieldError.forbidden(at, one)]
  if (name === '') return [fieldError.required(`${at}.persistentVolumeName`, 'must specify non empty persistentVolumeName')]
  if (name !== undefined) return invalidWhen(`${at}.persistentVolumeName`, name, subdomainName(name))
  if (!inline) return []
  return validateVolume(inline).map(error => ({ ...error, field: error.field.replace(/^spec/, `${at}.inlineVolumeSpec`) }))
}

function validateStatus({ attachmentMetadata = {}, attachError, detachError }: Status): FieldError[] {
  const errors: FieldError[] = []
  if (sizeInBytes(attachmentMetadata) > largestMetadata) {
    errors.push(fieldError.tooLong('status.attachmentMetadata', largestMetadata))
  }
  for (const [field, error] of Object.entries({ attachError, detachError })) {
    const { message = '', errorCode = 0 } = error ?? {}
    if (message.length > longestMessage) errors.push(fieldError.tooLong(`status.${field}.message`, largestMetadata))
    if (errorCode < 0) errors.push(fieldError.invalid(`status.${field}.errorCode`, errorCode, inRange(0, 2 ** 31 - 1)))
  }
  return errors
}

/** Wants a volume attached to a node. */
export const VolumeAttachment = defineKind({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  namespaced: false,
  description: 'Wants a volume attached to a node.',
  fields: () => ({
    spec: VolumeAttachmentSpec.prefault({}).describe('Which volume belongs to which node.'),
    status: VolumeAttachmentStatus.prefault({}).describe('How attaching goes.'),
  }),
  columns: [
    { name: 'Attacher', description: 'The driver that does it.', value: ({ spec }) => spec.attacher },
    { name: 'PV', description: 'The volume.', value: ({ spec }) => spec.source.persistentVolumeName ?? '' },
    { name: 'Node', description: 'The node.', value: ({ spec }) => spec.nodeName },
    { name: 'Attached', type: 'boolean', description: 'Whether it is attached.', value: ({ status }) => status.attached },
    age,
  ],
  subresources: ['status'],
  statusKeeps: 'metadata',
  allowUnconditionalUpdate: false,
  validate({ spec }, old) {
    const errors = validateDriverName(spec.attacher, 'spec.attacher')
    errors.push(...validateSource(spec.source))
    errors.push(...invalidWhen('spec.nodeName', spec.nodeName, subdomainName(spec.nodeName)))
    if (old && !deepEqual(spec, old.spec)) errors.push(fieldError.invalid('spec', spec, immutable))
    return errors
  },
  validateStatus: ({ status }) => validateStatus(status),
  deletion: { answersObject: true },
})
export type VolumeAttachment = ObjectOf<typeof VolumeAttachment>
