import { nodeNameReason } from '../../api/placement/node-affinity.ts'
import { type Plugin, unresolvable } from '../framework.ts'

const name = 'NodeName'
const refusal = unresolvable(name, nodeNameReason)

/** A pod that names its node gets that one or none. */
export const nodeName: Plugin = {
  name,
  looksAt: ({ pod }) => pod.spec.nodeName,
  preFilter: ({ pod }) => (pod.pod.spec.nodeName ? { state: undefined } : 'skip'),
  filter: ({ pod }, node) => (pod.spec.nodeName === node.name ? undefined : refusal),
  wakes: { node: ({ pod }, { action, after }) => action === 'add' && after?.metadata.name === pod.spec.nodeName },
}
