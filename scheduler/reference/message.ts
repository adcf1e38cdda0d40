import type { Pod } from '../../api/core/pod.ts'
import type { Cluster } from './cluster.ts'
import { asFound } from './cluster.ts'
import { check, type Filtered } from './decision.ts'

/** `3 Insufficient cpu, 4 node(s) were unschedulable`: how many nodes gave each reason, sorted as text. */
export function histogram(reasons: readonly string[]): string {
  const different = [...new Set(reasons)]
  return different
    .map(reason => `${reasons.filter(one => one === reason).length} ${reason}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join(', ')
}

/** Why no node takes a pod (framework/types.go FitError); `whyNoRoom`: what came of preemption. */
export function failureMessage(pod: Pod, cluster: Cluster, { prepared, preFilter, answers }: Filtered, whyNoRoom = ''): string {
  if (cluster.nodes.length === 0) return 'no nodes available to schedule pods'
  const reasons = [...answers.values()].flatMap(refusal => refusal?.reasons ?? [])
  if (prepared)
    for (const node of cluster.nodes) {
      if (answers.has(node)) continue
      // The nominated node is asked first, in question or not.
      const isNominated = node.metadata.name === pod.status.nominatedNodeName
      const own = isNominated ? check(prepared, pod, node, asFound(cluster))?.reasons : undefined
      reasons.push(...(own ?? ["node(s) didn't satisfy plugin(s) [NodeAffinity]"]))
    }
  const why = preFilter ? preFilter.reasons.join(', ') : histogram(reasons)
  return `0/${cluster.nodes.length} nodes are available:${why && ` ${why}.`}${whyNoRoom && ` ${whyNoRoom}`}`
}
