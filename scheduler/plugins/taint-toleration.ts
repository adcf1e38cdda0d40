import type { Node } from '../../api/core/node.ts'
import { tolerates, untoleratedReason, untoleratedTaint } from '../../api/placement/tolerations.ts'
import { normalizeByLargest, type Plugin, type Refusal, unresolvable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { haveTolerationsChanged } from './changes.ts'

const name = 'TaintToleration'

/** One for each wording, which names the taint. There are as many as clusters have taints. */
const refusals = new Map<string, Refusal>()

function refusalFor(reason: string): Refusal {
  const refusal = refusals.get(reason) ?? unresolvable(name, reason)
  refusals.set(reason, refusal)
  return refusal
}

/** Taints keep pods away that do not tolerate them; the soft ones (PreferNoSchedule) cost points. */
export const taintToleration: Plugin = {
  name,
  looksAt: ({ pod }) => pod.spec.tolerations,
  filter({ pod }, { hardTaints }) {
    if (hardTaints.length === 0) return undefined
    const taint = untoleratedTaint(hardTaints, pod.spec.tolerations, 'NoSchedule', 'NoExecute')
    return taint && refusalFor(untoleratedReason(taint))
  },
  score({ pod }, { softTaints }) {
    let untolerated = 0
    for (const taint of softTaints) if (!pod.spec.tolerations?.some(toleration => tolerates(toleration, taint))) untolerated++
    return untolerated
  },
  normalize: scores => normalizeByLargest(scores, true),
  wakes: {
    node: (pod, { before, after }) => after !== undefined && isOpen(after, pod) && !(before && isOpen(before, pod)),
    self: (_, { before, after }) => haveTolerationsChanged(before, after),
  },
}

function isOpen(node: Node, { pod }: PodInfo): boolean {
  return !untoleratedTaint(node.spec.taints, pod.spec.tolerations, 'NoSchedule', 'NoExecute')
}
