import type { Node } from '../api/core/node.ts'
import { addPod, type NodeInfo, nodeInfo, removePod, setNode } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import { liveSnapshot, type Snapshot } from './snapshot.ts'

/**
 * What the scheduler knows of nodes and of pods that have a place. A pod takes its place the moment it is decided (`assume`), long
 * before the API server has heard of it; the informer later confirms that, or `forget` undoes it. Pods are known by uid.
 */
export interface SchedulerCache {
  /** Throws when the pod is known already. */
  assume(pod: PodInfo, nodeName: string): void
  /** Undoes `assume`. Does nothing to pods that were confirmed. Answers whether it did something. */
  forget(uid: string): boolean
  /** A pod that the API says is on a node: new, confirmed, changed or on another node than assumed. */
  setPod(pod: PodInfo, nodeName: string): void
  /** Answers what was removed. */
  removePod(uid: string): PlacedPod | undefined
  pod(uid: string): PlacedPod | undefined
  setNode(node: Node): void
  /** Its pods keep their places until they are gone, too. */
  removeNode(name: string): void
  /** Everything as of now. There is one snapshot, brought up to date by each call. */
  snapshot(): Snapshot
  readonly pods: number
}

export interface PlacedPod {
  readonly pod: PodInfo
  readonly nodeName: string
  readonly isAssumed: boolean
}

export function schedulerCache(): SchedulerCache {
  const nodes = new Map<string, NodeInfo>()
  const placed = new Map<string, PlacedPod>()
  const changed = new Set<NodeInfo>()
  const snapshot = liveSnapshot()
  let generation = 0

  const touch = (info: NodeInfo) => {
    info.generation = ++generation
    changed.add(info)
  }
  const nodeCalled = (name: string) => {
    let info = nodes.get(name)
    if (!info) {
      info = nodeInfo(name)
      nodes.set(name, info)
    }
    return info
  }
  const place = (pod: PodInfo, nodeName: string, isAssumed: boolean) => {
    placed.set(pod.uid, { pod, nodeName, isAssumed })
    const info = nodeCalled(nodeName)
    addPod(info, pod)
    touch(info)
  }
  const unplace = (uid: string): PlacedPod | undefined => {
    const known = placed.get(uid)
    if (!known) return undefined
    placed.delete(uid)
    const info = nodeCalled(known.nodeName)
    removePod(info, uid)
    touch(info)
    if (!info.node && info.pods.length === 0) nodes.delete(info.name)
    return known
  }

  return {
    assume(pod, nodeName) {
      if (placed.has(pod.uid)) throw new Error(`pod ${pod.key} (${pod.uid}) is in the cache, so can't be assumed`)
      place(pod, nodeName, true)
    },
    forget(uid) {
      if (!placed.get(uid)?.isAssumed) return false
      unplace(uid)
      return true
    },
    setPod(pod, nodeName) {
      unplace(pod.uid)
      place(pod, nodeName, false)
    },
    removePod: unplace,
    pod: uid => placed.get(uid),
    setNode(node) {
      const info = nodeCalled(node.metadata.name)
      setNode(info, node)
      touch(info)
    },
    removeNode(name) {
      const info = nodes.get(name)
      if (!info) return
      info.node = undefined
      touch(info)
      if (info.pods.length === 0) nodes.delete(name)
    },
    snapshot() {
      if (changed.size > 0) {
        snapshot.refresh(changed)
        changed.clear()
      }
      return snapshot
    },
    get pods() {
      return placed.size
    },
  }
}
