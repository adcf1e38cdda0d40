import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import { type DomainCounts, domainCounts, type Topology } from './topology.ts'

/** How many pods of some sort there are, by node and by topology domain. Good until the snapshot is brought up to date. */
export interface Tally {
  on(node: NodeInfo): number
  /** By the values of a node label; nodes without it are left out, values without such pods are there with 0. */
  byDomain(topologyKey: string): DomainCounts
}

/**
 * Counts that spreading and affinity live on, kept from one pod to the next: only pods that came or went are counted again. The same
 * `id` must always mean the same `counts`.
 */
export interface Tallies {
  of(id: string, counts: (pod: PodInfo) => number): Tally
  /** This node's pods changed. */
  invalidate(slot: number): void
}

interface Nodes {
  readonly nodes: readonly NodeInfo[]
  /** By slot. */
  readonly bySlot: readonly (NodeInfo | undefined)[]
  readonly topology: number
  topologyOf(key: string): Topology
}

/** How many are kept; those not asked for longest make room. */
const capacity = 128

/** So many changes are remembered at least; who has missed more counts everything again. */
const shortestMemory = 4096

export function tallies(source: Nodes): Tallies {
  const kept = new Map<string, LiveTally>()
  /** The slots that changed, the oldest first, after so many that are forgotten. */
  let changed: number[] = []
  let forgotten = 0
  const changes: Changes = {
    get now() {
      return forgotten + changed.length
    },
    since: then => (then < forgotten ? undefined : changed.slice(then - forgotten)),
  }
  return {
    of(id, counts) {
      let tally = kept.get(id)
      if (!tally) {
        tally = liveTally(source, changes, counts)
        kept.set(id, tally)
        const [oldest] = kept.keys()
        if (kept.size > capacity && oldest !== undefined) kept.delete(oldest)
      } else if (kept.size === capacity) {
        kept.delete(id)
        kept.set(id, tally)
      }
      tally.refresh()
      return tally
    },
    invalidate(slot) {
      if (kept.size === 0) return
      changed.push(slot)
      if (changed.length < 2 * Math.max(shortestMemory, source.nodes.length)) return
      const half = changed.length >> 1
      changed = changed.slice(half)
      forgotten += half
    },
  }
}

interface Changes {
  readonly now: number
  /** `undefined`: not known any more. */
  since(then: number): readonly number[] | undefined
}

interface LiveTally extends Tally {
  refresh(): void
}

const nobody: readonly PodInfo[] = []

function liveTally(source: Nodes, changes: Changes, counts: (pod: PodInfo) => number): LiveTally {
  /** By slot: how many there are, and the pods that were counted. */
  let byNode: number[] = []
  let counted: (readonly PodInfo[])[] = []
  const domains = new Map<string, DomainCounts>()
  let topology = -1
  let upTo = 0

  const countAll = () => {
    byNode = new Array<number>(source.bySlot.length).fill(0)
    counted = new Array<readonly PodInfo[]>(source.bySlot.length).fill(nobody)
    domains.clear()
    topology = source.topology
    for (const node of source.nodes) recount(node)
  }
  /** Pods keep their places in the list of a node, so that what came or went stands where the lists differ. */
  const recount = ({ slot, pods }: NodeInfo) => {
    const before = counted[slot] ?? nobody
    if (before === pods) return
    let change = 0
    for (let i = 0; i < pods.length; i++) {
      const pod = pods[i] as PodInfo
      const other = before[i]
      if (pod === other) continue
      change += counts(pod)
      if (other) change -= counts(other)
    }
    for (let i = pods.length; i < before.length; i++) change -= counts(before[i] as PodInfo)
    counted[slot] = pods
    if (change === 0) return
    byNode[slot] = (byNode[slot] ?? 0) + change
    for (const domain of domains.values()) domain.add(slot, change)
  }

  return {
    refresh() {
      const now = changes.now
      const missed = topology === source.topology ? changes.since(upTo) : undefined
      if (!missed) countAll()
      else
        for (const slot of missed) {
          const node = source.bySlot[slot]
          if (node) recount(node)
        }
      upTo = now
    },
    on: node => byNode[node.slot] ?? 0,
    byDomain(topologyKey) {
      let domain = domains.get(topologyKey)
      if (domain) return domain
      domain = domainCounts(source.topologyOf(topologyKey))
      for (const node of source.nodes) domain.add(node.slot, byNode[node.slot] ?? 0)
      domains.set(topologyKey, domain)
      return domain
    },
  }
}
