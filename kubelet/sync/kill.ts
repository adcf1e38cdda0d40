import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { containerSubject } from '../container-subject.ts'
import { type AnyContainer, containersOf, type LifecycleHandler } from '../pod-types.ts'
import type { ContainerRuntime, ContainerState } from '../runtime/runtime.ts'
import type { PodRuntime } from '../workers/pod-runtime.ts'
import type { ContainerKill } from './actions.ts'
import { graceWatch } from './grace-watch.ts'
import type { RunHook } from './hooks.ts'
import { terminationOf } from './labels.ts'
import { messageOf } from './sync-error.ts'

/** Every container gets at least so long to end by itself (pkg/kubelet/kuberuntime minimumGracePeriodInSeconds). */
export const minGraceInSeconds = 2

/** How long one container may take: what its pod's deletion says, else the probe that failed, else the spec (semantics C8). */
export function graceInSeconds(pod: Pod, container: AnyContainer | undefined, reason: ContainerKill['reason']): number {
  const ofProbe =
    reason === 'liveness'
      ? container?.livenessProbe?.terminationGracePeriodSeconds
      : reason === 'startup'
        ? container?.startupProbe?.terminationGracePeriodSeconds
        : undefined
  return pod.metadata.deletionGracePeriodSeconds ?? ofProbe ?? pod.spec.terminationGracePeriodSeconds ?? minGraceInSeconds
}

/** Ends containers: hooks, signals, order. */
export interface Killer {
  killContainer(pod: Pod, kill: ContainerKill): Promise<void>
  /**
   * Everything in the pod, sidecars last, then its sandboxes. Rejects when something would not die. What is being ended already goes
   * on where it is, and only has less time if `graceInSeconds` says so.
   */
  killPod(pod: Pod, runtime: PodRuntime, graceInSeconds?: number): Promise<void>
  /** What of the pod is being ended now has no more than so much time left. */
  hasten(runtime: PodRuntime, graceInSeconds: number): void
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
  /** What is being ended right now, by container id. */
  const underWay = new Map<string, { ended: Promise<void>; shorten: (seconds: number) => void }>()

  const end = (pod: Pod, ending: Ending, podIp: string): Promise<void> => {
    const { id } = ending.container
    const already = underWay.get(id)
    if (already) {
      already.shorten(ending.graceInSeconds)
      return already.ended
    }
    const grace = graceWatch(clock, ending.graceInSeconds)
    const ended = carryOut(pod, ending, podIp, grace).finally(() => underWay.delete(id))
    underWay.set(id, { ended, shorten: grace.shorten })
    return ended
  }

  const carryOut = async (
    pod: Pod,
    { container, spec, message, turn }: Ending,
    podIp: string,
    grace: ReturnType<typeof graceWatch>,
  ) => {
    events.record(containerSubject(pod, container.name), 'Normal', 'Killing', message)
    const preStop = spec ? spec.lifecycle?.preStop : terminationOf(container).preStop
    if (preStop && grace.left() > 0 && container.state === 'running')
      await grace.within(signal => tryPreStop(pod, preStop, container, spec, podIp, signal))
    if (turn && grace.left() > 0) await grace.within(() => turn)
    const stop = () => runtime.stopContainer(container.id, Math.max(grace.left(), minGraceInSeconds))
    await new Promise<void>((resolve, reject) => {
      grace.onShortened(() => void stop().catch(() => undefined))
      stop().then(resolve, reject)
    })
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
      events.record(containerSubject(pod, name), 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
      log.warn({ err: messageOf(error), pod: pod.metadata.name }, 'preStop hook failed')
    })
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
      const ends: Promise<void>[] = []
      const start = (container: ContainerState, turn?: Promise<unknown>) => {
        const spec = all.find(one => one.container.name === container.name)?.container
        const message = `Stopping container ${container.name}`
        const ending = { container, spec, message, graceInSeconds: grace, ...(turn && { turn }) }
        ends.push(end(pod, ending, podIp))
      }
      const roleOf = (one: ContainerState) => all.find(({ container }) => container.name === one.name)?.role
      const instances = (name: string) => living.filter(one => one.name === name)
      // Sidecars wait for all regular containers, and each for those that came after it; nobody waits for the other kinds.
      for (const container of living) if (roleOf(container) === 'app') start(container)
      const before = [...ends]
      for (const container of living) if (!['app', 'sidecar'].includes(roleOf(container) ?? '')) start(container)
      for (const { container } of all.filter(one => one.role === 'sidecar').reverse()) {
        const turn = Promise.allSettled([...before])
        for (const instance of instances(container.name)) {
          start(instance, turn)
          before.push(...ends.slice(-1))
        }
      }
      const results = await Promise.allSettled(ends)
      const failed = results.find(result => result.status === 'rejected')
      if (failed) throw failed.reason
      await stopSandboxes(held)
    },
    hasten(held, graceInSeconds) {
      for (const { id } of held.containers) underWay.get(id)?.shorten(graceInSeconds)
    },
    async killOrphan(held, graceInSeconds) {
      const living = held.containers.filter(one => one.state === 'running' || one.state === 'unknown')
      await Promise.all(living.map(one => runtime.stopContainer(one.id, Math.max(graceInSeconds, minGraceInSeconds))))
      await stopSandboxes(held)
    },
  }
}
