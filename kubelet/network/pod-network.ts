import { Node } from '../../api/core/node.ts'
import type { Client } from '../../client/client.ts'
import type { Informer } from '../../client/informer.ts'
import { bell } from '../../lib/bell.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { clusterNames } from './cluster-names.ts'
import type { HostCommands } from './host-commands.ts'
import { ownRoutes, packetState, routeProtocol, wayTo } from './host-state.ts'
import { packetBatch, packetRules, removalBatch } from './packet-rules.ts'
import { innerAddress, type NetworkMode, type Peer, type PodRoute, planRoutes, type Way } from './route-plan.ts'
import { keepRoutes, knownRoutes } from './routes-file.ts'
import { ensureTunnel, removeTunnel } from './tunnel.ts'

/** Sees to it that pods of all nodes reach each other by their addresses. */
export interface PodNetwork {
  readonly run: Run
  /** Docker has changed something: looks now. */
  poke(): void
}

export interface PodNetworkOptions {
  readonly cluster: string
  /** The nodes of this process, which share a host and its engine. */
  readonly localNodes: readonly string[]
  readonly nodes: Pick<Informer<Node>, 'lister' | 'subscribe' | 'synced'>
  /** Whether the pods of a node are in a network at all. */
  readonly hasNetwork: (node: Node) => boolean
  /** Speaks as a node. */
  readonly clientOf: (nodeName: string) => Client
  readonly mode: NetworkMode
  readonly commands: HostCommands
  /** Remembers which routes are ours. */
  readonly stateFile: string
  readonly clock: Clock
  readonly log: Log
}

/** Where it is kept which routes are ours, in the folder of the nodes. */
export const podNetworkFile = 'pod-network.json'

/** Whoever flushes rules or takes routes away does not tell us. */
const lookEveryMs = 15_000
/** Nodes come in crowds. */
const settleInMs = 50

export function podNetwork(options: PodNetworkOptions): PodNetwork {
  const { cluster, localNodes, nodes, hasNetwork, clientOf, mode, commands, stateFile, clock, log } = options
  const names = clusterNames(cluster)
  const local = new Set(localNodes)
  const woken = bell()
  const ways = new Map<string, Way | undefined>()
  let told = ''
  let isSetUp = false

  const see = () => {
    const own: Peer[] = []
    const peers: Peer[] = []
    for (const node of nodes.lister.list()) {
      const peer = hasNetwork(node) ? peerOf(node) : undefined
      if (peer) (local.has(peer.name) ? own : peers).push(peer)
    }
    const byName = (a: Peer, b: Peer) => (a.name < b.name ? -1 : 1)
    return { own: own.sort(byName), peers: peers.sort(byName) }
  }

  const apply = async (): Promise<readonly { peer: string; why: string }[]> => {
    const { own, peers } = see()
    const [first] = own
    // A single node has nobody to reach.
    if (!first || (own.length === 1 && peers.length === 0 && !isSetUp && (await knownRoutes(stateFile)).length === 0)) return []
    isSetUp = true
    await ensureRules(own, peers)
    if (mode === 'none') return []
    const addresses = new Set(peers.map(({ address }) => address))
    for (const known of ways.keys()) if (!addresses.has(known)) ways.delete(known)
    for (const address of addresses) if (!ways.get(address)) ways.set(address, await wayTo(commands, address))
    const plan = planRoutes(peers, address => ways.get(address), { mode, tunnel: names.vxlanLink })
    if (plan.ends.length > 0) {
      const device = ways.get(plan.ends[0]?.outer ?? '')?.device ?? ''
      const ranges = own.map(({ podCIDR }) => podCIDR)
      await ensureTunnel(commands, { names, address: first.address, device, own: ranges, ends: plan.ends })
    } else await removeTunnel(commands, names)
    await ensureRoutes(plan.routes, innerAddress(first.podCIDR))
    return plan.unreachable
  }

  const ensureRules = async (own: readonly Peer[], peers: readonly Peer[]) => {
    const rules = packetRules({ names, own: own.map(({ podCIDR }) => podCIDR), peers: mode === 'none' ? [] : peers })
    const batch = packetBatch(names, rules, await packetState(commands, names))
    if (batch) await commands.run('iptables-restore', ['-w', '5', '--noflush'], batch)
  }

  const ensureRoutes = async (routes: readonly PodRoute[], inner: string) => {
    const present = await ownRoutes(commands)
    const former = await knownRoutes(stateFile)
    const wanted = new Set(routes.map(({ podCIDR }) => podCIDR))
    const batch = [
      ...former.filter(cidr => !wanted.has(cidr) && present.has(cidr)).map(cidr => `route delete ${cidr} proto ${routeProtocol}`),
      ...routes
        .filter(({ podCIDR, via, device }) => present.get(podCIDR) !== `${via} ${device}`)
        .map(({ podCIDR, via, device, isTunnel }) => {
          const how = isTunnel ? ` onlink src ${inner}` : ''
          return `route replace ${podCIDR} via ${via} dev ${device} proto ${routeProtocol}${how}`
        }),
    ]
    // Written down before, so that none is ever forgotten.
    await keepRoutes(stateFile, [...new Set([...former.filter(cidr => present.has(cidr)), ...wanted])])
    if (batch.length === 0) return
    try {
      await commands.run('ip', ['-batch', '-'], `${batch.join('\n')}\n`)
    } catch (error) {
      ways.clear() // an interface may have gone
      throw error
    }
    await keepRoutes(stateFile, [...wanted])
  }

  /** Tells of trouble when it is new, and where upstream's route controller does. */
  const report = async (problem: string) => {
    if (problem !== told) {
      if (problem) log.warn({ err: problem }, 'pods of some nodes cannot reach each other; those of one node can')
      else if (told) log.info('pods of all nodes reach each other')
      told = problem
    }
    if (mode === 'none' || see().peers.length === 0) return
    for (const name of localNodes) await setCondition(name, problem)
  }

  const setCondition = async (name: string, problem: string) => {
    const node = nodes.lister.get(name)
    if (!node) return
    const [status, reason] = problem ? ['True', 'NoRouteCreated'] : ['False', 'RouteCreated']
    const message = problem || 'The pods of all nodes have routes'
    const before = node.status.conditions?.find(({ type }) => type === 'NetworkUnavailable')
    if (before?.status === status && before.message === message) return
    const now = timestamp(clock.now())
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now
    const condition = { type: 'NetworkUnavailable', status, reason, message, lastHeartbeatTime: now, lastTransitionTime }
    const note = { rule: 'kubelet/pod-network', text: message }
    const patch = { status: { conditions: [condition] } }
    await clientOf(name).patch(Node, { name }, 'strategic', patch, { subresource: 'status', note })
  }

  return {
    poke: woken.ring,
    async run(signal) {
      const unsubscribe = nodes.subscribe(changes => {
        const matters = changes.some(({ object, previous }) => !previous || !deepEqual(peerOf(object), peerOf(previous)))
        if (matters) woken.ring()
      })
      await nodes.synced(signal)
      while (!signal.aborted) {
        const turn = new AbortController()
        const either = AbortSignal.any([signal, turn.signal])
        const wake = woken.wait(either)
        try {
          const unreachable = await apply()
          await report(unreachable.map(({ peer, why }) => `${peer}: ${why}`).join('; '))
        } catch (error) {
          await report(error instanceof Error ? error.message : String(error)).catch(() => {})
        }
        await Promise.race([wake, clock.sleep(lookEveryMs, either)])
        turn.abort()
        await clock.sleep(settleInMs, signal)
      }
      unsubscribe()
    },
  }
}

function peerOf({ metadata: { name }, spec: { podCIDR }, status: { addresses = [] } }: Node): Peer | undefined {
  const address = addresses.find(one => one.type === 'InternalIP' && one.address.includes('.'))?.address
  return podCIDR && address ? { name, podCIDR, address } : undefined
}

/** Takes away all that a cluster has set up in the network of this host. */
export async function removePodNetwork(
  cluster: string,
  { commands, stateFile }: Pick<PodNetworkOptions, 'commands' | 'stateFile'>,
): Promise<void> {
  const names = clusterNames(cluster)
  const batch = removalBatch(names, await packetState(commands, names))
  if (batch) await commands.run('iptables-restore', ['-w', '5', '--noflush'], batch)
  const present = await ownRoutes(commands)
  const routes = (await knownRoutes(stateFile)).filter(cidr => present.has(cidr))
  const deletions = routes.map(cidr => `route delete ${cidr} proto ${routeProtocol}\n`)
  if (deletions.length > 0) await commands.run('ip', ['-batch', '-'], deletions.join(''))
  await removeTunnel(commands, names)
}
