import { Node } from '../api/core/node.ts'
import { users } from '../api/user.ts'
import type { Certificates } from '../apiserver/auth/certificates.ts'
import { createClient } from '../client/typed-client.ts'
import type { NodeLifecycleOptions } from '../controllers/node-lifecycle/controller.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { aborted, type Run, runAll } from '../lib/run.ts'
import type { Store } from '../storage/store.ts'
import { type ApiServer, type ApiServerOptions, apiServer } from './api-server.ts'
import { type ControlPlaneOptions, controllerManager, schedulerComponent } from './control-plane.ts'
import { enabledControllers } from './controller-names.ts'
import type { ClusterIdentity } from './data-dir.ts'
import type { NodesOptions } from './node-options.ts'
import { nodes } from './nodes.ts'
import { ownControllers } from './own-controllers.ts'

export interface ClusterOptions
  extends Omit<NodesOptions, 'transport' | 'cluster' | 'identity' | 'rootDir' | 'clientCa'>,
    ControlPlaneOptions {
  readonly identity: ClusterIdentity
  readonly store: Store
  readonly certificates: Certificates
  readonly port: number
  /** Where the API server listens; default loopback. */
  readonly host?: string | undefined
  /** How long the certificates that the cluster signs are good for at most; default a year. */
  readonly signingDurationInMs?: number | undefined
  /** When nodes that say nothing are given up. */
  readonly nodeLifecycle?: NodeLifecycleOptions | undefined
  /** What the API server does beyond the usual. */
  readonly server?: Pick<ApiServerOptions, 'audit' | 'staticTokens' | 'issuer' | 'kubeletCredentials' | 'keepDeletedInMs'>
  /** Kubelets of this process are asked by HTTPS too, as if they were on other machines. */
  readonly remoteAgents?: boolean
  /** Pods' folders are below it. */
  readonly nodesDir: string
  /** Volumes are folders below it. */
  readonly volumesDir: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** A whole cluster in this process. */
export interface Cluster {
  readonly run: Run
  readonly apiServer: ApiServer
  /** Ends all pods in an orderly way before the machine goes, if the nodes are set up for that. */
  shutDown(): Promise<void>
}

/** Puts all parts together. Stopping stops the kubelets first and the API server last; containers go on. */
export function cluster(options: ClusterOptions): Cluster {
  const { identity, store, certificates, clock, random, log } = options
  const server = apiServer({
    ...options.server,
    store,
    certificates,
    host: options.host ?? '127.0.0.1',
    port: options.port,
    nodeAgents: name => (options.remoteAgents ? undefined : kubelets.agent(name)),
    nodeAddresses: name => kubelets.address(name),
    clock,
    random,
    log: log.child({ component: 'apiserver' }),
  })
  const { election, schedulerConfiguration } = options
  const component = { transport: server.transport, identity: `wherry_${identity.id}`, election, clock, random, log }
  const all = ownControllers({
    ca: certificates.ca,
    caKey: certificates.caKey,
    signingDurationInMs: options.signingDurationInMs,
    nodeLifecycle: options.nodeLifecycle,
    autoscaling: options.autoscaling,
    podCIDR: identity.podCIDR,
    volumesDir: options.volumesDir,
  })
  const wanted = options.withoutControllers ? [] : enabledControllers(all, options.controllers ?? ['*'])
  const kubelets = nodes({ ...options, ...component, cluster: identity.id, rootDir: options.nodesDir, clientCa: certificates.ca })

  /** Nobody talks to the server before it is ready to answer under its rules. */
  const afterServer =
    (run: Run): Run =>
    async signal => {
      // A server that fails while it starts may never be ready.
      await Promise.race([server.ready, aborted(signal)])
      if (!signal.aborted) await run(signal)
    }
  return {
    apiServer: server,
    shutDown: kubelets.shutDown,
    run: signal =>
      runAll(
        [
          ['API server', server.run],
          ...(wanted.length > 0
            ? [['controllers', afterServer(controllerManager({ ...component, controllers: wanted }))] as const]
            : []),
          ...(options.withoutScheduler
            ? []
            : [['scheduler', afterServer(schedulerComponent({ ...component, schedulerConfiguration }))] as const]),
          ['nodes', afterServer(kubelets.run)],
        ],
        signal,
      ),
  }
}

/**
 * Resolves when so many nodes are Ready, which is when pods can run. Only what was posted since `since` counts, in milliseconds: after a
 * crash nodes still say that they are ready. `onWait` is told now and then what is being waited for.
 */
export async function nodesReady(
  server: ApiServer,
  {
    count,
    since,
    clock,
    signal,
    onWait,
  }: { count: number; since: number; clock: Clock; signal: AbortSignal; onWait: (why: string) => void },
): Promise<void> {
  const client = createClient(server.transport(users.admin))
  const waitingFor = new Map<string, string>()
  let ready = 0
  const look = (node: Node) => {
    const condition = node.status.conditions?.find(({ type }) => type === 'Ready')
    // Heartbeats have whole seconds.
    const isFresh = Date.parse(condition?.lastHeartbeatTime ?? '') >= Math.floor(since / 1000) * 1000
    const { name } = node.metadata
    if (condition?.status === 'True' && isFresh) {
      if (waitingFor.get(name) !== '') ready++
      waitingFor.set(name, '')
    } else if (waitingFor.get(name) !== '')
      waitingFor.set(name, isFresh && condition?.message ? condition.message : 'it has not reported yet')
    return ready >= count
  }
  const enough = new AbortController()
  const either = AbortSignal.any([signal, enough.signal])
  const complain = async () => {
    while (!either.aborted) {
      await clock.sleep(complainEveryMs, either)
      const [first] = [...waitingFor].filter(([, why]) => why !== '')
      if (!either.aborted) onWait(first ? `${first[0]} is not ready: ${first[1]}` : 'no node has registered yet')
    }
  }
  const watch = async () => {
    while (!either.aborted && count > 0) {
      const { items, metadata } = await client.list(Node)
      if (items.map(look).includes(true)) break
      const { resourceVersion } = metadata
      for await (const events of client.watch(Node, { resourceVersion }, either)) {
        if (events.some(event => event.type !== 'BOOKMARK' && look(event.object))) enough.abort()
      }
    }
    enough.abort()
  }
  await Promise.all([complain(), watch()])
}

const complainEveryMs = 5000
