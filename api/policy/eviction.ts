import { defineKind, type ObjectOf } from '../kind.ts'
import { DeleteOptions } from '../meta.ts'

const common = {
  group: 'policy',
  kind: 'Eviction',
  plural: 'evictions',
  description: 'Asks a pod to leave, budgets permitting.',
  wire: 'metadata deleteOptions',
}
const fields = () => ({ deleteOptions: DeleteOptions.optional().describe('How to delete it.') })

/** The body of pods/eviction: asks a pod to leave, budgets permitting. */
export const Eviction = defineKind({ ...common, namespaced: true, version: 'v1', fields })
export type Eviction = ObjectOf<typeof Eviction>

/** The same as clients before policy/v1 send it (kubectl 1.20 drain). */
export const EvictionV1Beta1 = defineKind({ ...common, namespaced: true, version: 'v1beta1', fields })
