import { tolerates, untoleratedReason, untoleratedTaint } from '../../api/placement/tolerations.ts'
import type { Node } from '../../api/core/node.ts'
import { normalizeByLargest, type Plugin, unresolvable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

const name = 'TaintToleration'
const refusal = unresolvable(name, untoleratedReason)

/** Taints keep pods away that do not tolerate them; the soft ones (PreferNoSchedule) cost points. */
export const taintToleration: Plugin = {
  name,
  filter({ pod }, { hardTaints }) {
    if (hardTaints.length === 0) return undefined
    return untoleratedTaint(hardTaints, pod.spec.tolerations, 'NoSchedule', 'NoExecute') ? refusal : undefined
  },
  score({ pod }, { softTaints }) {
    let untolerated = 0
    for (const taint of softTaints) if (!pod.spec.tolerations?.some(toleration => tolerates(toleration, taint))) untolerated++
    return untolerated
  },
  normalize: scores => normalizeByLargest(scores, true),
  wakes: {
    node: (pod, { before, after }) => after !== undefined && isOpen(after, pod) && !(before && isOpen(before, pod)),
    self: (_, { before, after }) => before?.pod.spec.tolerations?.length !== after?.pod.spec.tolerations?.length,
  },
}

function isOpen(node: Node, { pod }: PodInfo): boolean {
  return !untoleratedTaint(node.spec.taints, pod.spec.tolerations, 'NoSchedule', 'NoExecute')
}
