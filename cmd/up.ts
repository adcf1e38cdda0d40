import { mkdirSync } from 'node:fs'
import { type Certificates, ensureCertificates } from '../apiserver/auth/certificates.ts'
import { formatKubeconfig, kubeconfigFor } from '../client/kubeconfig.ts'
import { users } from '../api/user.ts'
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
import { parseUp, type UpOptions, UsageError, upHelp } from './options.ts'
import { pemFolder } from './pki.ts'
import { serverOptions } from './server-options.ts'
import { garbageCollector, tidyMemory } from './tidy-memory.ts'
import { version } from './version.ts'

/** `wherry up`: runs a cluster in this process until it is told to stop. Answers the exit code. */
export async function up(args: string[]): Promise<number> {
  const options = parseUp(args)
  if (options === 'help') {
    process.stdout.write(upHelp)
    return 0
  }
  const dir = dataDir(options.dataDir)
  const other = runningCluster(dir)
  if (other)
    throw new UsageError(
      `the data dir ${dir.path} is in use by process ${other.pid} (port ${other.port}); choose another with --data-dir`,
    )
  return options.detach ? detach(args, dir) : runHere(options, dir)
}

async function runHere(options: UpOptions, dir: DataDir): Promise<number> {
  const eviction = evictionConfig(options)
  mkdirSync(dir.path, { recursive: true, mode: 0o700 })
  const log = createLog(options.logLevel)
  const clock = systemClock
  const random = systemRandom
  const startedAt = clock.now() - clock.monotonic()
  const server = await serverOptions(options, { clock, log })
  const [store, certificates, identity] = await Promise.all([
    options.store === 'memory'
      ? memoryStore({ clock })
      : import('../storage/level/level.ts').then(({ levelStore }) => levelStore({ location: dir.store, clock })),
    ensureCertificates({ store: pemFolder(dir.pki), clock, clients: { admin: users.admin } }),
    clusterIdentity(dir, random, () => freePodRange(random)),
  ])
  try {
    const names = nodeNames(options)
    const { run, apiServer } = cluster({
      identity,
      store,
      certificates,
      port: options.port,
      server,
      ...names,
      nodesDir: dir.nodes,
      volumesDir: dir.volumes,
      eviction,
      signalsFile: options.signals,
      engine: engineFromEnv(),
      clock,
      random,
      log,
    })
    const stop = new AbortController()
    const onSignal = () => stop.abort()
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
    let failure: unknown
    const nodeCount = names.docker.length + names.simulated.length
    const announced = announce({ options, dir, apiServer, certificates, startedAt, nodeCount, signal: stop.signal }).catch(
      (error: unknown) => {
        failure = error
        stop.abort()
      },
    )
    const heapInBytes = () => process.memoryUsage().heapUsed
    const tidy = tidyMemory({ clock, work: () => store.revision(), heapInBytes, collect: garbageCollector() })
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
  readonly apiServer: Cluster['apiServer']
  readonly certificates: Certificates
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly nodeCount: number
  readonly signal: AbortSignal
}

/** Writes down how to reach the cluster once it answers, and tells the user once a node is ready. */
async function announce({ options, dir, apiServer, certificates, startedAt, nodeCount, signal }: Announcement): Promise<void> {
  const clock = systemClock
  const address = await Promise.race([apiServer.ready, aborted(signal)])
  if (!address) return
  const { port } = address
  const { admin } = certificates.clients
  const access = kubeconfigFor('wherry', {
    server: `https://127.0.0.1:${port}`,
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
  markRunning(dir, { ...state, readySince: timestamp(clock.now()) })
  process.stdout.write(summary(options, dir, port, Math.round(clock.monotonic())))
}

/** `node-1` ... on the runtime that was asked for, and `simulated-1` ... beside them. */
function nodeNames({ runtime, nodes, simulatedNodes }: UpOptions): { docker: string[]; simulated: string[] } {
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`)
  const own = named('node', nodes)
  const simulated = named('simulated', simulatedNodes)
  return runtime === 'docker' ? { docker: own, simulated } : { docker: [], simulated: [...own, ...simulated] }
}

function summary(options: UpOptions, dir: DataDir, port: number, readyInMs: number): string {
  const { runtime, nodes, simulatedNodes, store } = options
  return `wherry ${version}

  API         https://127.0.0.1:${port}
  data        ${dir.path}
  kubeconfig  ${options.kubeconfig}
  nodes       ${nodes} ${runtime}${simulatedNodes > 0 ? `, ${simulatedNodes} simulated` : ''}
  store       ${store}
  log level   ${options.logLevel}${options.signals ? `\n  signals     ${options.signals}` : ''}

Ready in ${readyInMs} ms. Try next:

  npx wherry apply -f manifests/web.yaml
  npx wherry get pods -w
  npx wherry why deployment/web

`
}
