import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import type { PlacementVerdict } from '../api/placement/placement-verdict.ts'
import type { Transport } from '../api/transport.ts'
import { createClient } from '../client/typed-client.ts'
import { breather as makeBreather } from '../lib/breather.ts'
import type { Clock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { schedulerCache } from './cache.ts'
import { listedObjects } from './listed-objects.ts'
import { unschedulableMessage } from './messages.ts'
import { nominator as makeNominator } from './nominator.ts'
import { isTerminal, podInfo } from './pod-info.ts'
import { defaultProfile, pluginsAt } from './profile.ts'
import { type RankedNode, withoutPlugins } from './ranking.ts'
import { search } from './search.ts'
import { refusalGroups } from './verdict.ts'
import { whatWouldFit } from './what-would-fit.ts'

interface Dependencies {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
}

/**
 * Where the usual profile would put pods, one after the other, each beside those before it: over one LIST of everything that counts.
 * Writes nothing. Rejects when something may not be listed.
 */
export async function whatIf({ transport, clock, random }: Dependencies, pods: readonly Pod[]): Promise<PlacementVerdict[]> {
  const client = createClient(transport)
  const { informers, fill } = listedObjects(client)
  const [nodes, placed] = [informers.of(Node).lister, informers.of(Pod).lister]
  const [nominator, breather] = [makeNominator(), makeBreather(clock)]
  // Evictions would be side tasks: none is ever run.
  const sideTasks = { start: () => {}, hasRoom: true, ended: async () => {}, idle: async () => {} }
  const events = { record: () => {} }
  const common = { client, informers, events, clock, random, log: silentLog, nominator, breather, sideTasks, activate: () => {} }
  const profile = defaultProfile(common)
  const cache = schedulerCache()
  await fill()
  for (const node of nodes.list()) cache.setNode(node)
  for (const pod of placed.list()) {
    if (pod.spec.nodeName && !isTerminal(pod)) cache.setPod(podInfo(pod), pod.spec.nodeName)
    else if (pod.status.nominatedNodeName) nominator.add(podInfo(pod), pod.status.nominatedNodeName)
  }
  const { run } = search({ ...profile, nominator, random, breather })
  const verdicts: PlacementVerdict[] = []
  for (const one of pods) {
    const pod = podInfo(one)
    const cycle = { pod, snapshot: cache.snapshot() }
    const totalNodes = cycle.snapshot.nodes.length
    const found = await run(cycle)
    if ('nodeName' in found) {
      const { nodeName, feasible, ranked, refusals } = found
      cache.assume(pod, nodeName)
      verdicts.push({ totalNodes, nodeName, feasible, ...toldOf(ranked), text: '', nodes: refusalGroups(refusals), fits: [] })
      continue
    }
    const { diagnosis, filters } = found
    const [preemption] = pluginsAt(profile, 'postFilter')
    const after = (await preemption?.postFilter?.(cycle, diagnosis, filters)) ?? {}
    const { nominatedNode, victims } = after
    if (nominatedNode) nominator.add(pod, nominatedNode)
    verdicts.push({
      totalNodes,
      feasible: 0,
      ranked: [],
      plugins: [],
      text: unschedulableMessage(diagnosis, after.message),
      nodes: refusalGroups(diagnosis, cycle.snapshot),
      fits: whatWouldFit(cycle, diagnosis),
      ...(nominatedNode && victims && { preemption: { node: nominatedNode, victims } }),
    })
  }
  return verdicts
}

const toldOf = (ranked: readonly RankedNode[]): Pick<PlacementVerdict, 'ranked' | 'plugins'> => ({
  ranked: withoutPlugins(ranked),
  plugins: ranked[0]?.plugins ?? [],
})
