import { defineKind, type ObjectOf } from '../kind.ts'
import { DeleteOptions } from '../meta.ts'

/** The body of pods/eviction: asks a pod to leave, budgets permitting. */
export const Eviction = defineKind({
  group: 'policy',
  version: 'v1',
  kind: 'Eviction',
  plural: 'evictions',
  namespaced: true,
  description: 'Asks a pod to leave, budgets permitting.',
  fields: { deleteOptions: DeleteOptions.optional().describe('How to delete it.') },
})
export type Eviction = ObjectOf<typeof Eviction>
