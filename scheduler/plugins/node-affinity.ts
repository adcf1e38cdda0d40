import type { Node } from '../../api/core/node.ts'
import {
  hasNodeWishes,
  matchesNodeWishes,
  nodeAffinityReason,
  nodeNamesAskedFor,
  preferredNodeWeight,
} from '../../api/placement/node-affinity.ts'
import { normalizeByLargest, type Plugin, unresolvable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

const name = 'NodeAffinity'
const refusal = unresolvable(name, nodeAffinityReason)
const contradiction = unresolvable(name, 'pod affinity terms conflict')

/** nodeSelector and required node affinity filter, preferred node affinity scores. */
export const nodeAffinity: Plugin = {
  name,
  preFilter({ pod }) {
    const { spec } = pod.pod
    if (!hasNodeWishes(spec)) return 'skip'
    const nodes = nodeNamesAskedFor(spec)
    if (nodes?.size === 0) return { refusal: contradiction }
    return { state: undefined, ...(nodes && { nodes }) }
  },
  filter: ({ pod }, node) => (matchesNodeWishes(pod.spec, node) ? undefined : refusal),
  preScore: ({ pod }) => (preferredTerms(pod).length > 0 ? { state: undefined } : 'skip'),
  score: ({ pod }, node) => preferredNodeWeight(pod.spec, node),
  normalize: scores => normalizeByLargest(scores, false),
  wakes: {
    node: (pod, { before, after }) => after !== undefined && isWanted(after, pod) && !(before && isWanted(before, pod)),
  },
}

function preferredTerms({ pod }: PodInfo) {
  return pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
}

function isWanted({ metadata }: Node, { pod }: PodInfo): boolean {
  return matchesNodeWishes(pod.spec, { name: metadata.name, labels: metadata.labels ?? {} })
}
