import { Node, type NodeCondition, type Taint } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore, isReason } from '../../api/errors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { timestamp } from '../../lib/clock.ts'
import { inParallel } from '../shared/in-parallel.ts'
import { podsOn } from '../shared/pods-by-node.ts'

/** Writes that a node is silent. Answers whether it is so: if the node was faster with a sign of life, it is not. */
export async function markUnknown(
  { client, log }: ReconcileContext,
  node: Node,
  conditions: NodeCondition[],
  silentInMs: number,
): Promise<boolean> {
  const text = `the kubelet has given no sign of life for ${Math.round(silentInMs / 1000)} s`
  const note = { rule: 'node-lifecycle/unknown', text, data: { silentInMs } }
  const status = { ...node.status, conditions }
  const updated = await client.updateStatus(Node, { ...node, status }, { note }).catch(ignore('Conflict', 'NotFound'))
  if (updated) log.warn({ node: node.metadata.name, silentInMs }, 'a node fell silent')
  return updated !== undefined
}

/** Pods of a silent node cannot be relied on: their Ready condition turns False, their phase stays. */
export async function markPodsNotReady({ client, lister, clock, events }: ReconcileContext, nodeName: string): Promise<void> {
  await inParallel(podsOn(lister, nodeName), async pod => {
    const condition = pod.status.conditions?.find(({ type }) => type === 'Ready')
    if (!condition || condition.status === 'False') return
    const patch = {
      metadata: { uid: pod.metadata.uid },
      status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: timestamp(clock.now()) }] },
    }
    const note = { rule: 'node-lifecycle/pod-not-ready', text: `its node ${nodeName} is not ready` }
    const patched = await client
      .patch(Pod, pod.metadata, 'strategic', patch, { subresource: 'status', note })
      .catch(ignore('NotFound', 'Conflict'))
    if (patched) events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
  })
}

const attempts = 4

/** Changes a node's taints, again on the newest version when somebody was faster: kubelets write their nodes all the time. */
export async function changeTaints(
  { client }: Pick<ReconcileContext, 'client'>,
  node: Node,
  taintsOf: (node: Node) => Taint[] | undefined,
  note: { rule: string; text: string },
): Promise<void> {
  for (let attempt = 1, current: Node | undefined = node; current; attempt++) {
    const taints = taintsOf(current)
    if (!taints) return
    try {
      await client.update(Node, { ...current, spec: { ...current.spec, taints } }, { note })
      return
    } catch (error) {
      if (isReason(error, 'NotFound')) return
      if (!isReason(error, 'Conflict') || attempt === attempts) throw error
      current = await client.get(Node, { name: node.metadata.name }).catch(ignore('NotFound'))
      if (current?.metadata.uid !== node.metadata.uid) return
    }
  }
}
