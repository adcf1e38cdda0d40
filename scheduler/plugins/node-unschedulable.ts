import { tolerates } from '../../api/placement/tolerations.ts'
import { type Plugin, unresolvable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

const name = 'NodeUnschedulable'
const refusal = unresolvable(name, 'node(s) were unschedulable')
const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** Cordoned nodes take only pods that tolerate that. */
export const nodeUnschedulable: Plugin = {
  name,
  looksAt: ({ pod }) => pod.spec.tolerations,
  filter: (pod, node) => (node.isUnschedulable && !toleratesCordon(pod) ? refusal : undefined),
  wakes: {
    node: (_, { before, after }) =>
      after !== undefined && !after.spec.unschedulable && (!before || before.spec.unschedulable === true),
    self: (_, { before, after }) => !!after && toleratesCordon(after) && !(before && toleratesCordon(before)),
  },
}

function toleratesCordon({ pod }: PodInfo): boolean {
  return pod.spec.tolerations?.some(toleration => tolerates(toleration, taint)) ?? false
}
