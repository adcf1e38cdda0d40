import type { NodeInfo } from './node-info.ts'

/** Which domain each node is in by one label: the values of the label as small numbers, by slot; -1: the node lacks the label. */
export interface Topology {
  readonly key: string
  readonly domainOf: Int32Array
  readonly domains: number
}

export function topologyOf(key: string, nodes: readonly NodeInfo[], slots: number): Topology {
  const domainOf = new Int32Array(slots).fill(-1)
  const known = new Map<string, number>()
  for (const { labels, slot } of nodes) {
    const value = labels[key]
    if (value === undefined) continue
    let domain = known.get(value)
    if (domain === undefined) {
      domain = known.size
      known.set(value, domain)
    }
    domainOf[slot] = domain
  }
  return { key, domainOf, domains: known.size }
}

/** How many there are in each domain. A domain is there as soon as one of its nodes was added, be it with 0. */
export interface DomainCounts {
  readonly topology: Topology
  /** 0 for a domain that is not there; `undefined` for a node without the label. */
  at(node: NodeInfo): number | undefined
  /** How many domains are there. */
  readonly size: number
  /** Of the emptiest domain; infinity when there is none. */
  readonly least: number
  /** Whether any domain has one. */
  readonly isAnywhere: boolean
  add(slot: number, by: number): void
  /** By number instead of by node; `undefined`: it is not there. */
  inDomain(domain: number): number | undefined
  /** How many domains have so many. */
  having(count: number): number
}

export function domainCounts(topology: Topology): DomainCounts {
  const { domainOf } = topology
  /** By domain; -1: it is not there. */
  const counts = new Int32Array(topology.domains).fill(-1)
  /** Keeps the least at hand while counts go up and down. */
  const having: number[] = [0]
  let size = 0
  let least = Number.POSITIVE_INFINITY
  return {
    topology,
    get size() {
      return size
    },
    get least() {
      return least
    },
    get isAnywhere() {
      return size > (having[0] ?? 0)
    },
    at({ slot }) {
      const domain = domainOf[slot] as number
      if (!(domain >= 0)) return undefined
      const count = counts[domain] as number
      return count > 0 ? count : 0
    },
    add(slot, by) {
      const domain = domainOf[slot] ?? -1
      if (domain < 0) return
      let before = counts[domain] as number
      if (before < 0) {
        size++
        before = 0
        having[0] = (having[0] ?? 0) + 1
        least = 0
      }
      const after = before + by
      counts[domain] = after
      if (by === 0) return
      having[before] = (having[before] ?? 0) - 1
      having[after] = (having[after] ?? 0) + 1
      if (after < least) least = after
      else while (least < having.length - 1 && !having[least]) least++
    },
    inDomain(domain) {
      const count = counts[domain] ?? -1
      return count < 0 ? undefined : count
    },
    having: count => having[count] ?? 0,
  }
}

/** Counts with what-if changes, kept beside what was counted. */
export interface WhatIfCounts extends Pick<DomainCounts, 'at' | 'size' | 'least' | 'isAnywhere'> {
  readonly topologyKey: string
  change(node: NodeInfo, by: number): void
  copy(): WhatIfCounts
}

export function whatIf(counted: DomainCounts, changes: Map<number, number> = new Map()): WhatIfCounts {
  const { domainOf, key } = counted.topology
  const changed = () =>
    [...changes].flatMap(([domain, by]) => {
      const before = counted.inDomain(domain)
      return before === undefined ? [] : [{ before, after: before + by }]
    })
  return {
    topologyKey: key,
    at(node) {
      const count = counted.at(node)
      return changes.size === 0 || count === undefined ? count : count + (changes.get(domainOf[node.slot] as number) ?? 0)
    },
    size: counted.size,
    get least() {
      if (changes.size === 0) return counted.least
      const others = changed()
      const leastChanged = others.reduce((least, { after }) => Math.min(least, after), Number.POSITIVE_INFINITY)
      if (others.length === counted.size) return leastChanged
      let least = counted.least
      while (least < leastChanged && counted.having(least) === others.filter(({ before }) => before === least).length) least++
      return Math.min(least, leastChanged)
    },
    get isAnywhere() {
      if (changes.size === 0) return counted.isAnywhere
      const others = changed()
      const empty = counted.having(0) - others.filter(({ before }) => before === 0).length
      return counted.size - others.length > empty || others.some(({ after }) => after > 0)
    },
    change(node, by) {
      const domain = domainOf[node.slot] ?? -1
      if (domain >= 0) changes.set(domain, (changes.get(domain) ?? 0) + by)
    },
    copy: () => whatIf(counted, new Map(changes)),
  }
}
