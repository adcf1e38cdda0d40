import { Lease } from '../../api/coordination/lease.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { inParallel } from '../shared/in-parallel.ts'
import { podsByNode } from '../shared/pods-by-node.ts'
import { changeTaints, markPodsNotReady, markUnknown } from './consequences.ts'
import { observe, ready, type Sign, unknownConditions } from './health.ts'
import { roster } from './roster.ts'
import { noExecuteKey, noExecuteStep, withNoExecute } from './taints.ts'
import {
  defaultLimits,
  disruptionOf,
  isExcluded,
  type Limiter,
  letThrough,
  rateOf,
  type Tally,
  withRate,
  zoneOf,
} from './zones.ts'

export interface NodeLifecycleOptions {
  /** How long a node may be silent (--node-monitor-grace-period). */
  readonly graceInMs?: number
  /** How long a new one may be (--node-startup-grace-period). */
  readonly startupGraceInMs?: number
  /** How often signs of life are looked at (--node-monitor-period). */
  readonly everyMs?: number
}

const leasePrefix = 'kube-node-lease/'

/** What one look at all nodes found. */
interface Round {
  readonly silent: Node[]
  readonly toRemove: Node[]
  readonly toSwap: Node[]
  readonly zones: Map<string, Tally>
}

/**
 * Watches over nodes: one whose lease and status have been silent for too long becomes Unknown, its pods become not ready, and it is
 * tainted NoExecute at the rate its zone allows (pkg/controller/nodelifecycle). One key stands for all nodes, since a zone's rate depends
 * on all of them.
 */
export function nodeLifecycle({
  graceInMs = 50_000,
  startupGraceInMs = 60_000,
  everyMs = 5000,
}: NodeLifecycleOptions = {}): Controller {
  const registered = roster()
  const signs = new Map<string, Sign>()
  /** Nodes that wait for their NoExecute taint, first come first served. */
  const queue = new Set<string>()
  const limiters = new Map<string, Limiter>()
  /** Nodes whose pods could not all be marked. */
  const unmarked = new Set<string>()
  let wereAllDown = false

  return {
    name: 'node-lifecycle',
    watches: [],
    reads: [Node, Lease, Pod],
    writes: [Node, Pod],
    concurrency: 1,
    indexes: [podsByNode],
    periodic: { everyMs, keys: () => ['all nodes'] },

    async reconcile(context) {
      const { clock } = context
      const nodes = context.lister(Node).list()
      const { gone } = registered.compare(nodes, context.events)
      for (const name of gone) for (const known of [signs, queue, unmarked]) known.delete(name)

      const round = look(context, nodes)
      await inParallel(round.silent, node => onSilence(context, node))
      await inParallel(round.toRemove, node => setTaint(context, node, 'the node is ready again'))
      await inParallel(round.toSwap, node => setTaint(context, node, `its Ready condition is now ${ready(node)?.status}`))

      const tallies = [...round.zones.values()]
      const areAllDown = tallies.length > 0 && tallies.every(tally => disruptionOf(tally, defaultLimits) === 'full')
      if (areAllDown && !wereAllDown) await standStill(context, nodes)
      if (!areAllDown && wereAllDown) for (const sign of signs.values()) sign.at = clock.monotonic()
      wereAllDown = areAllDown
      for (const [zone, tally] of round.zones) {
        const rate = rateOf(tally, areAllDown, defaultLimits)
        limiters.set(zone, withRate(limiterOf(zone), rate, clock.monotonic()))
      }
      await taintNext(context)
    },
  }

  /** Looks at every node, thousands of them every few seconds: without waiting, and making next to nothing per healthy node. */
  function look({ clock, lister }: ReconcileContext, nodes: readonly Node[]): Round {
    const round: Round = { silent: [], toRemove: [], toSwap: [], zones: new Map() }
    const leases = lister(Lease)
    const now = clock.monotonic()
    const wallNow = clock.now()
    for (const node of nodes) {
      const { name } = node.metadata
      const known = signs.get(name)
      const sign = observe(known, node, leases.get(leasePrefix + name), now, wallNow)
      if (sign !== known) signs.set(name, sign)
      const condition = ready(node)
      const isSilent = now - sign.at > (condition ? graceInMs : startupGraceInMs)
      if (condition?.status === 'True' && !isSilent) unmarked.delete(name)
      if ((isSilent && condition?.status !== 'Unknown') || unmarked.has(name)) round.silent.push(node)
      if (!isExcluded(node)) count(round.zones, zoneOf(node), condition?.status === 'True' && !isSilent)

      const step = noExecuteStep(node)
      if (step === 'queue') queue.add(name)
      else if (queue.size > 0) queue.delete(name)
      if (step === 'remove') round.toRemove.push(node)
      if (step === 'swap') round.toSwap.push(node)
    }
    return round
  }

  /** A node is silent: it becomes Unknown, and, this one time, its pods not ready. */
  async function onSilence(context: ReconcileContext, node: Node): Promise<void> {
    const { name } = node.metadata
    const { clock, events, log } = context
    const conditions = unknownConditions(node, clock.now())
    if (conditions) {
      const silentInMs = clock.monotonic() - (signs.get(name)?.at ?? 0)
      if (!(await markUnknown(context, node, conditions, silentInMs)) || ready(node)?.status !== 'True') return
      events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
    }
    try {
      await markPodsNotReady(context, name)
      unmarked.delete(name)
    } catch (err) {
      unmarked.add(name)
      log.warn({ err, node: name }, 'not all pods of a silent node could be marked')
    }
  }

  /** Every zone has just gone down: more likely we are cut off than all of them, so nobody is evicted. */
  async function standStill(context: ReconcileContext, nodes: readonly Node[]): Promise<void> {
    queue.clear()
    const note = { rule: 'node-lifecycle/all-down', text: 'every zone is down: nobody is evicted' }
    const bare = (node: Node) => withNoExecute(node.spec.taints ?? [], undefined, 0)
    await inParallel(nodes.filter(bare), node => changeTaints(context, node, bare, note))
  }

  /** Taints as many of those who wait as their zones allow. */
  async function taintNext(context: ReconcileContext): Promise<void> {
    for (const name of queue) {
      const node = context.lister(Node).get(name)
      if (!node) continue
      const zone = zoneOf(node)
      const after = letThrough(limiterOf(zone), context.clock.monotonic())
      if (!after) continue
      limiters.set(zone, after)
      queue.delete(name)
      const text = `its Ready condition is ${ready(node)?.status}: pods that do not tolerate ${noExecuteKey(node)} are evicted`
      await setTaint(context, node, text)
    }
  }

  function limiterOf(zone: string): Limiter {
    return limiters.get(zone) ?? { rate: defaultLimits.rate, nextAt: 0 }
  }

  function setTaint(context: ReconcileContext, node: Node, text: string): Promise<void> {
    const wanted = (current: Node) => withNoExecute(current.spec.taints ?? [], noExecuteKey(current), context.clock.now())
    return changeTaints(context, node, wanted, { rule: 'node-lifecycle/no-execute', text })
  }
}

function count(zones: Map<string, Tally>, zone: string, isReady: boolean): void {
  let tally = zones.get(zone)
  if (!tally) zones.set(zone, (tally = { ready: 0, down: 0 }))
  if (isReady) tally.ready += 1
  else tally.down += 1
}
