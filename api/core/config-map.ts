import * as z from 'zod'
import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { base64Text, stringMap } from '../schema.ts'
import { validateData, validateFrozen } from './data-validation.ts'

/** Settings for pods. */
export const ConfigMap = defineKind({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  description: 'Settings for pods, as files or environment variables.',
  wire: 'metadata data binaryData immutable',
  fields: () => ({
    immutable: z.boolean().optional().describe('True: nothing but metadata may change any more.'),
    data: stringMap().optional().describe('Text by key.'),
    binaryData: z.record(z.string(), base64Text()).optional().describe('Bytes in base64 by key.'),
  }),
  columns: [
    {
      name: 'Data',
      description: 'How many keys it has.',
      value: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    },
    age,
  ],
  validate(map, old) {
    const errors = validateData(map, '')
    if (old?.immutable) errors.push(...validateFrozen(map, old, ['data', 'binaryData']))
    return errors
  },
})
export type ConfigMap = ObjectOf<typeof ConfigMap>
