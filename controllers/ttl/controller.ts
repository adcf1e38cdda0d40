import { Node } from '../../api/core/node.ts'
import type { Controller, ListerOf } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'

/** Tells each node for how many seconds its kubelet may trust what it knows of Secrets and ConfigMaps. */
const annotation = 'node.alpha.kubernetes.io/ttl'

/** From and up to how many nodes which number of seconds holds (pkg/controller/ttl). They overlap: a cluster of changing size shall not flap. */
const steps = [
  { from: 0, upTo: 100, seconds: 0 },
  { from: 90, upTo: 500, seconds: 15 },
  { from: 450, upTo: 1000, seconds: 30 },
  { from: 900, upTo: 2000, seconds: 60 },
  { from: 1800, upTo: Number.POSITIVE_INFINITY, seconds: 300 },
] as const

/** The step for so many nodes, coming from another one. */
export function stepFor(step: number, nodes: number): number {
  let next = step
  while (nodes > (steps[next]?.upTo ?? nodes)) next += 1
  while (nodes < (steps[next]?.from ?? nodes)) next -= 1
  return next
}

/** How many seconds hold at a step. */
export const secondsAt = (step: number): number => steps[step]?.seconds ?? 0

/** The larger the cluster, the longer kubelets may trust what they know. A node hears of it when it changes for some other reason. */
export function ttl(): Controller {
  let step = 0
  const wanted = (lister: ListerOf): string => {
    step = stepFor(step, lister(Node).size)
    return String(secondsAt(step))
  }
  const isTold = (node: Node, seconds: string) => {
    const told = node.metadata.annotations?.[annotation]
    return told !== undefined && /^[+-]?\d+$/.test(told) && Number(told) === Number(seconds)
  }
  return {
    name: 'ttl',
    watches: [
      on(Node, ({ type, object }, lister) => {
        const seconds = wanted(lister)
        return type === 'deleted' || isTold(object as Node, seconds) ? [] : [object.metadata.name]
      }),
    ],
    writes: [Node],
    async reconcile({ client, lister }, name) {
      const node = lister(Node).get(name)
      if (!node) return
      const seconds = wanted(lister)
      if (isTold(node, seconds)) return
      const text = `${lister(Node).size} nodes: what kubelets know may be ${seconds} seconds old`
      const patch = { metadata: { uid: node.metadata.uid, annotations: { [annotation]: seconds } } }
      await client.patch(Node, { name }, 'merge', patch, { note: { rule: 'ttl/size', text } })
    },
  }
}
