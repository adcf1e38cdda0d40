import { age } from '../columns.ts'
import { fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { choice, flag, int32, text } from '../schema.ts'
import { supported, unchanged } from '../validation.ts'

/** Above are the classes of the system itself (pkg/apis/scheduling/types.go). */
const highestUserPriority = 1_000_000_000
const systemClasses: Record<string, number> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
}

/** A name for a priority. */
export const PriorityClass = defineKind({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  description: 'A name for a priority of pods.',
  wire: 'metadata value globalDefault description preemptionPolicy',
  fields: () => ({
    value: int32().default(0).describe('The priority; higher goes first.'),
    globalDefault: flag('Whether pods without a class get this one.'),
    description: text('What it is meant for.'),
    preemptionPolicy: choice('PreemptLowerPriority', 'Never')
      .default('PreemptLowerPriority')
      .describe('Whether its pods may push others away.'),
  }),
  columns: [
    { name: 'Value', description: 'The priority; higher goes first.', type: 'integer', value: ({ value }) => value },
    {
      name: 'Global-Default',
      description: 'Whether pods without a class get this one.',
      type: 'boolean',
      value: ({ globalDefault }) => globalDefault ?? false,
    },
    age,
    {
      name: 'PreemptionPolicy',
      description: 'Whether its pods may push others away.',
      value: ({ preemptionPolicy }) => preemptionPolicy,
    },
  ],
  validate(priorityClass, old) {
    const { metadata, value, preemptionPolicy } = priorityClass
    const errors = supported('preemptionPolicy', preemptionPolicy, ['Never', 'PreemptLowerPriority'])
    const isSystem = metadata.name.startsWith('system-')
    if (isSystem && systemClasses[metadata.name] !== value) {
      const why = "priority class names with 'system-' prefix are reserved for system use only"
      errors.push(fieldError.forbidden('metadata.name', why))
    }
    if (!isSystem && value > highestUserPriority) {
      errors.push(fieldError.forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`))
    }
    if (!old) return errors
    if (value !== old.value) errors.push(fieldError.forbidden('value', 'may not be changed in an update.'))
    errors.push(...unchanged('preemptionPolicy', preemptionPolicy, old.preemptionPolicy))
    return errors
  },
})
export type PriorityClass = ObjectOf<typeof PriorityClass>
