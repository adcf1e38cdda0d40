import { users } from '../api/user.ts'
import type { Certificates } from '../apiserver/auth/certificates.ts'
import { formatKubeconfig, kubeconfigFor } from '../client/kubeconfig.ts'
import { createClient } from '../client/typed-client.ts'
import { systemClock, timestamp } from '../lib/clock.ts'
import { aborted } from '../lib/run.ts'
import { type Cluster, nodesReady } from './cluster.ts'
import { writeComponentKubeconfigs } from './component-kubeconfigs.ts'
import { type DataDir, markRunning, processStart, type RunningCluster, writeWhole } from './data-dir.ts'
import type { Reachable } from './join-objects.ts'
import type { UpOptions } from './options.ts'
import { version } from './version.ts'

interface Announcement {
  readonly options: UpOptions
  readonly dir: DataDir
  /** The address by which other machines reach the server; undefined: they do not. */
  readonly reachedAt: string | undefined
  readonly apiServer: Cluster['apiServer']
  readonly certificates: Certificates
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly nodeCount: number
  readonly onReady: () => Promise<void>
  readonly signal: AbortSignal
}

/** Writes down how to reach the cluster once it answers, and tells the user once a node is ready. */
export async function announce({ options, dir, apiServer, certificates, ...announcement }: Announcement): Promise<void> {
  const { startedAt, nodeCount, reachedAt, onReady, signal } = announcement
  const clock = systemClock
  const address = await Promise.race([apiServer.ready, aborted(signal)])
  if (!address) return
  const { port } = address
  const { admin } = certificates.clients
  const local = `https://${hostPort(localAddress(options), port)}`
  const access = kubeconfigFor('wherry', {
    server: local,
    ca: certificates.ca,
    ...(admin && { cert: admin.certificate, key: admin.key }),
  })
  writeWhole(options.kubeconfig, await formatKubeconfig(access), 0o600)
  const state: RunningCluster = {
    pid: process.pid,
    started: processStart(process.pid),
    version,
    port,
    dataDir: dir.path,
    kubeconfig: options.kubeconfig,
    nodes: options.nodes,
    simulatedNodes: options.simulatedNodes,
    runtime: options.runtime,
    store: options.store,
  }
  markRunning(dir, state)
  // Nodes get their ranges of addresses from controllers, which may come later.
  const { withoutControllers, withoutScheduler } = options.controlPlane
  const count = withoutControllers ? 0 : Math.min(1, nodeCount)
  const onWait = (why: string) => void process.stderr.write(`waiting: ${why}\n`)
  // Nobody waits for these where all parts are here.
  const isFirst = withoutControllers || withoutScheduler
  if (isFirst) await writeComponentKubeconfigs(dir, local, clock)
  await nodesReady(apiServer, { count, since: startedAt, clock, signal, onWait })
  if (signal.aborted) return
  const join =
    reachedAt === undefined
      ? undefined
      : await howToJoin(options, apiServer, { server: `https://${hostPort(reachedAt, port)}`, ca: certificates.ca })
  markRunning(dir, { ...state, readySince: timestamp(clock.now()) })
  process.stdout.write(summary(options, dir, local, Math.round(clock.monotonic()), join))
  await onReady()
  if (!isFirst) await writeComponentKubeconfigs(dir, local, clock)
}

/** Where this machine's own clients reach the server. */
function localAddress({ exposed }: UpOptions): string {
  const bound = exposed?.bindAddress ?? '127.0.0.1'
  return bound === '0.0.0.0' || bound === '::' ? '127.0.0.1' : bound
}

const hostPort = (host: string, port: number) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/** Sees to it that nodes can join. Answers the command for that. */
async function howToJoin(options: UpOptions, apiServer: Cluster['apiServer'], reachable: Reachable): Promise<string> {
  const { allowJoining, joinCommand, joinToken } = await import('./join-objects.ts')
  const client = createClient(apiServer.transport(users.admin), { defaultCause: { actor: 'bootstrap' } })
  await allowJoining(client, reachable)
  const ttlInMs = options.exposed?.tokenTtlInMs ?? 0
  return joinCommand(reachable, await joinToken(client, { now: systemClock.now(), ttlInMs }))
}

function summary(options: UpOptions, dir: DataDir, server: string, readyInMs: number, join: string | undefined): string {
  const { runtime, nodes, simulatedNodes, store } = options
  const next = join === undefined ? tryNext : `To make another machine a node, run there:\n\n  ${join}\n`
  return `wherry ${version}

  API         ${server}
  data        ${dir.path}
  kubeconfig  ${options.kubeconfig}
  nodes       ${join === undefined ? `${nodes} ${runtime}${simulatedNodes > 0 ? `, ${simulatedNodes} simulated` : ''}` : 'those that join'}
  store       ${store}
  log level   ${options.logLevel}${options.signals ? `\n  signals     ${options.signals}` : ''}

Ready in ${readyInMs} ms. ${next}
`
}

const tryNext = `Try next:

  npx wherry apply -f manifests/web.yaml
  npx wherry get pods -w
  npx wherry why deployment/web
`
