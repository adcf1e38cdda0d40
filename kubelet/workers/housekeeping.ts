import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import type { NodeGarbage } from '../garbage/garbage.ts'
import type { NodeResources } from '../resize/node-resources.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import type { Killer } from '../sync/kill.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { PodVolumes } from '../volumes/volumes.ts'
import type { PodRuntime } from './pod-runtime.ts'
import type { PodWorkers } from './pod-workers.ts'
import type { RuntimeView } from './relist.ts'

interface Options {
  runtime: ContainerRuntime
  view: RuntimeView
  workers: PodWorkers
  killer: Killer
  volumes: PodVolumes
  garbage: Pick<NodeGarbage, 'collect' | 'logs'>
  resources: Pick<NodeResources, 'sweep'>
  clock: Clock
  log: Log
  everyMs: number
  sweepEveryMs: number
  /** Whether all pods have been heard of: before that nobody can tell what is left over. */
  isReady: () => boolean
}

const orphanGraceInSeconds = 2

/**
 * What nobody else would do: wakes pods that are due, ends containers whose pod is gone from the API, removes dead instances
 * and folders that nobody needs (semantics C1, C6).
 */
export function housekeeping(options: Options): Run {
  const { runtime, view, workers, killer, volumes, garbage, resources, clock, log, everyMs, sweepEveryMs, isReady } = options
  const underWay = new Set<string>()
  let sweptAt = Number.NEGATIVE_INFINITY

  const endOrphan = async (uid: string, pod: PodRuntime) => {
    underWay.add(uid)
    try {
      await killer.killOrphan(pod, orphanGraceInSeconds)
      const identity = [...pod.containers, ...pod.sandboxes][0]?.pod
      if (identity) await garbage.logs.keep(identity, pod.containers)
      for (const sandbox of pod.sandboxes) await runtime.removeSandbox(sandbox.id)
      const strays = pod.containers.filter(one => !pod.sandboxes.some(sandbox => sandbox.id === one.sandboxId))
      for (const container of strays) await runtime.removeContainer(container.id)
      await volumes.tearDown(uid)
    } catch (err) {
      log.warn({ err: messageOf(err), uid }, 'orphaned pod not ended')
    } finally {
      underWay.delete(uid)
    }
  }

  const sweep = async () => {
    await garbage.collect()
    await runtime.tidy?.()
    await resources.sweep(uid => workers.has(uid) || underWay.has(uid))
    for (const uid of await volumes.leftovers())
      if (!workers.has(uid) && !underWay.has(uid))
        await volumes.tearDown(uid).catch((err: unknown) => log.warn({ err: messageOf(err), uid }, 'volumes not undone'))
  }

  const hasNothing = () => workers.size === 0 && [...view.podUids()].length === 0

  return async signal => {
    while (!signal.aborted) {
      const now = clock.now()
      workers.tick(now)
      if (!isReady()) {
        await clock.sleep(everyMs, signal)
        continue
      }
      for (const [uid, pod] of view.all()) if (!workers.has(uid) && !underWay.has(uid)) void endOrphan(uid, pod)
      if (now - sweptAt >= sweepEveryMs) {
        sweptAt = now
        await sweep().catch((err: unknown) => log.warn({ err: messageOf(err) }, 'housekeeping failed'))
      }
      await clock.sleep(hasNothing() ? everyMs * 5 : everyMs, signal)
    }
  }
}
