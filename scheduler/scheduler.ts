import { Node } from '../api/core/node.ts'
import { PersistentVolume } from '../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../api/core/persistent-volume-claim.ts'
import { Pod } from '../api/core/pod.ts'
import { StorageClass } from '../api/storage/storage-class.ts'
import type { Run } from '../lib/run.ts'
import { binder, release } from './binder.ts'
import { breather as makeBreather } from './breather.ts'
import { schedulerCache } from './cache.ts'
import type { PluginDependencies, SchedulerDependencies } from './dependencies.ts'
import { listen } from './event-handlers.ts'
import { failureHandler } from './failure.ts'
import type { Cycle } from './framework.ts'
import { inbox } from './inbox.ts'
import { nominator as makeNominator } from './nominator.ts'
import { defaultProfile, type Profile } from './profile.ts'
import { type QueuedPod, schedulingQueue } from './queue.ts'
import { type NoPlacement, search as makeSearch } from './search.ts'
import { sideTasks as makeSideTasks } from './side-tasks.ts'

export interface Scheduler {
  /** Places pods until the signal aborts; resolves when the last bind under way has ended. Starts from nothing each time. */
  readonly run: Run
}

interface Options extends SchedulerDependencies {
  /** Other plugins or another name than the default's. */
  readonly profile?: (dependencies: PluginDependencies) => Profile
}

/** How many binds, and how many other writes, may be under way: enough to fill a store's batches, few enough not to swamp it. */
const concurrentBinds = 256
/** Binds that first wait for volumes to be made, which may take minutes and costs nothing. */
const concurrentSlowBinds = 10_000
const concurrentSideTasks = 32

const watched = [Pod, Node, PersistentVolumeClaim, PersistentVolume, StorageClass] as const

/**
 * Gives every pod that asks for this scheduler a node. Two loops share the work: informers fill cache and queue; the scheduling loop
 * takes one pod at a time, looks at a snapshot only, decides, and leaves the writing to others (semantics A1).
 */
export function createScheduler(options: Options): Scheduler {
  for (const kind of watched) options.informers.of(kind)
  return { run: signal => runScheduler(options, signal) }
}

async function runScheduler(options: Options, signal: AbortSignal): Promise<void> {
  const { client, informers, events, clock, random, log } = options
  const breather = makeBreather(clock)
  const nominator = makeNominator()
  const sideTasks = makeSideTasks(concurrentSideTasks)
  const binds = makeSideTasks(concurrentBinds)
  const slowBinds = makeSideTasks(concurrentSlowBinds)
  const makeProfile = options.profile ?? defaultProfile
  const profile = makeProfile({
    ...options,
    nominator,
    breather,
    sideTasks,
    reconsider: uid => queue.reconsider(uid),
    retry: uid => queue.retry(uid),
  })
  const plugins = profile.plugins.map(({ plugin }) => plugin)
  const queue = schedulingQueue({ clock, plugins })
  const cache = schedulerCache()
  const search = makeSearch({ plugins: profile.plugins, nominator, random, breather })
  const pods = informers.of(Pod).lister
  const failure = failureHandler({ client, events, clock, log, queue, nominator, pods, sideTasks })
  const bind = binder({ client, events, cache, queue, plugins, onFailure: failure.failed })

  const makeRoom = async (cycle: Cycle, { diagnosis, filters }: NoPlacement) => {
    for (const plugin of plugins) {
      const answer = await plugin.postFilter?.(cycle, diagnosis, filters)
      if (answer) return answer
    }
    return {}
  }

  const scheduleOne = async (queued: QueuedPod): Promise<void> => {
    const { pod } = queued
    const cycle: Cycle = { pod, snapshot: cache.snapshot() }
    const found = await search.run(cycle)
    if ('diagnosis' in found) return failure.refused(queued, cycle, found.diagnosis, await makeRoom(cycle, found))
    cache.assume(pod, found.nodeName)
    nominator.remove(pod.uid)
    try {
      for (const plugin of plugins) plugin.reserve?.(cycle, found.nodeName)
    } catch (err) {
      release(plugins, cycle, found.nodeName)
      cache.forget(pod.uid)
      throw err
    }
    const tasks = pod.claims.length > 0 ? slowBinds : binds
    tasks.start(() => bind(queued, cycle, found, signal))
  }

  /** Whether somebody else took care of it, or will. */
  const isToBeSkipped = ({ uid, key, pod }: QueuedPod['pod']): boolean => {
    if (!pod.metadata.deletionTimestamp) return cache.pod(uid) !== undefined
    events.record(pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${key}`)
    return true
  }

  const news = inbox(clock)
  const letGo = listen({ informers, cache, queue, nominator, inbox: news, schedulerName: profile.schedulerName })
  await informers.synced(signal)
  await news.emptied()
  while (!signal.aborted) {
    const queued = binds.hasRoom ? queue.pop() : undefined
    if (!queued) await (binds.hasRoom ? queue.arrived.wait(signal) : binds.ended(signal))
    else if (isToBeSkipped(queued.pod)) queue.done(queued.pod.uid)
    else await scheduleOne(queued).catch((err: unknown) => failure.failed(queued, err))
    if (breather.isDue()) await breather.rest()
  }
  letGo()
  queue.close()
  await binds.idle()
  await slowBinds.idle()
  await sideTasks.idle()
}
