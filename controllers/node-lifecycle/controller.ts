import { Lease } from '../../api/coordination/lease.ts'
import { Node, type NodeCondition } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { isFinished } from '../shared/pod-state.ts'
import { observe, ready, type Sign, unknownConditions } from './health.ts'
import { noScheduleTaints, notReadyTaint, unreachableTaint, withNoExecute } from './taints.ts'
import { type Disruption, defaultLimits, disruptionOf, rateOf, zoneOf } from './zones.ts'

export interface NodeLifecycleOptions {
  /** How long a node may be silent (--node-monitor-grace-period). */
  readonly graceInMs?: number
  /** How long a new one may be (--node-startup-grace-period). */
  readonly startupGraceInMs?: number
  /** How often signs of life are looked at (--node-monitor-period). */
  readonly everyMs?: number
}

const leaseNamespace = 'kube-node-lease'
const podsByNode = 'node'

/** Puts NoSchedule taints on nodes as their conditions say, at once. */
export const nodeTaints: Controller = {
  name: 'node-taints',
  watches: [on(Node)],
  writes: [Node],
  async reconcile({ client, lister, clock }, name) {
    const node = lister(Node).get(name)
    const taints = node && noScheduleTaints(node, clock.now())
    if (!node || !taints) return
    const text = `its conditions call for the taints ${taints.map(({ key, effect }) => `${key}:${effect}`).join(', ') || 'none'}`
    const note = { rule: 'node-taints/conditions', text }
    await client.update(Node, { ...node, spec: { ...node.spec, taints } }, { note })
  },
}

/**
 * Watches over nodes: one whose lease and status have been silent for too long becomes Unknown, its pods become not ready, and it is
 * tainted NoExecute at the rate its zone allows (pkg/controller/nodelifecycle). One key stands for the whole cluster, since a zone's rate depends on all its nodes.
 */
export function nodeLifecycle({
  graceInMs = 50_000,
  startupGraceInMs = 60_000,
  everyMs = 5000,
}: NodeLifecycleOptions = {}): Controller {
  const signs = new Map<string, Sign>()
  /** When the next node of a zone may be tainted. */
  const nextTaintAt = new Map<string, number>()
  let wereAllDown = false

  return {
    name: 'node-lifecycle',
    watches: [],
    reads: [Node, Lease, Pod],
    writes: [Node, Pod],
    concurrency: 1,
    indexes: [{ kind: Pod, name: podsByNode, values: pod => [(pod as Pod).spec.nodeName ?? ''] }],
    periodic: { everyMs, keys: () => ['all nodes'] },

    async reconcile(context) {
      const nodes = context.lister(Node).list()
      const known = new Set(nodes.map(node => node.metadata.name))
      for (const name of signs.keys()) if (!known.has(name)) signs.delete(name)
      const current: Node[] = []
      for (const node of nodes) current.push(await monitor(context, node))

      const zones = new Map<string, Node[]>()
      for (const node of current) zones.set(zoneOf(node), [...(zones.get(zoneOf(node)) ?? []), node])
      const states = new Map([...zones].map(([zone, members]) => [zone, disruptionOf(members, defaultLimits)]))
      const areAllDown = states.size > 0 && [...states.values()].every(state => state === 'full')
      if (areAllDown && !wereAllDown)
        for (const node of current) await taint(context, node, undefined, 'every zone is down: nobody is evicted')
      if (!areAllDown && wereAllDown) for (const sign of signs.values()) sign.at = context.clock.now()
      wereAllDown = areAllDown
      if (!areAllDown) for (const [zone, members] of zones) await taintZone(context, zone, members, states.get(zone) ?? 'normal')
    },
  }

  /** Looks at one node; answers it as it is after that. */
  async function monitor(context: ReconcileContext, node: Node): Promise<Node> {
    const { name } = node.metadata
    const now = context.clock.now()
    const sign = observe(signs.get(name), node, context.lister(Lease).get(`${leaseNamespace}/${name}`), now)
    signs.set(name, sign)
    const silentInMs = now - sign.at
    const neverReported = ready(node) === undefined
    const conditions = silentInMs > (neverReported ? startupGraceInMs : graceInMs) ? unknownConditions(node, now) : undefined
    const observed = conditions ? await markUnknown(context, node, conditions, silentInMs) : node
    if (ready(observed)?.status !== 'True') await markPodsNotReady(context, name)
    return observed
  }

  async function taintZone(context: ReconcileContext, zone: string, members: readonly Node[], state: Disruption): Promise<void> {
    const perSecond = rateOf(state, members.length, defaultLimits)
    for (const node of members) {
      const status = ready(node)?.status
      const key = status === 'False' ? notReadyTaint : status === 'Unknown' ? unreachableTaint : undefined
      const has = (node.spec.taints ?? []).some(
        ({ key: other, effect }) => effect === 'NoExecute' && (other === notReadyTaint || other === unreachableTaint),
      )
      if (key !== undefined && !has) {
        const now = context.clock.now()
        if (perSecond === 0 || now < (nextTaintAt.get(zone) ?? 0)) continue
        nextTaintAt.set(zone, now + 1000 / perSecond)
      }
      if (status === undefined) continue
      const text = key
        ? `the node's Ready condition is ${status}: pods that do not tolerate ${key} are evicted`
        : 'the node is ready again'
      await taint(context, node, key, text)
    }
  }
}

async function markUnknown(
  { client, events, log }: ReconcileContext,
  node: Node,
  conditions: NodeCondition[],
  silentInMs: number,
): Promise<Node> {
  const { name } = node.metadata
  const text = `the kubelet has given no sign of life for ${Math.round(silentInMs / 1000)} s`
  const wasReady = ready(node)?.status === 'True'
  const note = { rule: 'node-lifecycle/unknown', text, data: { silentInMs } }
  const status = { ...node.status, conditions }
  const updated = await client.updateStatus(Node, { ...node, status }, { note }).catch(ignore('Conflict', 'NotFound'))
  log.warn({ node: name, silentInMs }, 'a node fell silent')
  if (wasReady) events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
  return updated ?? node
}

/** Pods of a node that is not ready cannot be relied on: their Ready condition turns False, their phase stays. */
async function markPodsNotReady({ client, lister, clock }: ReconcileContext, nodeName: string): Promise<void> {
  for (const pod of lister(Pod).by(podsByNode, nodeName)) {
    const condition = pod.status.conditions?.find(({ type }) => type === 'Ready')
    if (condition?.status !== 'True' || isFinished(pod)) continue
    const patch = {
      metadata: { uid: pod.metadata.uid },
      status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: timestamp(clock.now()) }] },
    }
    const note = { rule: 'node-lifecycle/pod-not-ready', text: `its node ${nodeName} is not ready` }
    await client
      .patch(Pod, pod.metadata, 'strategic', patch, { subresource: 'status', note })
      .catch(ignore('NotFound', 'Conflict'))
  }
}

async function taint({ client, clock }: ReconcileContext, node: Node, key: string | undefined, text: string): Promise<void> {
  const taints = withNoExecute(node.spec.taints ?? [], key, clock.now())
  if (!taints) return
  const note = { rule: 'node-lifecycle/no-execute', text }
  // Whoever was faster has changed the node; the next round looks again.
  await client.update(Node, { ...node, spec: { ...node.spec, taints } }, { note }).catch(ignore('Conflict', 'NotFound'))
}
