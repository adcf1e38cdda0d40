import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { Service } from '../api/core/service.ts'
import type { Change, Informer, Informers } from '../client/informer.ts'

/** The pods of one node, as the API has them. */
export interface PodSource {
  list(): readonly Pod[]
  /** Calls back with what is there and with every change from then on. Answers how to stop. */
  subscribe(handler: (changes: readonly Change<Pod>[]) => void): () => void
}

/** What a kubelet reads of the API. */
export interface KubeletSources {
  readonly pods: PodSource
  readonly node: () => Node | undefined
  readonly services: () => readonly Service[]
  /** Resolves when the first lists are in. */
  synced(signal: AbortSignal): Promise<void>
}

/** For a process with few nodes: its own watches, narrowed to the node. Ask before the informers run, or while they do. */
export function ownSources(informers: Informers, nodeName: string): KubeletSources {
  const pods = informers.of(Pod, { fieldSelector: `spec.nodeName=${nodeName}` })
  const nodes = informers.of(Node, { fieldSelector: `metadata.name=${nodeName}` })
  const services = informers.of(Service)
  return {
    pods: { list: () => pods.lister.list(), subscribe: handler => pods.subscribe(handler) },
    node: () => nodes.lister.get(nodeName),
    services: () => services.lister.list(),
    synced: signal => allSynced([pods, nodes, services], signal),
  }
}

/** For a process with very many nodes: one watch of all pods and one of all nodes, shared; answers the sources of each node. */
export function sharedSources(informers: Informers): (nodeName: string) => KubeletSources {
  const pods = informers.of(Pod)
  const nodes = informers.of(Node)
  const services = informers.of(Service)
  pods.index('nodeName', pod => (pod.spec.nodeName ? [pod.spec.nodeName] : []))
  const handlers = new Map<string, (changes: readonly Change<Pod>[]) => void>()
  let isSubscribed = false

  const dispatch = (changes: readonly Change<Pod>[]) => {
    const byNode = new Map<string, Change<Pod>[]>()
    for (const change of changes) {
      const { nodeName } = change.object.spec
      if (!nodeName || !handlers.has(nodeName)) continue
      const ofNode = byNode.get(nodeName)
      if (ofNode) ofNode.push(change)
      else byNode.set(nodeName, [change])
    }
    for (const [nodeName, ofNode] of byNode) handlers.get(nodeName)?.(ofNode)
  }

  return nodeName => ({
    pods: {
      list: () => pods.lister.by('nodeName', nodeName),
      subscribe(handler) {
        handlers.set(nodeName, handler)
        const present = pods.lister.by('nodeName', nodeName)
        handler(present.map(object => ({ type: 'added', object, revision: Number(object.metadata.resourceVersion) })))
        if (!isSubscribed) {
          isSubscribed = true
          pods.subscribe(dispatch)
        }
        return () => void handlers.delete(nodeName)
      },
    },
    node: () => nodes.lister.get(nodeName),
    services: () => services.lister.list(),
    synced: signal => allSynced([pods, nodes, services], signal),
  })
}

async function allSynced(informers: readonly Pick<Informer, 'synced'>[], signal: AbortSignal): Promise<void> {
  await Promise.all(informers.map(informer => informer.synced(signal)))
}
