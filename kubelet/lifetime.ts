import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { aborted, type Run, runAll } from '../lib/run.ts'
import type { NodeGarbage } from './garbage/garbage.ts'
import type { PodFeeds } from './pod-feeds.ts'
import type { Probes } from './probes/probes.ts'
import type { NodeResources } from './resize/node-resources.ts'
import type { NodeShutdown, ShutdownSource } from './shutdown/shutdown.ts'
import type { KubeletSources } from './sources.ts'
import type { StatusWriter } from './status/status-writer.ts'
import { messageOf } from './sync/sync-error.ts'
import type { NodeVolumes } from './volumes/node-volumes.ts'
import type { PodWorkers } from './workers/pod-workers.ts'
import type { RuntimeView } from './workers/relist.ts'

/** What has a beginning and an end, of a kubelet. */
interface Parts {
  readonly sources: KubeletSources
  readonly view: RuntimeView
  readonly resources: NodeResources
  readonly storage: NodeVolumes
  readonly feeds: PodFeeds
  readonly workers: PodWorkers
  readonly probes: Probes
  readonly statuses: StatusWriter
  readonly garbage: NodeGarbage
  readonly shutdown: NodeShutdown
  readonly shutdownSource: ShutdownSource | undefined
  /** Everything that needs the API; it has been heard of once. */
  readonly withApi: Run
  /** What else runs, by name. */
  readonly others: readonly (readonly [string, Run])[]
  /** Aborted when all of that has ended. */
  readonly stop: AbortController
  readonly clock: Clock
  readonly log: Log
}

const shutdownLimitInMs = 2000

/** Begins, runs all parts together, and leaves: containers go on. */
export function lifetime(parts: Parts): Run {
  const { sources, view, resources, storage, feeds, shutdown, log } = parts

  const begin = async (synced: Promise<void>) => {
    await Promise.all([
      storage.volumes.restore(),
      resources.begin(),
      // A relist now, so that the node's first status can say Ready.
      view.refresh().catch((err: unknown) => log.warn({ err: messageOf(err) }, 'runtime not there yet')),
      ...(feeds.hasFiles ? [] : [synced]),
    ])
    // So that the first pod need not wait for it; what fails now is tried again then.
    resources.cgroups.begin().catch((err: unknown) => log.info({ err: messageOf(err) }, 'cgroups not made yet'))
  }

  const leave = async () => {
    const { probes, workers, statuses, garbage, clock } = parts
    parts.stop.abort()
    probes.stopAll()
    // Containers end (or start) with or without us; whoever wants to leave need not wait for a long grace period.
    const waiting = new AbortController()
    await Promise.race([workers.stopped(), clock.sleep(shutdownLimitInMs, waiting.signal)])
    waiting.abort()
    await statuses.settled()
    await resources.settled()
    await garbage.logs.settled()
    await storage.close()
    await resources.cgroups.end()
  }

  return async signal => {
    const synced = Promise.race([sources.synced(signal), aborted(signal)])
    await begin(synced)
    const unsubscribe = parts.shutdownSource?.subscribe(isGoing => (isGoing ? void shutdown.begin() : shutdown.cancel()))
    await runAll(
      [
        ['relist', view.run],
        ['device plugins', resources.run],
        ['static pods', feeds.ofFiles],
        ['api', async signal => synced.then(() => parts.withApi(signal))],
        ...parts.others,
      ],
      signal,
    )
    unsubscribe?.()
    await leave()
  }
}
