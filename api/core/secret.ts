import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { stringMap } from '../schema.ts'

/** What not everybody may read. */
export const Secret = defineKind({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  description: 'Passwords, keys and tokens: what not everybody may read.',
  fields: {
    immutable: z.boolean().optional().describe('True: nothing but metadata may change any more.'),
    data: stringMap().optional().describe('Bytes in base64 by key.'),
    stringData: stringMap().optional().describe('Text by key: written into data, never handed out.'),
    type: z.string().default('Opaque').describe('What is in it: kubernetes.io/tls.'),
  },
})
export type Secret = ObjectOf<typeof Secret>
