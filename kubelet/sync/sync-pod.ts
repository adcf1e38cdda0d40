import type { Pod } from '../../api/core/pod.ts'
import type { KubeletContext } from '../context.ts'
import { containersOf } from '../pod-types.ts'
import type { ResizePlan } from '../resize/plan.ts'
import type { ImageInfo } from '../runtime/runtime.ts'
import type { MountedVolume, PodVolumes } from '../volumes/volumes.ts'
import { isAnythingRunning, type PodRuntime } from '../workers/pod-runtime.ts'
import type { PodActions } from './actions.ts'
import type { Killer } from './kill.ts'
import { sandboxConfig } from './sandbox-config.ts'
import type { StartContainer } from './start-container.ts'
import { messageOf, SyncError } from './sync-error.ts'

/** What came of carrying out a pod's actions. */
export interface SyncOutcome {
  /** By container name; a success removes an older error. */
  readonly started: readonly string[]
  readonly errors: ReadonlyMap<string, SyncError>
  /** Something else went wrong: the sandbox, a volume. */
  readonly failure: SyncError | undefined
  readonly hasActed: boolean
}

interface Options {
  context: KubeletContext
  volumes: PodVolumes
  killer: Killer
  startContainer: StartContainer
  /** Resizes running containers in place; never rejects. Absent: nobody is resized. */
  actuateResize?: (pod: Pod, plan: ResizePlan) => Promise<void>
}

export type SyncPod = (pod: Pod, runtime: PodRuntime, actions: PodActions, signal: AbortSignal) => Promise<SyncOutcome>

/** The node's addresses come from a controller: that takes a moment, not ten seconds. */
const networkRetryInMs = 1000

/** Carries out what computePodActions decided: kill, sandbox, ephemeral, init and regular containers, in this order (semantics C1). */
export function podSyncer({ context, volumes, killer, startContainer, actuateResize }: Options): SyncPod {
  const { runtime: engine, events } = context

  const ensureCgroup = async (pod: Pod) => {
    try {
      return (await context.cgroups?.ensure(pod)) ?? ''
    } catch (cause) {
      const message = `unable to ensure pod container exists: ${messageOf(cause)}`
      events.record(pod, 'Warning', 'FailedCreatePodContainer', message)
      throw new SyncError('FailedCreatePodContainer', message, { cause })
    }
  }

  const runSandbox = async (pod: Pod, attempt: number) => {
    const cgroupParent = await ensureCgroup(pod)
    try {
      const sandbox = await engine.runSandbox({ ...(await sandboxConfig(context, pod, attempt)), cgroupParent })
      if (!sandbox.isWarm) context.cgroups?.verify(pod, sandbox.id)
      return sandbox
    } catch (cause) {
      const message = `Failed to create pod sandbox: ${messageOf(cause)}`
      events.record(pod, 'Warning', 'FailedCreatePodSandBox', message)
      const isEarly = message.includes('network is not ready')
      throw new SyncError('FailedCreatePodSandBox', message, { cause, ...(isEarly && { retryInMs: networkRetryInMs }) })
    }
  }

  /** Nothing may run twice, not even what the engine has lost. */
  const endStrays = async (pod: Pod, { containers, sandboxes }: PodRuntime) => {
    const running = new Set<string>()
    for (const { id, state } of sandboxes) if (state === 'ready') running.add(id)
    for (const { id, state } of containers) if (state === 'running' || state === 'unknown') running.add(id)
    await context.cgroups?.endStrays(pod, id => running.has(id))
  }

  /** What the runtime has of a container's image, where that is all there is to ask; whoever finds nothing asks again. */
  const imageOf = async ({ spec }: Pod, name: string | undefined): Promise<ImageInfo | undefined> => {
    const container = containersOf(spec).find(one => one.container.name === name)?.container
    if (!container?.image || container.imagePullPolicy === 'Always') return undefined
    return engine.images.status(container.image).catch(() => undefined)
  }

  /** Dead instances of init containers, all but the newest so many of each. Expects the newest first. */
  const removeInit = async ({ spec }: Pod, { containers }: PodRuntime, kept: number) => {
    for (const { name } of spec.initContainers ?? []) {
      const instances = containers.filter(
        one => one.name === name && (kept === 0 || one.state === 'exited' || one.state === 'unknown'),
      )
      await Promise.all(instances.slice(kept).map(one => engine.removeContainer(one.id)))
    }
  }

  const killFirst = async (pod: Pod, runtime: PodRuntime, actions: PodActions) => {
    if (actions.killPod) {
      if (runtime.sandboxes.length === 0 && runtime.containers.length === 0) return
      if (actions.createSandbox)
        events.record(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
      await killer.killPod(pod, runtime)
      // What ran in the old sandbox must not pass for initialisation of the new one.
      if (actions.createSandbox) await removeInit(pod, runtime, 0)
      return
    }
    if (actions.initToStart.length > 0) await removeInit(pod, runtime, 1)
    await Promise.all(actions.toKill.map(kill => killer.killContainer(pod, kill)))
  }

  return async (pod, runtime, actions, signal) => {
    const starts = [...actions.ephemeralToStart, ...actions.initToStart, ...actions.appsToStart]
    const mustKill = actions.killPod && (isAnythingRunning(runtime) || runtime.sandboxes.some(one => one.state === 'ready'))
    const hasActed = mustKill || actions.toKill.length > 0 || starts.length > 0 || actions.resize !== undefined
    const started: string[] = []
    const errors = new Map<string, SyncError>()
    const outcome = (failure?: SyncError): SyncOutcome => ({ started, errors, failure, hasActed })
    if (!hasActed) return outcome()

    const mounted: Promise<ReadonlyMap<string, MountedVolume>> =
      starts.length > 0 ? volumes.prepare(pod, signal) : Promise.resolve(new Map())
    mounted.catch(() => {})
    try {
      await killFirst(pod, runtime, actions)
      if (actions.killPod && !actions.createSandbox) return outcome()
      // Ending things takes long; the pod may have been given up meanwhile, or its kubelet may have ended.
      if (signal.aborted) return outcome()
      if (starts.length > 0) await endStrays(pod, runtime)
      let sandboxId = actions.sandboxId ?? ''
      let podIp = runtime.sandboxes[0]?.ip ?? ''
      let firstImage: ImageInfo | undefined
      if (actions.createSandbox) {
        const [sandbox, found] = await Promise.all([runSandbox(pod, actions.attempt), imageOf(pod, starts[0])])
        sandboxId = sandbox.id
        podIp = sandbox.ip
        firstImage = found
      }
      if (actions.resize && !actions.killPod) await actuateResize?.(pod, actions.resize)
      const all = containersOf(pod.spec)
      for (const name of starts) {
        if (signal.aborted) break
        const found = all.find(one => one.container.name === name)
        if (!found) continue
        const { container, role } = found
        try {
          await startContainer({
            pod,
            container,
            role,
            sandboxId,
            podIp,
            runtime,
            volumes: mounted,
            image: name === starts[0] ? firstImage : undefined,
            signal,
          })
          started.push(name)
        } catch (error) {
          const reason =
            error instanceof SyncError ? error : new SyncError('CreateContainerError', messageOf(error), { cause: error })
          if (reason.reason === 'FailedMount') throw reason
          errors.set(name, reason)
          if (role === 'init') break
        }
      }
      return outcome()
    } catch (error) {
      return outcome(error instanceof SyncError ? error : new SyncError('FailedSync', messageOf(error), { cause: error }))
    }
  }
}
