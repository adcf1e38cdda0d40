import * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { qualifiedName } from '../names.ts'
import { atomicList, atomicMap, choice, named, requiredText, stringMap } from '../schema.ts'
import { requiredName, supported, unchanged } from '../validation.ts'
import { labelDeprecation } from '../warnings.ts'

const TopologySelectorTerm = named(
  'core/v1.TopologySelectorTerm',
  'Labels of the nodes that will do.',
  () => ({
    matchLabelExpressions: atomicList(
      named(
        'core/v1.TopologySelectorLabelRequirement',
        'A key and the values that will do.',
        () => ({
          key: requiredText('The label key.'),
          values: atomicList(z.string()).default([]).describe('The values that will do.'),
        }),
        { wire: 'key values' },
      ),
    )
      .optional()
      .describe('Requirements that must all hold.'),
  }),
  { ...atomicMap, wire: 'matchLabelExpressions' },
)

const frozen = (field: string): FieldError => fieldError.forbidden(field, `updates to ${field} are forbidden.`)

const defaultClassKeys = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

/** Whether claims without a class get this one. */
const isDefaultClass = (annotations: Readonly<Record<string, string>> | undefined): boolean =>
  defaultClassKeys.some(key => annotations?.[key] === 'true')

/** How volumes of a class are made. */
export const StorageClass = defineKind({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  namespaced: false,
  description: 'How volumes of a class are made.',
  wire: `
      metadata provisioner parameters reclaimPolicy mountOptions allowVolumeExpansion volumeBindingMode
      allowedTopologies`,
  fields: () => ({
    provisioner: requiredText('Who makes the volumes.'),
    parameters: stringMap().optional().describe('What the provisioner is told.'),
    reclaimPolicy: choice('Delete', 'Recycle', 'Retain')
      .default('Delete')
      .describe('What becomes of a volume without its claim.'),
    mountOptions: atomicList(z.string()).optional().describe('Options to mount volumes with.'),
    allowVolumeExpansion: z.boolean().optional().describe('Whether claims may grow.'),
    volumeBindingMode: choice('Immediate', 'WaitForFirstConsumer')
      .default('Immediate')
      .describe('Bind at once, or when a pod needs the volume.'),
    allowedTopologies: atomicList(TopologySelectorTerm).optional().describe('Where volumes may be made.'),
  }),
  columns: [
    { name: 'Provisioner', description: 'Who makes the volumes.', value: ({ provisioner }) => provisioner },
    {
      name: 'ReclaimPolicy',
      description: 'What becomes of a volume without its claim.',
      value: ({ reclaimPolicy }) => reclaimPolicy,
    },
    {
      name: 'VolumeBindingMode',
      description: 'Bind at once, or when a pod needs the volume.',
      value: ({ volumeBindingMode }) => volumeBindingMode,
    },
    {
      name: 'AllowVolumeExpansion',
      description: 'Whether claims may grow.',
      value: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    },
    age,
  ],
  rowName: ({ metadata: { name, annotations } }) => (isDefaultClass(annotations) ? `${name} (default)` : name),
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, j) => {
        const why = labelDeprecation(key)
        return why ? [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${why}`] : []
      }),
    ),
  validate(storageClass, old) {
    const { provisioner, reclaimPolicy, volumeBindingMode } = storageClass
    const errors = requiredName('provisioner', provisioner, name => qualifiedName(name.toLowerCase()))
    errors.push(...supported('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']))
    errors.push(...supported('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']))
    if (!old) return errors
    for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
      if (!deepEqual(storageClass[field], old[field])) errors.push(frozen(field))
    }
    errors.push(...unchanged('volumeBindingMode', volumeBindingMode, old.volumeBindingMode))
    return errors
  },
  deletion: { answersObject: true },
})
export type StorageClass = ObjectOf<typeof StorageClass>
