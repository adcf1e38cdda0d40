import { labelsOf, type ReferencePlugin } from './cluster.ts'
import { matchesTerm, wantsNode } from './node-selector.ts'
import { byLargest } from './normalize.ts'

const name = 'NodeAffinity'

/** nodeSelector and node affinity (plugins/nodeaffinity). */
export const nodeAffinity: ReferencePlugin = {
  name,
  weight: 2,
  /** When every term asks for node names, no other node can be right. */
  prepare({ spec }) {
    const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
    const perTerm = terms.map(({ matchFields = [] }) =>
      matchFields.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In').map(({ values = [] }) => values),
    )
    if (terms.length === 0 || perTerm.some(lists => lists.length === 0)) return undefined
    const names = perTerm.flatMap(([first = [], ...rest]) => first.filter(one => rest.every(list => list.includes(one))))
    if (names.length === 0) return { code: 'Unresolvable', plugin: name, reasons: ['pod affinity terms conflict'] }
    return new Set(names)
  },
  filter: (pod, node) =>
    wantsNode(pod, labelsOf(node), node.metadata.name)
      ? undefined
      : { code: 'Unresolvable', plugin: name, reasons: ["node(s) didn't match Pod's node affinity/selector"] },
  score(pod, nodes) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    const sums = nodes.map(node => {
      const matching = preferred.filter(({ preference }) => matchesTerm(preference, labelsOf(node), node.metadata.name))
      return matching.reduce((sum, { weight }) => sum + weight, 0)
    })
    return byLargest(sums, false)
  },
}
