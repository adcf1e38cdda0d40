import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { stringMap } from '../schema.ts'

/** Settings for pods. */
export const ConfigMap = defineKind({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  description: 'Settings for pods, as files or environment variables.',
  fields: {
    immutable: z.boolean().optional().describe('True: nothing but metadata may change any more.'),
    data: stringMap().optional().describe('Text by key.'),
    binaryData: stringMap().optional().describe('Bytes in base64 by key.'),
  },
})
export type ConfigMap = ObjectOf<typeof ConfigMap>
