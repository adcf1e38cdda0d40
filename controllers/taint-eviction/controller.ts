import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'
import { on } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import { podsByNode, podsOn } from '../shared/pods-by-node.ts'
import { allowedStay } from './plan.ts'

const noExecute = (node: Node) => (node.spec.taints ?? []).filter(taint => taint.effect === 'NoExecute')

/** Deletes pods from nodes whose NoExecute taints they do not tolerate, now or when their toleration runs out. */
export function taintEviction(): Controller {
  /** When each pod's stay began to count, by key; a change of the pod does not start it over, another pod of the name does. */
  const counting = new Map<string, { uid: string; since: number }>()

  return {
    name: 'taint-eviction',
    watches: [on(Pod, concerned), on(Node, podsOf)],
    writes: [Pod],
    indexes: [podsByNode],

    async reconcile(context, key) {
      const { lister, clock, events } = context
      const pod = lister(Pod).get(key)
      if (!pod || pod.metadata.deletionTimestamp) {
        counting.delete(key)
        return
      }
      const node = pod.spec.nodeName ? lister(Node).get(pod.spec.nodeName) : undefined
      if (!node) {
        counting.delete(key) // pods of a node that is gone are not ours
        return
      }
      const taints = noExecute(node)
      const stay = taints.length === 0 ? undefined : allowedStay(pod.spec.tolerations ?? [], taints)
      const { uid } = pod.metadata
      if (stay === undefined) {
        if (counting.delete(key)) events.record(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`)
        return
      }
      const now = clock.monotonic()
      const known = counting.get(key)
      const since = known?.uid === uid ? known.since : now
      counting.set(key, { uid, since })
      const left = since + stay - now
      if (left > 0) return { requeueAfterMs: left }
      await evict(
        context,
        pod,
        taints.map(taint => taint.key),
      )
      counting.delete(key)
    },
  }

  /** Most changes of pods concern nobody here. */
  function concerned({ object }: Change, lister: ReconcileContext['lister']): readonly string[] {
    const key = keyOf(object)
    return counting.has(key) || isOnTaintedNode(object as Pod, lister) ? [key] : []
  }
}

function isOnTaintedNode({ spec }: Pod, lister: ReconcileContext['lister']): boolean {
  const node = spec.nodeName ? lister(Node).get(spec.nodeName) : undefined
  return node?.spec.taints?.some(({ effect }) => effect === 'NoExecute') ?? false
}

/** A node's pods are looked at again when its NoExecute taints changed. */
function podsOf({ type, object, previous }: Change, lister: ReconcileContext['lister']): string[] {
  const now = type === 'deleted' ? [] : noExecute(object as Node)
  const before = previous ? noExecute(previous as Node) : []
  if (deepEqual(now, before)) return []
  return podsOn(lister, object.metadata.name).map(keyOf)
}

async function evict({ client, clock, events }: ReconcileContext, pod: Pod, taints: readonly string[]): Promise<void> {
  const { uid, namespace, name } = pod.metadata
  events.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
  const note = {
    rule: 'taint-eviction/evict',
    text: `it does not tolerate ${taints.join(', ')} on ${pod.spec.nodeName} any longer`,
  }
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    observedGeneration: pod.metadata.generation,
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: timestamp(clock.now()),
  }
  const patch = { metadata: { uid }, status: { conditions: [condition] } }
  await client.patch(Pod, pod.metadata, 'strategic', patch, { subresource: 'status', note }).catch(ignore('NotFound', 'Conflict'))
  await client.delete(Pod, pod.metadata, { preconditions: { uid }, note }).catch(ignore('NotFound', 'Conflict'))
}
