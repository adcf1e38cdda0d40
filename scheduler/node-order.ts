type Labels = Readonly<Record<string, string>>

/** Region and zone of a node as one word; the labels of old win (k8s.io/component-helpers/node/topology). Empty: it has neither. */
export function zoneOf(labels: Labels): string {
  const zone = labels['failure-domain.beta.kubernetes.io/zone'] ?? labels['topology.kubernetes.io/zone'] ?? ''
  const region = labels['failure-domain.beta.kubernetes.io/region'] ?? labels['topology.kubernetes.io/region'] ?? ''
  return zone || region ? `${region}:${zone}` : ''
}

/**
 * Deals nodes out zone by zone, the first of each, then the second of each, so that a search that ends early has seen every
 * zone. Zones in the order in which they first appear, nodes of a zone in the given order.
 */
export function roundRobinOverZones<T extends { readonly labels: Labels }>(nodes: Iterable<T>): T[] {
  const zones = new Map<string, T[]>()
  for (const node of nodes) {
    const zone = zoneOf(node.labels)
    const members = zones.get(zone)
    if (members) members.push(node)
    else zones.set(zone, [node])
  }
  if (zones.size === 1) return [...zones.values()].flat()
  const order: T[] = []
  let left = [...zones.values()]
  for (let round = 0; left.length > 0; round++) {
    left = left.filter(members => round < members.length)
    for (const members of left) order.push(members[round] as T)
  }
  return order
}
