import { Node } from '../api/core/node.ts'
import { ignore } from '../api/errors.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import { type Run, runAll } from '../lib/run.ts'
import { nodeAgent } from './agent.ts'
import { defaultKubeletConfig, type KubeletConfig } from './config.ts'
import type { KubeletContext } from './context.ts'
import type { CsiDrivers } from './csi/drivers.ts'
import { podEviction } from './eviction/eviction.ts'
import { oomWatch } from './eviction/oom-watch.ts'
import { withDeletedLogs } from './garbage/deleted-logs-page.ts'
import { nodeGarbage } from './garbage/garbage.ts'
import type { KubeletOptions } from './kubelet-options.ts'
import { lifetime } from './lifetime.ts'
import { kubeletMetrics } from './metrics.ts'
import { type Heartbeat, heartbeat } from './node/heartbeat.ts'
import { newestNode } from './node/newest-node.ts'
import { runtimeProblems } from './node/runtime-problems.ts'
import { nodeUsage } from './node/usage.ts'
import { kubeletPages } from './pages.ts'
import { podCounters } from './pod-counters.ts'
import { podFeeds } from './pod-feeds.ts'
import { podUsage } from './pod-usage.ts'
import { createCheck } from './probes/checks.ts'
import { createProbes } from './probes/probes.ts'
import { nodeResources } from './resize/node-resources.ts'
import { countedRuntime } from './runtime/counted-runtime.ts'
import { serving } from './server/serving.ts'
import { nodeShutdown } from './shutdown/shutdown.ts'
import { ownSources } from './sources.ts'
import { mirrorPods } from './static-pods/mirrors.ts'
import { statusWriter } from './status/status-writer.ts'
import { podSync } from './sync/pod-sync.ts'
import { systemMounter } from './volumes/mounter.ts'
import { nodeVolumes } from './volumes/node-volumes.ts'
import type { MeasuredVolume } from './volumes/usage.ts'
import { housekeeping } from './workers/housekeeping.ts'
import { type PodWorkers, podWorkers } from './workers/pod-workers.ts'
import { runtimeView } from './workers/relist.ts'

export interface Kubelet {
  /** Registers the node and looks after its pods; containers go on when it ends. */
  readonly run: Run
  readonly agent: NodeAgent
  /** Ends all pods in the order and within the time that `shutdownGracePeriods` say; call it while `run` does. No periods: does nothing. */
  shutDown(): Promise<void>
  /** The storage drivers that have registered with it. */
  readonly csiDrivers: CsiDrivers
  /** Measures what a pod has in volumes of its own (emptyDir, configMap); walks through their folders. */
  ownVolumesOf(podUid: string): Promise<MeasuredVolume[]>
  /** Where it serves; pending until it does, which may be for ever. */
  readonly address: Promise<{ readonly host: string; readonly port: number }>
}

/** One node's agent. Several may live in one process; they share nothing but what is passed in. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const { nodeName, client, clock, random, events, rootDir, machine, informers } = options
  const startedAt = clock.now()
  const metrics = kubeletMetrics()
  const runtime = countedRuntime({ runtime: options.runtime, metrics, clock })
  const log = options.log.child({ node: nodeName })
  const config: KubeletConfig = { ...defaultKubeletConfig, ...options.config }
  const { usesDisk } = config
  const sources = options.sources ?? (informers && ownSources(informers, nodeName))
  if (!sources) throw new Error('a kubelet needs informers or sources')
  const stop = new AbortController()
  const { signal } = stop
  const asKubelet = client.as({ actor: 'kubelet' })
  const mounter = options.mounter ?? systemMounter
  /** What most parts want. */
  const common = { nodeName, config, runtime, rootDir, events, clock, random, log, mounter }
  const activePods = () => workers.activePods()
  const pressures = () => eviction?.pressures ?? []
  const pokeBeat = () => beat.poke()
  const node = () => newestNode({ seen: sources.node(), posted: beat.node, drafted: feeds.draft })

  const view = runtimeView({
    runtime,
    clock,
    log,
    onChange: uids => {
      for (const uid of uids) {
        probes.poke(uid)
        workers.changed(uid)
      }
    },
    isActive: () => workers.hasActive,
    isBeingChanged: uid => workers.isChanging(uid),
    activeEveryMs: config.relistEveryMs,
    idleEveryMs: config.relistIdleEveryMs,
  })
  const podFigures = podCounters({ metrics, clock })
  const probes = createProbes({
    view,
    check: options.check ?? createCheck({ runtime, clock }),
    clock,
    random,
    events,
    onChange: (uid, note) => workers.wake(uid, note),
    onAsked: podFigures.probed,
  })
  const statuses = statusWriter({ client, clock, log, signal, passingWaitsMs: config.passingWaitsMs })

  // What the node has, and what it does with it.
  const resources = nodeResources({
    ...common,
    machine,
    node,
    activePods,
    expectedPods: () => workers.expectedPods(),
    pressures,
    shutdown: { refusal: () => shutdown.refusal() },
    wake: uid => workers.wake(uid),
    onDevices: pokeBeat,
    signal,
  })
  const storage = nodeVolumes({
    ...common,
    usesDisk,
    client: asKubelet,
    view,
    node,
    images: () => sync.images,
    onInUse: pokeBeat,
  })
  const { volumes, csi } = storage
  const garbage = nodeGarbage({
    ...common,
    seen: () => [...view.all()].map(([, pod]) => pod),
    refresh: () => view.refresh(),
    stageOf: uid => (workers.hasEnded(uid) ? 'ended' : 'kept'),
    activePods,
    signal,
  })
  const context: KubeletContext = {
    ...common,
    objects: storage.objects,
    cgroups: resources.cgroups,
    devices: resources.devices,
    node,
    services: sources.services,
    nodeIps: machine.addresses,
    memoryInBytes: () => machine.memoryInBytes,
    nodeFiles: { hosts: machine.hostsFile, resolvConf: machine.resolvConf },
  }
  const sync = podSync({ context, images: garbage.images, volumes, actuateResize: resources.pods.actuate })

  // Which pods there are, and who looks after them.
  const feeds = podFeeds({
    ...common,
    sources,
    view,
    workers: () => workers,
    beat: () => beat,
    onHeard: () => mirrors.retry(),
    onSeen: podFigures.seen,
  })
  const mirrors = mirrorPods({
    client: asKubelet,
    node: () => beat.node,
    isSynced: feeds.hasHeardOfAll,
    isHere: name => workers.hasStatic(name),
    clock,
    log,
    signal,
    onChange: (pod, mirror) => statuses.mirrored(pod.metadata.uid, mirror),
  })
  const workers: PodWorkers = podWorkers({
    ...sync,
    context,
    mirrors,
    resources: resources.pods,
    freshNode: () => asKubelet.get(Node, { name: nodeName }).catch(ignore('NotFound')),
    view,
    statuses,
    probes,
    volumes,
    pressures,
    keepLogs: garbage.logs.keep,
    signal,
  })
  const shutdown = nodeShutdown({
    ...common,
    periods: config.shutdownGracePeriods,
    activePods,
    evict: workers.evict,
    cleared: workers.cleared,
    onChange: pokeBeat,
  })
  const eviction =
    options.signals &&
    podEviction({
      ...common,
      config: config.eviction,
      source: options.signals,
      activePods,
      evict: workers.evict,
      onPressure: pokeBeat,
      reclaim: garbage.reclaim,
    })

  // What others are told.
  const problems = () => [...runtimeProblems(view.lastSuccessAt, clock), ...shutdown.problems()]
  const server = serving({
    ...common,
    server: options.server,
    agent: () => agent,
    find: workers.find,
    client,
    isReady: () => beat.ready,
    onListening: pokeBeat,
    onRequest: metrics.requests.add,
  })
  const beat: Heartbeat = heartbeat({
    ...common,
    client,
    machine,
    problems,
    pressures,
    latest: sources.node,
    volumesInUse: volumes.inUse,
    devices: resources.devices.amounts,
    port: server.port,
  })
  const pages = kubeletPages({
    ...common,
    server: options.server,
    port: server.port,
    view,
    machine,
    metrics,
    startedAt,
    activePods,
    problems,
    signals: options.signals,
    cgroups: resources.cgroups,
    // Only a runtime that is of this machine can tell of its networks.
    nodeUsage: runtime.networkStats && nodeUsage({ clock }),
  })
  const agent: NodeAgent = {
    ...nodeAgent({ runtime, view, find: workers.find, statusOf: statuses.get }),
    stats: podUsage({ runtime, clock }),
    serve: withDeletedLogs(garbage.logs, pages),
  }

  const withApi: Run = async signal => {
    await feeds.patiently('node not registered', beat.register, signal)
    const drivers: [string, Run][] = usesDisk ? [['storage drivers', csi.run]] : []
    await runAll([['heartbeat', beat.run], ['pods', feeds.ofApi], ['server', server.run], ...drivers], signal)
  }
  const clean = housekeeping({
    ...common,
    view,
    workers,
    killer: sync.killer,
    volumes,
    garbage,
    resources,
    everyMs: config.housekeepingEveryMs,
    sweepEveryMs: config.containerGarbage.everyMs,
    isReady: feeds.hasHeardOfAll,
  })
  const others: [string, Run][] = [['housekeeping', clean]]
  if (usesDisk || options.signals) others.push(['garbage', garbage.run])
  if (runtime.keepWarm) others.push(['warm sandboxes', runtime.keepWarm])
  if (eviction) others.push(['eviction', eviction.run])
  if (options.kernelLog) others.push(['kernel', oomWatch({ ...common, open: options.kernelLog })])
  const { shutdownSource } = options
  const parts = {
    ...common,
    sources,
    view,
    resources,
    storage,
    feeds,
    workers,
    probes,
    statuses,
    garbage,
    shutdown,
    shutdownSource,
  }
  return {
    agent,
    csiDrivers: csi.drivers,
    address: server.address,
    shutDown: shutdown.begin,
    // Whoever evicts must not wait for storage elsewhere.
    ownVolumesOf: uid => storage.volumes.usage(uid, ({ volume }) => Boolean(volume.emptyDir ?? volume.configMap)),
    run: lifetime({ ...parts, withApi, others, stop }),
  }
}
