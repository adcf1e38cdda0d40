import { defineKind, type ObjectOf } from '../kind.ts'
import { ObjectReference } from './references.ts'

/** The body of pods/binding: which node a pod goes to. */
export const Binding = defineKind({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  namespaced: true,
  description: 'Puts a pod on a node.',
  wire: 'metadata target',
  fields: () => ({ target: ObjectReference.prefault({}).describe('The node.') }),
})
export type Binding = ObjectOf<typeof Binding>
