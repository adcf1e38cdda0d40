import type { NodeAgent } from '../api/node-agent.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/informer.ts'
import { exponentialBackoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { aborted, type Run, runAll } from '../lib/run.ts'
import { nodeAgent } from './agent.ts'
import { podUsage } from './pod-usage.ts'
import { defaultKubeletConfig, type KubeletConfig } from './config.ts'
import type { KubeletContext } from './context.ts'
import { podEviction } from './eviction/eviction.ts'
import type { SignalSource } from './eviction/signals.ts'
import { heartbeat } from './node/heartbeat.ts'
import type { Machine } from './node/machine.ts'
import { apiObjects } from './objects.ts'
import { type Check, createCheck } from './probes/checks.ts'
import { kubeletPages } from './pages.ts'
import { createProbes } from './probes/probes.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'
import { type KubeletSources, ownSources } from './sources.ts'
import { statusWriter } from './status/status-writer.ts'
import { crashBackoff } from './sync/crash-backoff.ts'
import { hookRunner } from './sync/hooks.ts'
import { imagePuller } from './sync/images.ts'
import { killer as createKiller } from './sync/kill.ts'
import { containerStarter } from './sync/start-container.ts'
import { messageOf } from './sync/sync-error.ts'
import { podSyncer } from './sync/sync-pod.ts'
import { type Mounter, systemMounter } from './volumes/mounter.ts'
import { podVolumes } from './volumes/volumes.ts'
import { housekeeping } from './workers/housekeeping.ts'
import { type PodWorkers, podWorkers } from './workers/pod-workers.ts'
import { runtimeView } from './workers/relist.ts'

export interface KubeletOptions {
  nodeName: string
  /** Speaks as system:node:<nodeName>. */
  client: Client
  /** Its own narrow watches, for few nodes ... */
  informers?: Informers
  /** ... or what `sharedSources` gave for this node, for very many. */
  sources?: KubeletSources
  runtime: ContainerRuntime
  clock: Clock
  random: Random
  log: Log
  events: EventRecorder
  /** Pods' folders are below it. Belongs to this node alone. */
  rootDir: string
  machine: Machine
  config?: Partial<KubeletConfig>
  /** Where eviction gets its figures; absent: nothing is ever evicted. */
  signals?: SignalSource
  /** How probes ask; absent: over the real network and through exec. */
  check?: Check
  mounter?: Mounter
}

export interface Kubelet {
  /** Registers the node and looks after its pods; containers go on when it ends. */
  readonly run: Run
  readonly agent: NodeAgent
}

/** Runtime trouble makes the node not ready after this long; a relist that hangs for longer is named. */
const runtimeDownAfterMs = 30_000
const relistUnhealthyAfterMs = 180_000
const shutdownLimitInMs = 2000

/** One node's agent. Several may live in one process; they share nothing but what is passed in. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const { nodeName, client, runtime, clock, random, events, rootDir, machine, informers } = options
  const log = options.log.child({ node: nodeName })
  const config: KubeletConfig = { ...defaultKubeletConfig, ...options.config }
  const sources = options.sources ?? (informers && ownSources(informers, nodeName))
  if (!sources) throw new Error('a kubelet needs informers or sources')
  const stop = new AbortController()
  const objects = apiObjects({ client: client.as({ actor: 'kubelet' }), clock })

  const newestNode = () => {
    const seen = sources.node()
    const posted = beat.node
    if (!seen || !posted) return posted ?? seen
    return Number(seen.metadata.resourceVersion) >= Number(posted.metadata.resourceVersion) ? seen : posted
  }
  const context: KubeletContext = {
    nodeName,
    config,
    runtime,
    clock,
    random,
    log,
    events,
    objects,
    rootDir,
    node: newestNode,
    services: sources.services,
    nodeIps: machine.addresses,
    memoryInBytes: () => machine.memoryInBytes,
    nodeFiles: { hosts: machine.hostsFile, resolvConf: machine.resolvConf },
  }

  const view = runtimeView({
    runtime,
    clock,
    log,
    onChange: uids => {
      for (const uid of uids) {
        probes.poke(uid)
        workers.wake(uid)
      }
    },
    isActive: () => workers.hasActive,
    activeEveryMs: config.relistEveryMs,
    idleEveryMs: config.relistIdleEveryMs,
  })
  const check = options.check ?? createCheck({ runtime, clock })
  const probes = createProbes({ view, check, clock, random, events, onChange: (uid, note) => workers.wake(uid, note) })
  const statuses = statusWriter({ client, clock, log, signal: stop.signal })
  const mounter = options.mounter ?? systemMounter
  const volumes = podVolumes({
    rootDir,
    usesDisk: config.usesDisk,
    objects,
    node: newestNode,
    mounter,
    events,
    clock,
    random,
    log,
  })
  const images = imagePuller({ images: runtime.images, objects, events, clock })
  const backoff = crashBackoff()
  const runHook = hookRunner({ runtime, clock })
  const killer = createKiller({ runtime, runHook, events, clock, log })
  const startContainer = containerStarter({ context, images, backoff, runHook, killer })
  const syncPod = podSyncer({ context, volumes, killer, startContainer })
  const pressures = () => eviction?.pressures ?? []
  const workers: PodWorkers = podWorkers({
    context,
    view,
    statuses,
    probes,
    volumes,
    images,
    backoff,
    killer,
    syncPod,
    pressures,
    signal: stop.signal,
  })

  const problems = (): string[] => {
    const { lastSuccessAt } = view
    if (lastSuccessAt === undefined) return ['container runtime is down', 'PLEG is not healthy: pleg has yet to be successful']
    const silentForMs = clock.monotonic() - lastSuccessAt
    return [
      ...(silentForMs > runtimeDownAfterMs ? ['container runtime is down'] : []),
      ...(silentForMs > relistUnhealthyAfterMs
        ? [`PLEG is not healthy: pleg was last seen active ${Math.trunc(silentForMs / 1000)}s ago; threshold is 3m0s`]
        : []),
    ]
  }
  const beat = heartbeat({
    nodeName,
    client,
    runtime,
    machine,
    config,
    events,
    clock,
    random,
    log,
    problems,
    pressures,
    latest: sources.node,
  })
  const eviction =
    options.signals &&
    podEviction({
      nodeName,
      config: config.eviction,
      source: options.signals,
      clock,
      log,
      events,
      activePods: workers.activePods,
      evict: workers.evict,
      onPressure: beat.poke,
    })

  const patiently = async (what: string, work: () => Promise<unknown>, signal: AbortSignal) => {
    const waits = exponentialBackoff({ initialInMs: 200, maxInMs: 7000 })
    while (!signal.aborted)
      try {
        return await work()
      } catch (err) {
        log.warn({ err: messageOf(err) }, what)
        await clock.sleep(waits.next(), signal)
      }
  }

  const lookAfterPods: Run = async signal => {
    if (view.lastSuccessAt === undefined) {
      await patiently('runtime not there yet', view.refresh, signal)
      beat.poke()
    }
    if (signal.aborted) return
    const unsubscribe = sources.pods.subscribe(changes => {
      const byAge = changes.every(change => change.type === 'added')
        ? [...changes].sort((a, b) => (a.object.metadata.creationTimestamp < b.object.metadata.creationTimestamp ? -1 : 1))
        : changes
      workers.feed(byAge)
    })
    await housekeeping({ runtime, view, workers, killer, volumes, clock, log, everyMs: config.housekeepingEveryMs })(signal)
    unsubscribe()
  }

  return {
    agent: {
      ...nodeAgent({ runtime, view, find: workers.find, statusOf: statuses.get }),
      stats: podUsage({ runtime, clock }),
      serve: kubeletPages({ nodeName, runtime, view, machine, clock, activePods: workers.activePods, problems }),
    },
    async run(signal) {
      await Promise.all([
        Promise.race([sources.synced(signal), aborted(signal)]),
        // A relist now, so that the node's first status can say Ready.
        view.refresh().catch((err: unknown) => log.warn({ err: messageOf(err) }, 'runtime not there yet')),
      ])
      await patiently('node not registered', beat.register, signal)
      await runAll(
        [
          ['heartbeat', beat.run],
          ['relist', view.run],
          ['pods', lookAfterPods],
          ...(eviction ? [['eviction', eviction.run] as const] : []),
        ],
        signal,
      )
      stop.abort()
      probes.stopAll()
      // Containers end (or start) with or without us; whoever wants to leave need not wait for a long grace period.
      const waiting = new AbortController()
      await Promise.race([workers.stopped(), clock.sleep(shutdownLimitInMs, waiting.signal)])
      waiting.abort()
      await statuses.settled()
    },
  }
}
