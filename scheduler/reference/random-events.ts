import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Cluster, Nomination } from './cluster.ts'
import type { RandomCluster } from './random-cluster.ts'
import { words } from './random-terms.ts'

/** Who is told of what happens: a scheduler that keeps up with a cluster instead of looking at it anew. */
export interface Follower {
  setNode(node: Node): void
  removeNode(name: string): void
  setPod(pod: Pod): void
  removePod(uid: string): void
  /** A decision that the API has not confirmed yet, and its end. */
  assume(pod: Pod, nodeName: string): void
  forget(uid: string): void
  nominate(nomination: Nomination): void
  unnominate(uid: string): void
  put(list: keyof Cluster, object: object): void
  remove(list: keyof Cluster, object: object): void
}

/** A cluster to which things happen, one at a time. */
export interface History {
  /** As it is now; what was handed out before does not change. */
  cluster(): Cluster
  /** A pod without a node, which may bring a claim along. */
  newPod(): Pod
  /** Lets something happen, and answers what. */
  step(): string
}

type Events = Record<string, () => void>

/** The cluster as it is now, and changes of it that the follower is told of. */
function world({ cluster: start, ...made }: RandomCluster, follower: Follower) {
  let now = start
  const change = <K extends keyof Cluster>(list: K, items: Cluster[K]) => {
    now = { ...now, [list]: items }
  }
  const put = (list: 'pods' | 'nodes' | 'claims' | 'namespaces' | 'volumes', object: object, old?: object) => {
    const items: readonly object[] = now[list]
    change(list, (old ? items.map(item => (item === old ? object : item)) : [...items, object]) as never)
  }
  const remove = (list: keyof Cluster, object: object) => {
    const items: readonly object[] = now[list]
    change(list, items.filter(item => item !== object) as never)
  }
  const withClaims = (pod: Pod): Pod => {
    for (const claim of made.newClaims()) {
      put('claims', claim)
      follower.put('claims', claim)
    }
    return pod
  }
  return {
    now: () => now,
    change,
    put,
    remove,
    newPod: () => withClaims(made.newPod()),
    placedPod: (nodeName: string) => withClaims(made.placedPod(nodeName)),
    setPod(pod: Pod) {
      put(
        'pods',
        pod,
        now.pods.find(({ metadata }) => metadata.uid === pod.metadata.uid),
      )
      follower.setPod(pod)
    },
    removePod(pod: Pod) {
      remove('pods', pod)
      follower.removePod(pod.metadata.uid)
    },
    setNode(node: Node) {
      put(
        'nodes',
        node,
        now.nodes.find(({ metadata }) => metadata.name === node.metadata.name),
      )
      follower.setNode(node)
    },
  }
}

type World = ReturnType<typeof world>

function podEvents({ dice: { of, once } }: RandomCluster, follower: Follower, here: World): Events {
  const change = (edit: (metadata: Pod['metadata']) => object) => () => {
    const { metadata, ...pod } = of(...here.now().pods)
    here.setPod({ ...pod, metadata: { ...metadata, ...edit(metadata) } })
  }
  const aNode = () => of(...here.now().nodes).metadata.name
  return {
    'a pod came': () => here.setPod(here.placedPod(aNode())),
    'a pod was assumed': () => {
      const pod = here.placedPod(aNode())
      follower.assume(pod, pod.spec.nodeName ?? '')
      if (once(3)) follower.forget(pod.metadata.uid)
      else if (once(2)) here.put('pods', pod)
      else here.setPod(pod)
    },
    'a pod went': () => here.removePod(of(...here.now().pods)),
    'a pod changed its labels': change(({ labels }) => ({ labels: { ...labels, app: of(...words.apps), rev: of('1', '2') } })),
    'a pod began to leave': change(() => ({ deletionTimestamp: '2026-01-02T00:00:00Z' })),
    'a pod was nominated': () => {
      const nomination = { pod: here.newPod(), nodeName: aNode() }
      here.change('nominations', [...here.now().nominations, nomination])
      follower.nominate(nomination)
    },
    'the nominations ended': () => {
      for (const { pod } of here.now().nominations) follower.unnominate(pod.metadata.uid)
      here.change('nominations', [])
    },
  }
}

function nodeEvents({ dice: { of, once, below }, node: makeNode }: RandomCluster, follower: Follower, here: World): Events {
  const change = (part: 'spec' | 'status' | 'metadata') => () => {
    const node = of(...here.now().nodes)
    here.setNode({ ...node, [part]: makeNode(node.metadata.name)[part] })
  }
  return {
    'a node changed its labels': change('metadata'),
    'a node changed its taints': change('spec'),
    'a node changed its room and images': change('status'),
    'a node came': () => here.setNode(makeNode(`node-${below(14)}`)),
    'a node went': () => {
      const node = of(...here.now().nodes)
      here.remove('nodes', node)
      follower.removeNode(node.metadata.name)
      // Otherwise its pods stay for a while, on no node.
      if (once(2)) for (const pod of here.now().pods) if (pod.spec.nodeName === node.metadata.name) here.removePod(pod)
    },
  }
}

function otherEvents({ dice: { of } }: RandomCluster, follower: Follower, here: World): Events {
  return {
    'a namespace changed its labels': () => {
      const namespace = of(...here.now().namespaces)
      const changed = { ...namespace, metadata: { ...namespace.metadata, labels: { env: of('prod', 'test') } } }
      here.put('namespaces', changed, namespace)
      follower.put('namespaces', changed)
    },
    'a volume became free': () => {
      const { volumes } = here.now()
      if (volumes.length === 0) return
      const volume = of(...volumes)
      const changed = { ...volume, status: { ...volume.status, phase: 'Available' } }
      here.put('volumes', changed, volume)
      follower.put('volumes', changed)
    },
    'something else went': () => {
      const list = of(
        'services',
        'replicaSets',
        'statefulSets',
        'budgets',
        'csiNodes',
        'attachments',
        'capacities',
        'volumes',
        'claims',
      )
      const items: readonly object[] = here.now()[list]
      if (items.length === 0) return
      const gone = of(...items)
      here.remove(list, gone)
      follower.remove(list, gone)
    },
  }
}

const needsPod = new Set(['a pod went', 'a pod changed its labels', 'a pod began to leave'])

/** Lets random things happen to a random cluster, and tells a follower. */
export function history(made: RandomCluster, follower: Follower): History {
  const here = world(made, follower)
  const events: Events = {
    ...podEvents(made, follower, here),
    ...nodeEvents(made, follower, here),
    ...otherEvents(made, follower, here),
  }
  return {
    cluster: here.now,
    newPod: here.newPod,
    step() {
      const { nodes, pods } = here.now()
      const possible = Object.keys(events).filter(
        what => (what === 'a node came' || nodes.length > 0) && (!needsPod.has(what) || pods.length > 0),
      )
      const what = made.dice.of(...possible)
      events[what]?.()
      return what
    },
  }
}
