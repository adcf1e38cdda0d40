import type { PodInfo } from './pod-info.ts'

/** Which pods wait for victims to leave which node: others of lower priority must leave them that room. */
export interface Nominator {
  add(pod: PodInfo, nodeName: string): void
  /** Answers whom it removed. */
  remove(uid: string): PodInfo | undefined
  on(nodeName: string): readonly PodInfo[]
  nodeOf(uid: string): string | undefined
}

const nobody: readonly PodInfo[] = []

export function nominator(): Nominator {
  const byNode = new Map<string, Map<string, PodInfo>>()
  const nodes = new Map<string, string>()
  const self: Nominator = {
    add(pod, nodeName) {
      self.remove(pod.uid)
      nodes.set(pod.uid, nodeName)
      const pods = byNode.get(nodeName)
      if (pods) pods.set(pod.uid, pod)
      else byNode.set(nodeName, new Map([[pod.uid, pod]]))
    },
    remove(uid) {
      const nodeName = nodes.get(uid)
      if (nodeName === undefined) return undefined
      nodes.delete(uid)
      const pods = byNode.get(nodeName)
      const pod = pods?.get(uid)
      pods?.delete(uid)
      if (pods?.size === 0) byNode.delete(nodeName)
      return pod
    },
    on: nodeName => (byNode.size === 0 ? nobody : [...(byNode.get(nodeName)?.values() ?? nobody)]),
    nodeOf: uid => nodes.get(uid),
  }
  return self
}
