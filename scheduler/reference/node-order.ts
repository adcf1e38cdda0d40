import type { Node } from '../../api/core/node.ts'
import { labelsOf } from './cluster.ts'

function placeOf(node: Node): string {
  const labels = labelsOf(node)
  const region = labels['failure-domain.beta.kubernetes.io/region'] ?? labels['topology.kubernetes.io/region'] ?? ''
  const zone = labels['failure-domain.beta.kubernetes.io/zone'] ?? labels['topology.kubernetes.io/zone'] ?? ''
  return `${region} ${zone}`
}

/** The first node of each zone, then the second of each, and so on; zones as they first appear (backend/cache/node_tree.go). */
export function searchOrder(nodes: readonly Node[]): Node[] {
  const rank = (node: Node) => nodes.filter(other => placeOf(other) === placeOf(node)).indexOf(node)
  const zones = [...new Set(nodes.map(placeOf))]
  return [...nodes].sort((a, b) => rank(a) - rank(b) || zones.indexOf(placeOf(a)) - zones.indexOf(placeOf(b)))
}

/** How many feasible nodes end a search (schedule_one.go numFeasibleNodesToFind). */
export function enough(nodes: number): number {
  if (nodes < 100) return nodes
  return Math.max(100, Math.trunc((nodes * Math.max(5, 50 - Math.trunc(nodes / 125))) / 100))
}
