import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { type Certificates, ensureCertificates } from '../apiserver/auth/certificates.ts'
import { formatKubeconfig, kubeconfigFor } from '../client/kubeconfig.ts'
import { users } from '../api/user.ts'
import { createClient } from '../client/typed-client.ts'
import { systemClock, timestamp } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { aborted, runAll } from '../lib/run.ts'
import { memoryStore } from '../storage/memory.ts'
import { freePodRange } from './address-range.ts'
import { type Cluster, cluster, nodesReady } from './cluster.ts'
import {
  clusterIdentity,
  type DataDir,
  dataDir,
  markRunning,
  markStopped,
  processStart,
  type RunningCluster,
  runningCluster,
  writeWhole,
} from './data-dir.ts'
import { detach } from './detach.ts'
import { engineFromEnv } from './engine-address.ts'
import { evictionConfig } from './eviction-flags.ts'
import { garbageSettings } from './garbage-flags.ts'
import { type ExposedOptions, parseUp, type UpOptions, UsageError, upHelp } from './options.ts'
import type { Reachable } from './join-objects.ts'
import { sourceAddress } from './own-address.ts'
import { kubeletCredentials, pemFolder } from './pki.ts'
import { podSettings, sandboxPool } from './pod-flags.ts'
import { resourceSettings } from './resource-flags.ts'
import { parseServer, serverHelp } from './server-flags.ts'
import { serverOptions } from './server-options.ts'
import { collectGarbage, tidyMemory } from './tidy-memory.ts'
import { version } from './version.ts'

/** `wherry up`: runs a cluster in this process until it is told to stop. Calls `onReady` when a node is. Answers the exit code. */
export async function up(args: string[], onReady: () => Promise<void>): Promise<number> {
  const options = parseUp(args)
  if (options === 'help') {
    process.stdout.write(upHelp)
    return 0
  }
  return runCluster('up', args, options, onReady)
}

/** `wherry server`: runs a control plane in this process until it is told to stop. Calls `onReady` when it answers. Answers the exit code. */
export async function server(args: string[], onReady: () => Promise<void>): Promise<number> {
  const options = parseServer(args)
  if (options === 'help') {
    process.stdout.write(serverHelp)
    return 0
  }
  return runCluster('server', args, options, onReady)
}

/** Runs what the options say, here or in the background. Answers the exit code. */
async function runCluster(
  verb: 'up' | 'server',
  args: string[],
  options: UpOptions,
  onReady: () => Promise<void>,
): Promise<number> {
  const dir = dataDir(options.dataDir)
  const other = runningCluster(dir)
  if (other)
    throw new UsageError(
      `the data dir ${dir.path} is in use by process ${other.pid} (port ${other.port}); choose another with --data-dir`,
    )
  return options.detach ? detach(verb, args, dir) : runHere(options, dir, onReady)
}

async function runHere(options: UpOptions, dir: DataDir, onReady: () => Promise<void>): Promise<number> {
  const eviction = evictionConfig(options)
  const garbage = garbageSettings(options.garbage)
  const pods = podSettings(options.pods)
  const resources = resourceSettings(options.resources)
  const simulatedStages =
    options.simulatedStages === undefined
      ? undefined
      : await (await import('./simulated-stages.ts')).stagesFile(options.simulatedStages)
  mkdirSync(dir.path, { recursive: true, mode: 0o700 })
  const log = createLog(options.logLevel)
  const clock = systemClock
  const random = systemRandom
  const startedAt = clock.now() - clock.monotonic()
  const server = await serverOptions(options, { clock, log })
  const reachedAt = options.exposed && (options.exposed.advertiseAddress ?? (await sourceAddress()))
  const outsideNames = options.exposed ? outsideNamesOf(options.exposed, reachedAt) : []
  const [store, certificates, identity] = await Promise.all([
    options.store === 'memory'
      ? memoryStore({ clock })
      : import('../storage/level/level.ts').then(({ levelStore }) => levelStore({ location: dir.store, clock })),
    ensureCertificates({ store: pemFolder(dir.pki), clock, hosts: outsideNames, clients: { admin: users.admin } }),
    clusterIdentity(dir, random, async () => options.clusterCidr ?? freePodRange(random)),
  ])
  try {
    const names = nodeNames(options)
    const { run, apiServer, shutDown } = cluster({
      identity,
      store,
      certificates,
      port: options.port,
      host: options.exposed?.bindAddress,
      signingDurationInMs: options.signingDurationInMs,
      nodeLifecycle: options.nodeMonitor,
      server: {
        ...server,
        // Kubelets of this process show certificates of their own making.
        kubeletCredentials: async () => ({
          ...(await kubeletCredentials(pemFolder(dir.pki), clock)),
          ...(options.exposed && { certificateAuthority: certificates.ca }),
        }),
        keepDeletedInMs: garbage.config.keptLogs.keepInMs,
      },
      ...names,
      nodesDir: dir.nodes,
      volumesDir: dir.volumes,
      eviction,
      garbage,
      resources,
      pods,
      sandboxPool: sandboxPool(options.pods),
      signalsFile: options.signals,
      simulatedStages,
      engine: engineFromEnv(),
      clock,
      random,
      log,
    })
    const stop = new AbortController()
    let isLeaving = false
    // The machine is going down: pods end first, if they are meant to. Who cannot wait asks again.
    const onSignal = (name: string) => {
      if (name === 'SIGINT' || isLeaving) return stop.abort()
      isLeaving = true
      void shutDown().finally(() => stop.abort())
    }
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
    let failure: unknown
    const nodeCount = names.docker.length + names.simulated.length
    const announcement = { options, dir, reachedAt, apiServer, certificates, startedAt, nodeCount, onReady, signal: stop.signal }
    const announced = announce(announcement).catch((error: unknown) => {
      failure = error
      stop.abort()
    })
    const heapInBytes = () => process.memoryUsage().heapUsed
    const tidy = tidyMemory({ clock, work: () => store.revision(), heapInBytes, collect: collectGarbage })
    const parts = [
      ['memory', tidy],
      ['cluster', run],
    ] as const
    try {
      await runAll(parts, stop.signal)
    } finally {
      stop.abort()
      await announced
    }
    if (failure !== undefined) throw failure
    return 0
  } finally {
    await store.close()
    markStopped(dir)
  }
}

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
async function announce({ options, dir, apiServer, certificates, ...announcement }: Announcement): Promise<void> {
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
  const onWait = (why: string) => void process.stderr.write(`waiting: ${why}\n`)
  await nodesReady(apiServer, { count: Math.min(1, nodeCount), since: startedAt, clock, signal, onWait })
  if (signal.aborted) return
  const join =
    reachedAt === undefined
      ? undefined
      : await howToJoin(options, apiServer, { server: `https://${hostPort(reachedAt, port)}`, ca: certificates.ca })
  markRunning(dir, { ...state, readySince: timestamp(clock.now()) })
  process.stdout.write(summary(options, dir, local, Math.round(clock.monotonic()), join))
  await onReady()
}

/** `node-1` ... on the runtime that was asked for, and `simulated-1` ... beside them. */
function nodeNames({ runtime, nodes, simulatedNodes }: UpOptions): { docker: string[]; simulated: string[] } {
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`)
  const own = named('node', nodes)
  const simulated = named('simulated', simulatedNodes)
  return runtime === 'docker' ? { docker: own, simulated } : { docker: [], simulated: [...own, ...simulated] }
}

/** Where this machine's own clients reach the server. */
function localAddress({ exposed }: UpOptions): string {
  const bound = exposed?.bindAddress ?? '127.0.0.1'
  return bound === '0.0.0.0' || bound === '::' ? '127.0.0.1' : bound
}

const hostPort = (host: string, port: number) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function outsideNamesOf({ bindAddress, names }: ExposedOptions, reachedAt: string | undefined): string[] {
  const bound = bindAddress === '0.0.0.0' || bindAddress === '::' ? [] : [bindAddress]
  return [...bound, ...(reachedAt === undefined ? [] : [reachedAt]), hostname().toLowerCase(), ...names]
}

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
