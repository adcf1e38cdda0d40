import * as z from 'zod'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { atomicList, choice, listMap, named } from '../schema.ts'

const NamespaceSpec = named('core/v1.NamespaceSpec', 'What is wanted of a namespace.', {
  finalizers: atomicList(z.string()).optional().describe('Who must have cleaned up before it vanishes: kubernetes.'),
})

const NamespaceStatus = named('core/v1.NamespaceStatus', 'How a namespace is.', {
  phase: choice('Active', 'Terminating').default('Active').describe('Whether it is in use or going away.'),
  conditions: listMap(named('core/v1.NamespaceCondition', 'How its deletion goes.', conditionFields), 'type')
    .optional()
    .describe('How its deletion goes.'),
})

/** A scope for names. */
export const Namespace = defineKind({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  description: 'A scope for names, and for rights.',
  fields: {
    spec: NamespaceSpec.prefault({}).describe('What is wanted of it.'),
    status: NamespaceStatus.prefault({}).describe('How it is.'),
  },
  subresources: ['status', 'finalize'],
})
export type Namespace = ObjectOf<typeof Namespace>
