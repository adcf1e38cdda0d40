import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** How many pods of some sort there are, by node and by topology domain. Good until the snapshot is brought up to date. */
export interface Tally {
  on(node: NodeInfo): number
  /** By the values of a node label; nodes without it are left out, values without such pods are there with 0. */
  byDomain(topologyKey: string): ReadonlyMap<string, number>
}

/**
 * Counts that spreading and affinity live on, kept from one pod to the next: only nodes that changed are counted again. The same
 * `id` must always mean the same `counts`.
 */
export interface Tallies {
  of(id: string, counts: (pod: PodInfo) => number): Tally
  /** This node's pods changed, or the node came or went. */
  invalidate(nodeName: string): void
}

interface Nodes {
  readonly nodes: readonly NodeInfo[]
  readonly byName: ReadonlyMap<string, NodeInfo>
  readonly topology: number
}

/** How many are kept; those not asked for longest make room. */
const capacity = 128

export function tallies(source: Nodes): Tallies {
  const kept = new Map<string, LiveTally>()
  return {
    of(id, counts) {
      const tally = kept.get(id) ?? liveTally(source, counts)
      kept.delete(id)
      kept.set(id, tally)
      const [oldest] = kept.keys()
      if (kept.size > capacity && oldest !== undefined) kept.delete(oldest)
      tally.refresh()
      return tally
    },
    invalidate(nodeName) {
      for (const tally of kept.values()) tally.stale.add(nodeName)
    },
  }
}

interface LiveTally extends Tally {
  readonly stale: Set<string>
  refresh(): void
}

function liveTally(source: Nodes, counts: (pod: PodInfo) => number): LiveTally {
  const byNode = new Map<string, number>()
  const domains = new Map<string, Map<string, number>>()
  const stale = new Set<string>()
  let topology = -1

  const countOn = (node: NodeInfo) => {
    let count = 0
    for (const pod of node.pods) count += counts(pod)
    return count
  }
  const countAll = () => {
    byNode.clear()
    domains.clear()
    for (const node of source.nodes) {
      const count = countOn(node)
      if (count > 0) byNode.set(node.name, count)
    }
    topology = source.topology
  }
  /** Only called while no node came, went or changed its labels. */
  const recount = (node: NodeInfo) => {
    const count = countOn(node)
    const change = count - (byNode.get(node.name) ?? 0)
    if (change === 0) return
    byNode.set(node.name, count)
    for (const [key, domain] of domains) {
      const value = node.labels[key]
      if (value !== undefined) domain.set(value, (domain.get(value) ?? 0) + change)
    }
  }

  return {
    stale,
    refresh() {
      if (topology !== source.topology) countAll()
      else
        for (const name of stale) {
          const node = source.byName.get(name)
          if (node) recount(node)
        }
      stale.clear()
    },
    on: node => byNode.get(node.name) ?? 0,
    byDomain(topologyKey) {
      let domain = domains.get(topologyKey)
      if (domain) return domain
      domain = new Map()
      for (const node of source.nodes) {
        const value = node.labels[topologyKey]
        if (value !== undefined) domain.set(value, (domain.get(value) ?? 0) + (byNode.get(node.name) ?? 0))
      }
      domains.set(topologyKey, domain)
      return domain
    },
  }
}
