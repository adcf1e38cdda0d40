import type { Node } from '../../api/core/node.ts'
import {
  hasNodeWishes,
  type LabelledNode,
  matchesNodeSelector,
  matchesNodeWishes,
  nodeAffinityReason,
  nodeNamesAskedFor,
  preferredNodeWeight,
} from '../../api/placement/node-affinity.ts'
import { defaultArguments, type PluginArguments } from '../../api/scheduler-config/arguments.ts'
import { normalizeByLargest, type Plugin, unresolvable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

const name = 'NodeAffinity'
const refusal = unresolvable(name, nodeAffinityReason)
const contradiction = unresolvable(name, 'pod affinity terms conflict')
const enforced = unresolvable(name, "node(s) didn't match scheduler-enforced node affinity")

/** nodeSelector and required node affinity filter, preferred node affinity scores; a profile may add wishes of its own to all pods. */
export function nodeAffinity({ addedAffinity }: PluginArguments['NodeAffinity'] = defaultArguments.NodeAffinity): Plugin {
  const demanded = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const added = { affinity: { nodeAffinity: addedAffinity } }
  const isAllowed = (node: LabelledNode) => !demanded || matchesNodeSelector(demanded, node)

  return {
    name,
    looksAt: ({ pod: { spec } }) => [spec.nodeSelector, spec.affinity?.nodeAffinity],
    preFilter({ pod }) {
      const { spec } = pod.pod
      if (!demanded && !hasNodeWishes(spec)) return 'skip'
      const nodes = nodeNamesAskedFor(spec)
      if (nodes?.size === 0) return { refusal: contradiction }
      return { state: undefined, ...(nodes && { nodes }) }
    },
    filter({ pod }, node) {
      if (!isAllowed(node)) return enforced
      return matchesNodeWishes(pod.spec, node) ? undefined : refusal
    },
    preScore: ({ pod }) =>
      preferredTerms(pod.pod.spec).length + preferredTerms(added).length > 0 ? { state: undefined } : 'skip',
    score: ({ pod }, node) => preferredNodeWeight(pod.spec, node) + preferredNodeWeight(added, node),
    normalize: scores => normalizeByLargest(scores, false),
    wakes: {
      node: (pod, { before, after }) =>
        after !== undefined && isAllowed(labelled(after)) && isWanted(after, pod) && !(before && isWanted(before, pod)),
    },
  }
}

function preferredTerms(spec: Parameters<typeof preferredNodeWeight>[0]) {
  return spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
}

const labelled = ({ metadata }: Node): LabelledNode => ({ name: metadata.name, labels: metadata.labels ?? {} })

function isWanted(node: Node, { pod }: PodInfo): boolean {
  return matchesNodeWishes(pod.spec, labelled(node))
}
