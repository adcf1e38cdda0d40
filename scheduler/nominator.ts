import type { PodInfo } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'

type Nodes = Pick<Snapshot, 'byName' | 'topology'>

/** Which pods wait for victims to leave which node: others of lower priority must leave them that room. */
export interface Nominator {
  add(pod: PodInfo, nodeName: string): void
  /** Answers whom it removed. */
  remove(uid: string): PodInfo | undefined
  /** The same list until it changes. */
  on(nodeName: string): readonly PodInfo[]
  /** The same for nodes by their slots, kept up to date as long as the nodes of the snapshot stay the same. */
  bySlot(snapshot: Nodes): ReadonlyMap<number, readonly PodInfo[]>
  nodeOf(uid: string): string | undefined
}

const nobody: readonly PodInfo[] = []

export function nominator(): Nominator {
  const byNode = new Map<string, readonly PodInfo[]>()
  const nodes = new Map<string, string>()
  const bySlot = new Map<number, readonly PodInfo[]>()
  let placed: Nodes | undefined
  let topology = -1

  const settle = (nodeName: string) => {
    const slot = placed?.byName.get(nodeName)?.slot
    const pods = byNode.get(nodeName)
    if (slot === undefined) return
    if (pods) bySlot.set(slot, pods)
    else bySlot.delete(slot)
  }
  const self: Nominator = {
    add(pod, nodeName) {
      self.remove(pod.uid)
      nodes.set(pod.uid, nodeName)
      byNode.set(nodeName, [...(byNode.get(nodeName) ?? nobody), pod])
      settle(nodeName)
    },
    remove(uid) {
      const nodeName = nodes.get(uid)
      if (nodeName === undefined) return undefined
      nodes.delete(uid)
      const pods = byNode.get(nodeName) ?? nobody
      const left = pods.filter(pod => pod.uid !== uid)
      if (left.length > 0) byNode.set(nodeName, left)
      else byNode.delete(nodeName)
      settle(nodeName)
      return pods.find(pod => pod.uid === uid)
    },
    on: nodeName => byNode.get(nodeName) ?? nobody,
    bySlot(snapshot) {
      if (placed === snapshot && topology === snapshot.topology) return bySlot
      placed = snapshot
      topology = snapshot.topology
      bySlot.clear()
      for (const nodeName of byNode.keys()) settle(nodeName)
      return bySlot
    },
    nodeOf: uid => nodes.get(uid),
  }
  return self
}
