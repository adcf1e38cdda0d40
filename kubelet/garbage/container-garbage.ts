import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { PodRuntime } from '../workers/pod-runtime.ts'
import type { ContainerGarbageConfig } from './config.ts'
import { type PodStage, planContainerGarbage } from './container-plan.ts'

interface Options {
  runtime: Pick<ContainerRuntime, 'removeContainer' | 'removeSandbox'>
  /** What the runtime holds, as the kubelet saw it last. */
  seen: () => Iterable<PodRuntime>
  config: ContainerGarbageConfig
  stageOf: (podUid: string) => PodStage
  clock: Clock
  log: Log
}

/** Until then a container that was made and not started may be about to be. */
const startLimitInMs = 60_000

/** Removes containers that have ended and that nobody needs. Failures are logged: the next look tries again. */
export function containerGarbage({ runtime, seen, config, stageOf, clock, log }: Options) {
  return async ({ isShort = false } = {}): Promise<void> => {
    const pods = [...seen()]
    const now = clock.now()
    const isSettled = (state: string, createdAt: number) =>
      state === 'exited' || state === 'running' || (state === 'created' && createdAt < now - startLimitInMs)
    const containers = pods.flatMap(pod => pod.containers)
    const unsettled = containers.filter(({ state, createdAt }) => !isSettled(state, createdAt))
    const busy = new Set(unsettled.map(({ sandboxId }) => sandboxId))
    const all = {
      containers: containers.filter(one => !unsettled.includes(one)),
      sandboxes: pods.flatMap(pod => pod.sandboxes).filter(({ id }) => !busy.has(id)),
    }
    const garbage = planContainerGarbage(all, { now, config, stageOf, isShort })
    const failed = (id: string) => (err: unknown) => log.warn({ err: messageOf(err), id }, 'garbage not removed')
    for (const id of garbage.containers) await runtime.removeContainer(id).catch(failed(id))
    for (const id of garbage.sandboxes) await runtime.removeSandbox(id).catch(failed(id))
  }
}
