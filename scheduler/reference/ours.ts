import type { Pod } from '../../api/core/pod.ts'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import { schedulerCache } from '../cache.ts'
import { type Filters, prepareFilters } from '../filters.ts'
import { type Cycle, isRefusal, type Refusal, type WeightedPlugin } from '../framework.ts'
import { unschedulableMessage } from '../messages.ts'
import type { NodeInfo } from '../node-info.ts'
import { nominator } from '../nominator.ts'
import { budgetsFrom } from '../plugins/budgets.ts'
import { selectVictims } from '../plugins/victims.ts'
import { podInfo } from '../pod-info.ts'
import { defaultProfile } from '../profile.ts'
import { search } from '../search.ts'
import type { Cluster, Nomination } from './cluster.ts'
import { deletions, surroundings } from './our-surroundings.ts'
import type { Follower } from './random-events.ts'

export interface OurPlacement {
  readonly nodeName: string
  readonly feasible: number
  /** The best few, best first; none when there was nothing to choose. */
  readonly ranked: readonly { readonly nodeName: string; readonly score: number }[]
}

export interface OurFailure {
  readonly message: string
  readonly nominatedNode: string
  /** Whom it deletes, `namespace/name`, sorted. */
  readonly victims: readonly string[]
  /** The uids of those whose nomination it takes back. */
  readonly takenBack: readonly string[]
}

export interface OurVictims {
  readonly node: string
  readonly pods: readonly string[]
  readonly violations: number
}

/** Cache, nominator and plugins around a cluster, and what keeps them up with it. */
function parts(cluster: Cluster, seed: number) {
  const { informers, put, remove } = surroundings(cluster)
  const cache = schedulerCache()
  const nominated = nominator()
  const random = seededRandom(seed)
  const breather = { isDue: () => false, rest: async () => {} }
  const { names: deleted, client } = deletions()
  const started: Promise<void>[] = []
  const sideTasks = {
    start: (task: () => Promise<void>) => void started.push(task()),
    hasRoom: true,
    ended: async () => {},
    idle: async () => {},
  }
  const { plugins } = defaultProfile({
    client,
    informers,
    events: { record: () => {} },
    clock: virtualClock(),
    random,
    log: silentLog,
    nominator: nominated,
    breather,
    sideTasks,
    activate: () => {},
  })

  for (const node of cluster.nodes) cache.setNode(node)
  for (const pod of cluster.pods) cache.setPod(podInfo(pod), pod.spec.nodeName ?? '')
  const nominations = new Map<string, Nomination>()
  const nominate = (nomination: Nomination) => {
    nominations.set(nomination.pod.metadata.uid, nomination)
    nominated.add(podInfo(nomination.pod), nomination.nodeName)
  }
  for (const nomination of cluster.nominations) nominate(nomination)

  const follower: Follower = {
    setNode: cache.setNode,
    removeNode: cache.removeNode,
    setPod: pod => cache.setPod(podInfo(pod), pod.spec.nodeName ?? ''),
    removePod: cache.removePod,
    assume: (pod, nodeName) => cache.assume(podInfo(pod), nodeName),
    forget: cache.forget,
    nominate,
    unnominate(uid) {
      nominations.delete(uid)
      nominated.remove(uid)
    },
    put,
    remove,
  }
  /** Waits for what was started on the side; answers whom that deleted, and whose nominations it took back, which it restores. */
  const aftermath = async () => {
    await Promise.all(started.splice(0))
    const victims = [...deleted].sort()
    deleted.clear()
    const takenBack = [...nominations.values()].filter(({ pod: { metadata } }) => !nominated.nodeOf(metadata.uid))
    for (const nomination of takenBack) nominate(nomination)
    return { victims, takenBack: takenBack.map(({ pod: { metadata } }) => metadata.uid) }
  }
  return { cache, nominator: nominated, plugins, random, breather, budgets: budgetsFrom(informers), follower, aftermath }
}

/** Our scheduler around a cluster that changes: its cache, its profile and its search, without queue and API server. */
export function ourScheduler(cluster: Cluster, seed: number) {
  const { cache, plugins, budgets, follower, aftermath, ...dependencies } = parts(cluster, seed)
  const plain = plugins.map(({ plugin }) => plugin)
  const cycleOf = (pod: Pod): Cycle => ({ pod: podInfo(pod), snapshot: cache.snapshot() })
  const filtersFor = (cycle: Cycle) => prepareFilters(plain, dependencies.nominator, cycle)

  return {
    follower,

    /** What each node says, by name; a refusal when a plugin speaks for all nodes. Nodes out of the question are absent. */
    filter(pod: Pod): Refusal | ReadonlyMap<string, Refusal | undefined> {
      const cycle = cycleOf(pod)
      const filters = filtersFor(cycle)
      if (isRefusal(filters)) return filters
      const inQuestion = cycle.snapshot.nodes.filter(({ name }) => filters.nodes?.has(name) ?? true)
      return new Map(inQuestion.map(node => [node.name, filters.check(node)]))
    },
    /** The points each scoring plugin gives to some nodes, by plugin and node. */
    scores(pod: Pod, names: readonly string[]): Record<string, Record<string, number>> {
      const cycle = cycleOf(pod)
      // Plugins that score with what their filter found out are used to having been asked.
      filtersFor(cycle)
      const nodes = names.map(name => cycle.snapshot.byName.get(name) as NodeInfo)
      return Object.fromEntries(
        plugins.flatMap(({ plugin }) => (plugin.score ? [[plugin.name, pointsOf(plugin, cycle, nodes)]] : [])),
      )
    },
    /** The whole attempt: a node, or why there is none and who would have to leave. */
    async attempt(pod: Pod): Promise<OurPlacement | OurFailure> {
      const cycle = cycleOf(pod)
      // A new search begins at the first node.
      const found = await search({ plugins, ...dependencies }).run(cycle)
      if ('nodeName' in found) return { nodeName: found.nodeName, feasible: found.feasible, ranked: found.ranked }
      const preemption = plain.find(({ name }) => name === 'DefaultPreemption')
      const after = await preemption?.postFilter?.(cycle, found.diagnosis, found.filters)
      return {
        message: unschedulableMessage(found.diagnosis, after?.message),
        nominatedNode: after?.nominatedNode ?? '',
        ...(await aftermath()),
      }
    },
    /** Who would have to leave a node; undefined when that does not help. */
    victimsOn(pod: Pod, nodeName: string): OurVictims | undefined {
      const cycle = cycleOf(pod)
      const filters = filtersFor(cycle) as Filters
      const found = selectVictims(cycle.pod, filters.trial(cycle.snapshot.byName.get(nodeName) as NodeInfo), budgets())
      if (!found || !('victims' in found) || found.victims.length === 0) return undefined
      return { node: nodeName, pods: found.victims.map(({ key }) => key), violations: found.violations }
    },
  }
}

function pointsOf(plugin: WeightedPlugin['plugin'], cycle: Cycle, nodes: readonly NodeInfo[]): Record<string, number> {
  const prepared = plugin.preScore?.(cycle, nodes)
  const scores = new Float64Array(nodes.length)
  if (prepared !== 'skip') {
    const state = prepared?.state
    for (const [i, node] of nodes.entries()) scores[i] = plugin.score?.(cycle.pod, node, state) ?? 0
    plugin.normalize?.(scores, nodes, state)
  }
  return Object.fromEntries(nodes.map(({ name }, i) => [name, scores[i] ?? 0]))
}
