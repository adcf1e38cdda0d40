import { Node } from '../api/core/node.ts'
import { PersistentVolume } from '../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../api/core/persistent-volume-claim.ts'
import { Pod } from '../api/core/pod.ts'
import type { SchedulerConfiguration } from '../api/scheduler-config/configuration.ts'
import { StorageClass } from '../api/storage/storage-class.ts'
import { breather as makeBreather } from '../lib/breather.ts'
import type { Run } from '../lib/run.ts'
import { defaultBackoff } from './backoff.ts'
import { type Binder, binder } from './binder.ts'
import { schedulerCache } from './cache.ts'
import type { PluginDependencies, SchedulerDependencies } from './dependencies.ts'
import { listen } from './event-handlers.ts'
import { failureHandler } from './failure.ts'
import type { Cycle, Plugin, PostFiltered } from './framework.ts'
import { inbox } from './inbox.ts'
import { nominator as makeNominator } from './nominator.ts'
import type { PodInfo } from './pod-info.ts'
import { defaultProfile, type Profile, pluginsAt } from './profile.ts'
import { schedulingQueue } from './queue.ts'
import type { QueuedPod } from './queued-pod.ts'
import { search as makeSearch, type NoPlacement, type Search } from './search.ts'
import { sideTasks as makeSideTasks } from './side-tasks.ts'
import { waitingPods } from './waiting-pods.ts'

export interface Scheduler {
  /** Places pods until the signal aborts; resolves when the last bind under way has ended. Starts from nothing each time. */
  readonly run: Run
}

interface Options extends SchedulerDependencies {
  /** What a configuration file says; see api/scheduler-config. */
  readonly configuration?: SchedulerConfiguration
  /** Whether every decision carries its reasons into the journal, for `wherry why`. Usual. */
  readonly recordsVerdicts?: boolean
  /** Other plugins or another name than the default's. */
  readonly profile?: (dependencies: PluginDependencies) => Profile
}

/** How many binds, and how many other writes, may be under way: enough to fill a store's batches, few enough that others need not wait long for it. */
const concurrentBinds = 96
/** Binds that first wait for volumes to be made or for a permission, which may take minutes and costs nothing. */
const concurrentSlowBinds = 10_000
const concurrentSideTasks = 128

const watched = [Pod, Node, PersistentVolumeClaim, PersistentVolume, StorageClass] as const

/**
 * Gives every pod that asks for this scheduler a node. Two loops share the work: informers fill cache and queue; the scheduling loop
 * takes one pod at a time, looks at a snapshot only, decides, and leaves the writing to others (semantics A1).
 */
export function createScheduler(options: Options): Scheduler {
  for (const kind of watched) options.informers.of(kind)
  return { run: signal => runScheduler(options, signal) }
}

/** What places the pods that ask for one name. */
interface Lane {
  readonly profile: Profile
  readonly plugins: readonly Plugin[]
  readonly search: Search
  readonly postFilter: readonly Plugin[]
  readonly binder: Binder
  /** Whether binds may have to wait for something other than the API server. */
  readonly mayWait: boolean
}

async function profilesOf(
  { configuration, profile = defaultProfile }: Options,
  dependencies: PluginDependencies,
): Promise<Profile[]> {
  if (!configuration) return [profile(dependencies)]
  const { configuredProfiles } = await import('./configured-profiles.ts')
  return configuredProfiles(configuration, dependencies)
}

async function runScheduler(options: Options, signal: AbortSignal): Promise<void> {
  const { client, informers, events, clock, random, log, configuration, recordsVerdicts = true } = options
  const breather = makeBreather(clock)
  const nominator = makeNominator()
  const waiting = waitingPods(clock)
  const sideTasks = makeSideTasks(concurrentSideTasks)
  const binds = makeSideTasks(concurrentBinds)
  const slowBinds = makeSideTasks(concurrentSlowBinds)
  const activate = (uid: string) => queue.activate(uid)
  const shared = { ...options, nominator, breather, sideTasks, waiting, promised: new Map<string, string>(), activate }
  const profiles = await profilesOf(options, shared)
  const pluginsByName = new Map(profiles.map(one => [one.schedulerName, one.plugins.map(({ plugin }) => plugin)]))
  const queue = schedulingQueue({
    clock,
    plugins: [...new Set([...pluginsByName.values()].flat())],
    pluginsFor: pod => pluginsByName.get(pod.pod.spec.schedulerName ?? '') ?? [],
    backoff: configuration
      ? { initialInMs: configuration.podInitialBackoffSeconds * 1000, maxInMs: configuration.podMaxBackoffSeconds * 1000 }
      : defaultBackoff,
  })
  const cache = schedulerCache()
  const pods = informers.of(Pod).lister
  const failure = failureHandler({ client, events, clock, log, queue, nominator, pods, sideTasks, recordsVerdicts })
  const laneOf = (profile: Profile): Lane => {
    const at = (point: Parameters<typeof pluginsAt>[1]) => pluginsAt(profile, point)
    const binding = {
      reserve: at('reserve'),
      permit: at('permit'),
      preBind: at('preBind'),
      bind: at('bind'),
      postBind: at('postBind'),
    }
    return {
      profile,
      plugins: pluginsByName.get(profile.schedulerName) ?? [],
      search: makeSearch({ ...profile, nominator, random, breather, recordsVerdicts }),
      postFilter: at('postFilter'),
      binder: binder({
        events,
        cache,
        queue,
        waiting,
        plugins: binding,
        recordsVerdicts,
        onFailure: failure.failed,
        onRefusal: failure.calledOff,
      }),
      mayWait: binding.permit.length > 0,
    }
  }
  const lanes = new Map(profiles.map(one => [one.schedulerName, laneOf(one)]))
  const laneFor = ({ pod }: PodInfo) => lanes.get(pod.spec.schedulerName ?? '')

  const makeRoom = async (lane: Lane, cycle: Cycle, { diagnosis, filters }: NoPlacement): Promise<PostFiltered> => {
    for (const plugin of lane.postFilter) {
      const answer = await plugin.postFilter?.(cycle, diagnosis, filters)
      if (answer) return answer
    }
    // With nobody who could have made room, an earlier nomination is void.
    return lane.postFilter.length === 0 || diagnosis.totalNodes === 0 ? { nominatedNode: '' } : {}
  }

  const scheduleOne = async (queued: QueuedPod): Promise<void> => {
    const { pod } = queued
    const lane = laneFor(pod)
    if (!lane) return queue.done(pod.uid)
    const cycle: Cycle = { pod, snapshot: cache.snapshot() }
    const found = await lane.search.run(cycle)
    if ('diagnosis' in found) return failure.refused(queued, cycle, found.diagnosis, await makeRoom(lane, cycle, found))
    cache.assume(pod, found.nodeName)
    nominator.remove(pod.uid)
    if (!lane.binder.prepare(queued, cycle, found)) return
    const tasks = pod.claims.length > 0 || lane.mayWait ? slowBinds : binds
    tasks.start(() => lane.binder.bind(queued, cycle, found, signal))
  }

  /** Whether somebody else took care of it, or will. */
  const isToBeSkipped = ({ uid, key, pod }: QueuedPod['pod']): boolean => {
    if (!pod.metadata.deletionTimestamp) return cache.pod(uid) !== undefined
    events.record(pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${key}`)
    return true
  }

  const news = inbox(clock)
  const isOurs = ({ spec }: Pod) => lanes.has(spec.schedulerName ?? '')
  const onGone = (uid: string) => void waiting.reject(uid, '', 'removed')
  const letGo = listen({ informers, cache, queue, nominator, inbox: news, isOurs, onGone })
  await informers.synced(signal)
  await news.emptied()
  while (!signal.aborted) {
    const busy = [binds, sideTasks].find(({ hasRoom }) => !hasRoom)
    const queued = busy ? undefined : queue.pop()
    if (!queued) await (busy ? busy.ended(signal) : queue.arrived.wait(signal))
    else if (isToBeSkipped(queued.pod)) queue.done(queued.pod.uid)
    else await scheduleOne(queued).catch((err: unknown) => failure.failed(queued, err))
    if (breather.isDue()) await breather.rest()
  }
  letGo()
  queue.close()
  for (const uid of waiting.uids()) waiting.reject(uid, '', 'the scheduler is stopping')
  await binds.idle()
  await slowBinds.idle()
  await sideTasks.idle()
  queue.close()
}
