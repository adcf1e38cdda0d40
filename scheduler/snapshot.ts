import { type HeldTerms, heldTerms } from './held-terms.ts'
import { copyNodeInfo, type NodeInfo } from './node-info.ts'
import { roundRobinOverZones } from './node-order.ts'
import { type Tallies, tallies } from './tallies.ts'
import { type Templates, templates } from './templates.ts'
import { type Topology, topologyOf } from './topology.ts'

/** All nodes as they were when the scheduling of a pod began. Nobody changes it under way. */
export interface Snapshot {
  /** In the order in which they are searched. */
  readonly nodes: readonly NodeInfo[]
  readonly byName: ReadonlyMap<string, NodeInfo>
  /** The slots of `nodes`, in the same order. */
  readonly slots: Int32Array
  /** The present generation of each node, by slot. */
  readonly generations: Int32Array
  /** The affinity terms of the pods that are there. */
  readonly heldTerms: HeldTerms
  /** How many nodes have an image. */
  readonly imageCounts: ReadonlyMap<string, number>
  /** Changes when nodes come, go or change their labels. */
  readonly topology: number
  readonly tallies: Tallies
  /** What pods of one template have in common on each node. */
  readonly templates: Templates
  /** The domains of a label. */
  topologyOf(key: string): Topology
  /** Whether no node lacks a label. */
  isOnEveryNode(label: string): boolean
}

export interface LiveSnapshot extends Snapshot {
  /** Brings the given nodes of the cache up to date; costs as much as there are changed nodes. */
  refresh(changed: Iterable<NodeInfo>): void
}

export function liveSnapshot(): LiveSnapshot {
  const byName = new Map<string, NodeInfo>()
  const bySlot: (NodeInfo | undefined)[] = []
  const freeSlots: number[] = []
  const imageCounts = new Map<string, number>()
  let nodes: NodeInfo[] = []
  let slots = new Int32Array(0)
  let generations = new Int32Array(0)
  let places = new Map<string, number>()
  let topology = 0
  const everywhere = new Map<string, boolean>()
  const topologies = new Map<string, Topology>()
  const domainsOf = (key: string) => {
    let domains = topologies.get(key)
    if (!domains) {
      domains = topologyOf(key, nodes, bySlot.length)
      topologies.set(key, domains)
    }
    return domains
  }
  const counts = tallies({
    get nodes() {
      return nodes
    },
    bySlot,
    get topology() {
      return topology
    },
    topologyOf: domainsOf,
  })
  /** A node keeps its slot as long as it is there. */
  const settle = (before: NodeInfo | undefined, after: NodeInfo | undefined) => {
    const slot = before?.slot ?? freeSlots.pop() ?? bySlot.length
    bySlot[slot] = after
    if (after) after.slot = slot
    else freeSlots.push(slot)
    if (slot >= generations.length) generations = grown(generations, slot + 1)
    generations[slot] = after?.generation ?? -1
    counts.invalidate(slot)
  }

  const countImages = (before: NodeInfo | undefined, after: NodeInfo | undefined) => {
    if (before?.images === after?.images) return
    for (const name of before?.images.keys() ?? []) imageCounts.set(name, (imageCounts.get(name) ?? 0) - 1)
    for (const name of after?.images.keys() ?? []) imageCounts.set(name, (imageCounts.get(name) ?? 0) + 1)
  }
  const rebuildOrder = () => {
    nodes = roundRobinOverZones(byName.values())
    places = new Map(nodes.map((info, at) => [info.name, at]))
    everywhere.clear()
    topologies.clear()
    slots = Int32Array.from(nodes, ({ slot }) => slot)
    topology++
  }

  const snapshot: LiveSnapshot = {
    refresh(changed) {
      let isReordered = false
      for (const info of changed) {
        const before = byName.get(info.name)
        const after = info.node && copyNodeInfo(info)
        snapshot.heldTerms.update(before, after)
        countImages(before, after)
        if (before || after) settle(before, after)
        if (after) byName.set(info.name, after)
        else byName.delete(info.name)
        const place = places.get(info.name)
        if (before && after && place !== undefined && sameLabels(before.labels, after.labels)) nodes[place] = after
        else isReordered ||= before !== after
      }
      if (isReordered) rebuildOrder()
    },
    get nodes() {
      return nodes
    },
    byName,
    get slots() {
      return slots
    },
    get generations() {
      return generations
    },
    heldTerms: heldTerms(counts),
    imageCounts,
    get topology() {
      return topology
    },
    tallies: counts,
    templates: templates(() => bySlot.length),
    topologyOf: domainsOf,
    isOnEveryNode(label) {
      let answer = everywhere.get(label)
      if (answer === undefined) {
        answer = nodes.every(({ labels }) => labels[label] !== undefined)
        everywhere.set(label, answer)
      }
      return answer
    },
  }
  return snapshot
}

/** A longer copy, long enough for some more. */
function grown(column: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(Math.max(64, length * 2))
  longer.set(column)
  return longer
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}
