import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { users } from '../api/user.ts'
import { ensureCertificates } from '../apiserver/auth/certificates.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { runAll } from '../lib/run.ts'
import { memoryStore } from '../storage/memory.ts'
import { freePodRange } from './address-range.ts'
import { announce } from './announcement.ts'
import { cluster } from './cluster.ts'
import { clusterIdentity, type DataDir, dataDir, markStopped, runningCluster } from './data-dir.ts'
import { detach } from './detach.ts'
import { engineFromEnv } from './engine-address.ts'
import { UsageError } from './flags.ts'
import { kubeletSettings } from './kubelet-settings.ts'
import { type ExposedOptions, parseUp, type UpOptions, upHelp } from './options.ts'
import { sourceAddress } from './own-address.ts'
import { kubeletCredentials, pemFolder } from './pki.ts'
import { parseServer, serverHelp } from './server-flags.ts'
import { serverOptions } from './server-options.ts'
import { stopOnSignals } from './signals.ts'
import { collectGarbage, tidyMemory } from './tidy-memory.ts'

/** Of the same bundle, which has all of their code. */
export { askScheduler } from './ask-scheduler.ts'
export { runControllerManager, runScheduler } from './component.ts'

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
  const settings = kubeletSettings(options)
  const simulatedStages =
    options.simulatedStages === undefined
      ? undefined
      : await (await import('./simulated-stages.ts')).stagesFile(options.simulatedStages)
  const schedulerConfiguration =
    options.schedulerConfig === undefined
      ? undefined
      : await (await import('./scheduler-config.ts')).readSchedulerConfig('scheduler-config', options.schedulerConfig)
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
      ...options.controlPlane,
      schedulerConfiguration,
      server: {
        ...server,
        // Kubelets of this process show certificates of their own making.
        kubeletCredentials: async () => ({
          ...(await kubeletCredentials(pemFolder(dir.pki), clock)),
          ...(options.exposed && { certificateAuthority: certificates.ca }),
        }),
        keepDeletedInMs: settings.garbage.config.keptLogs.keepInMs,
      },
      ...names,
      nodesDir: dir.nodes,
      volumesDir: dir.volumes,
      ...settings,
      simulatedStages,
      engine: engineFromEnv(),
      clock,
      random,
      log,
    })
    const { stop, endFirst } = stopOnSignals()
    endFirst(shutDown)
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

/** `node-1` ... on the runtime that was asked for, and `simulated-1` ... beside them. */
function nodeNames({ runtime, nodes, simulatedNodes }: UpOptions): { docker: string[]; simulated: string[] } {
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`)
  const own = named('node', nodes)
  const simulated = named('simulated', simulatedNodes)
  return runtime === 'docker' ? { docker: own, simulated } : { docker: [], simulated: [...own, ...simulated] }
}

function outsideNamesOf({ bindAddress, names }: ExposedOptions, reachedAt: string | undefined): string[] {
  const bound = bindAddress === '0.0.0.0' || bindAddress === '::' ? [] : [bindAddress]
  return [...bound, ...(reachedAt === undefined ? [] : [reachedAt]), hostname().toLowerCase(), ...names]
}
