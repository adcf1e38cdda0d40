import { type HeldTerms, heldTerms } from './held-terms.ts'
import { copyNodeInfo, type NodeInfo } from './node-info.ts'
import { roundRobinOverZones } from './node-order.ts'
import { type Tallies, tallies } from './tallies.ts'

/** All nodes as they were when the scheduling of a pod began. Nobody changes it under way. */
export interface Snapshot {
  /** In the order in which they are searched. */
  readonly nodes: readonly NodeInfo[]
  readonly byName: ReadonlyMap<string, NodeInfo>
  /** The affinity terms of the pods that are there. */
  readonly heldTerms: HeldTerms
  /** How many nodes have an image. */
  readonly imageCounts: ReadonlyMap<string, number>
  /** Changes when nodes come, go or change their labels. */
  readonly topology: number
  readonly tallies: Tallies
  /** Whether no node lacks a label. */
  isOnEveryNode(label: string): boolean
}

export interface LiveSnapshot extends Snapshot {
  /** Brings the given nodes of the cache up to date; costs as much as there are changed nodes. */
  refresh(changed: Iterable<NodeInfo>): void
}

export function liveSnapshot(): LiveSnapshot {
  const byName = new Map<string, NodeInfo>()
  const imageCounts = new Map<string, number>()
  let nodes: NodeInfo[] = []
  let places = new Map<string, number>()
  let topology = 0
  const everywhere = new Map<string, boolean>()
  const counts = tallies({
    get nodes() {
      return nodes
    },
    byName,
    get topology() {
      return topology
    },
  })

  const countImages = (before: NodeInfo | undefined, after: NodeInfo | undefined) => {
    if (before?.images === after?.images) return
    for (const name of before?.images.keys() ?? []) imageCounts.set(name, (imageCounts.get(name) ?? 0) - 1)
    for (const name of after?.images.keys() ?? []) imageCounts.set(name, (imageCounts.get(name) ?? 0) + 1)
  }
  const rebuildOrder = () => {
    nodes = roundRobinOverZones(byName.values())
    places = new Map(nodes.map((info, at) => [info.name, at]))
    everywhere.clear()
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
        snapshot.tallies.invalidate(info.name)
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
    heldTerms: heldTerms(counts),
    imageCounts,
    get topology() {
      return topology
    },
    tallies: counts,
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

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}
