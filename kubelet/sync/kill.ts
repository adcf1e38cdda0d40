import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { type AnyContainer, containersOf, type LifecycleHandler } from '../pod-types.ts'
import type { ContainerRuntime, ContainerState } from '../runtime/runtime.ts'
import type { PodRuntime } from '../workers/pod-runtime.ts'
import type { ContainerKill } from './actions.ts'
import type { RunHook } from './hooks.ts'
import { terminationOf } from './labels.ts'
import { messageOf } from './sync-error.ts'

/** Every container gets at least so long to end by itself (pkg/kubelet/kuberuntime minimumGracePeriodInSeconds). */
export const minGraceInSeconds = 2

/** How long one container may take: the pod's deletion, then its spec, then the probe that failed (semantics C8). */
export function graceInSeconds(pod: Pod, container: AnyContainer | undefined, reason: ContainerKill['reason']): number {
  const ofProbe =
    reason === 'liveness'
      ? container?.livenessProbe?.terminationGracePeriodSeconds
      : reason === 'startup'
        ? container?.startupProbe?.terminationGracePeriodSeconds
        : undefined
  return ofProbe ?? pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? minGraceInSeconds
}

/** Ends containers: hooks, signals, order. */
export interface Killer {
  killContainer(pod: Pod, kill: ContainerKill): Promise<void>
  /** Everything in the pod, sidecars last, then its sandboxes. Rejects when something would not die. */
  killPod(pod: Pod, runtime: PodRuntime, graceInSeconds?: number): Promise<void>
  /** The containers of a pod that nobody knows any more. */
  killOrphan(runtime: PodRuntime, graceInSeconds: number): Promise<void>
}

interface Options {
  runtime: ContainerRuntime
  runHook: RunHook
  events: EventRecorder
  clock: Clock
  log: Log
}

interface Ending {
  readonly container: ContainerState
  readonly spec: AnyContainer | undefined
  readonly message: string
  readonly graceInSeconds: number
  /** Resolves when it is this container's turn to be told. */
  readonly turn?: Promise<unknown>
}

export function killer({ runtime, runHook, events, clock, log }: Options): Killer {
  const end = async (pod: Pod, { container, spec, message, graceInSeconds, turn }: Ending, podIp: string) => {
    events.record(pod, 'Normal', 'Killing', message)
    const deadline = clock.monotonic() + graceInSeconds * 1000
    const left = () => Math.trunc((deadline - clock.monotonic()) / 1000)
    const preStop = spec?.lifecycle?.preStop ?? terminationOf(container).preStop
    if (preStop && graceInSeconds > 0 && container.state === 'running')
      await within(graceInSeconds * 1000, signal => tryPreStop(pod, preStop, container, spec, podIp, signal))
    if (turn && left() > 0) await within(left() * 1000, () => turn)
    await runtime.stopContainer(container.id, Math.max(left(), minGraceInSeconds))
  }

  const tryPreStop = async (
    pod: Pod,
    handler: LifecycleHandler,
    { id, name }: ContainerState,
    spec: AnyContainer | undefined,
    podIp: string,
    signal: AbortSignal,
  ) => {
    const container = spec ?? ({ name } as AnyContainer)
    await runHook(handler, { pod, container, containerId: id, podIp }, signal).catch((error: unknown) => {
      if (signal.aborted) return
      events.record(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
      log.warn({ err: messageOf(error), pod: pod.metadata.name }, 'preStop hook failed')
    })
  }

  /** Waits for work, but not longer than so; what is still going on then is told to stop. */
  const within = async (ms: number, work: (signal: AbortSignal) => Promise<unknown>) => {
    const limit = new AbortController()
    const timeout = new Promise<void>(resolve => {
      const cancel = clock.after(ms, resolve)
      limit.signal.addEventListener('abort', cancel, { once: true })
    })
    await Promise.race([work(limit.signal), timeout])
    limit.abort()
  }

  const stopSandboxes = (pod: PodRuntime) =>
    Promise.all(pod.sandboxes.filter(one => one.state === 'ready').map(one => runtime.stopSandbox(one.id)))

  return {
    async killContainer(pod, { container, message, reason }) {
      const spec = containersOf(pod.spec).find(one => one.container.name === container.name)?.container
      await end(pod, { container, spec, message, graceInSeconds: graceInSeconds(pod, spec, reason) }, '')
    },
    async killPod(pod, held, override) {
      const all = containersOf(pod.spec)
      const living = held.containers.filter(one => one.state === 'running' || one.state === 'unknown')
      const podIp = held.sandboxes[0]?.ip ?? ''
      const grace = override ?? graceInSeconds(pod, undefined, undefined)
      const ends = new Map<string, Promise<void>>()
      const start = (container: ContainerState, turn?: Promise<unknown>) => {
        const spec = all.find(one => one.container.name === container.name)?.container
        const message = `Stopping container ${container.name}`
        const ending = { container, spec, message, graceInSeconds: grace, ...(turn && { turn }) }
        ends.set(container.id, end(pod, ending, podIp))
      }
      const isSidecar = (one: ContainerState) =>
        all.some(({ container, role }) => role === 'sidecar' && container.name === one.name)
      for (const container of living) if (!isSidecar(container)) start(container)
      const inReverse = all.filter(one => one.role === 'sidecar').reverse()
      for (const { container } of inReverse) {
        const before = Promise.allSettled([...ends.values()])
        for (const instance of living) if (instance.name === container.name) start(instance, before)
      }
      await Promise.all(ends.values())
      await stopSandboxes(held)
    },
    async killOrphan(held, graceInSeconds) {
      const living = held.containers.filter(one => one.state === 'running' || one.state === 'unknown')
      await Promise.all(living.map(one => runtime.stopContainer(one.id, Math.max(graceInSeconds, minGraceInSeconds))))
      await stopSandboxes(held)
    },
  }
}
