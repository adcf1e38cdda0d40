import * as z from 'zod'
import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { base64Text, stringMap } from '../schema.ts'
import { unchanged } from '../validation.ts'
import { validateData, validateFrozen } from './data-validation.ts'
import { validateSecretType } from './secret-types.ts'
import { keyPairWarnings } from './tls-warnings.ts'

/** What not everybody may read. */
export const Secret = defineKind({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  description: 'Passwords, keys and tokens: what not everybody may read.',
  wire: 'metadata data type stringData immutable',
  fields: () => ({
    immutable: z.boolean().optional().describe('True: nothing but metadata may change any more.'),
    data: z.record(z.string(), base64Text()).optional().describe('Bytes in base64 by key.'),
    stringData: stringMap().optional().describe('Text by key: written into data, never handed out.'),
    type: z.string().default('Opaque').describe('What is in it: kubernetes.io/tls.'),
  }),
  columns: [
    { name: 'Type', description: 'What is in it.', value: ({ type }) => type },
    { name: 'Data', description: 'How many keys it has.', value: ({ data }) => Object.keys(data ?? {}).length },
    age,
  ],
  selectableFields: { type: ({ type }) => type },
  default(secret) {
    for (const key in secret.stringData) {
      secret.data ??= {}
      secret.data[key] = Buffer.from(secret.stringData[key] ?? '').toString('base64')
    }
    delete secret.stringData
  },
  warnings: ({ type, data }) => (type === 'kubernetes.io/tls' ? keyPairWarnings(data?.['tls.crt'], data?.['tls.key']) : []),
  validate(secret, old) {
    const errors = [...validateData(secret, 'data'), ...validateSecretType(secret)]
    if (!old) return errors
    errors.push(...unchanged('type', secret.type, old.type))
    if (old.immutable) errors.push(...validateFrozen(secret, old, ['data']))
    return errors
  },
})
export type Secret = ObjectOf<typeof Secret>
