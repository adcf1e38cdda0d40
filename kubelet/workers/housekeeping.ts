import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import type { ContainerRuntime, ContainerState, Sandbox } from '../runtime/runtime.ts'
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
  clock: Clock
  log: Log
  everyMs: number
}

const sweepEveryMs = 60_000
const orphanGraceInSeconds = 2

/**
 * What nobody else would do: wakes pods that are due, ends containers whose pod is gone from the API, removes dead instances
 * and folders that nobody needs (semantics C1, C6). Must not begin before all pods have been heard of.
 */
export function housekeeping({ runtime, view, workers, killer, volumes, clock, log, everyMs }: Options): Run {
  const underWay = new Set<string>()
  let sweptAt = Number.NEGATIVE_INFINITY

  const endOrphan = async (uid: string, pod: PodRuntime) => {
    underWay.add(uid)
    try {
      await killer.killOrphan(pod, orphanGraceInSeconds)
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
    for (const [uid, pod] of view.all()) {
      if (!workers.has(uid)) continue
      for (const container of deadInstances(pod.containers)) await runtime.removeContainer(container.id)
      for (const sandbox of emptySandboxes(pod)) await runtime.removeSandbox(sandbox.id)
    }
    for (const uid of await volumes.leftovers()) if (!workers.has(uid) && !underWay.has(uid)) await volumes.tearDown(uid)
  }

  return async signal => {
    while (!signal.aborted) {
      const now = clock.now()
      workers.tick(now)
      for (const [uid, pod] of view.all()) if (!workers.has(uid) && !underWay.has(uid)) void endOrphan(uid, pod)
      if (now - sweptAt >= sweepEveryMs) {
        sweptAt = now
        await sweep().catch((err: unknown) => log.warn({ err: messageOf(err) }, 'housekeeping failed'))
      }
      await clock.sleep(everyMs, signal)
    }
  }
}

/** All dead instances but the newest of each container (maxPerPodContainer 1). Expects the newest first. */
export function deadInstances(containers: readonly ContainerState[]): ContainerState[] {
  const seen = new Set<string>()
  return containers.filter(({ name, state }) => {
    if (state !== 'exited' && state !== 'created') return false
    if (seen.has(name)) return true
    seen.add(name)
    return false
  })
}

/** Sandboxes that were replaced and have nothing left in them. Expects the newest first. */
export function emptySandboxes({ sandboxes, containers }: PodRuntime): Sandbox[] {
  const replaced = sandboxes.slice(1).filter(sandbox => sandbox.state === 'notReady')
  return replaced.filter(sandbox => !containers.some(container => container.sandboxId === sandbox.id))
}
