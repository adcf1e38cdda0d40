import type { Pod } from '../../api/core/pod.ts'
import type { KubeletContext } from '../context.ts'
import { containersOf } from '../pod-types.ts'
import { isAnythingRunning, type PodRuntime } from '../workers/pod-runtime.ts'
import type { MountedVolume, PodVolumes } from '../volumes/volumes.ts'
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
}

export type SyncPod = (pod: Pod, runtime: PodRuntime, actions: PodActions, signal: AbortSignal) => Promise<SyncOutcome>

/** The node's addresses come from a controller: that takes a moment, not ten seconds. */
const networkRetryInMs = 1000

/** Carries out what computePodActions decided: kill, sandbox, ephemeral, init and regular containers, in this order (semantics C1). */
export function podSyncer({ context, volumes, killer, startContainer }: Options): SyncPod {
  const { runtime: engine, events } = context

  const runSandbox = async (pod: Pod, attempt: number) => {
    try {
      return await engine.runSandbox(sandboxConfig(context, pod, attempt))
    } catch (cause) {
      const message = `Failed to create pod sandbox: ${messageOf(cause)}`
      events.record(pod, 'Warning', 'FailedCreatePodSandBox', message)
      const isEarly = message.includes('network is not ready')
      throw new SyncError('FailedCreatePodSandBox', message, { cause, ...(isEarly && { retryInMs: networkRetryInMs }) })
    }
  }

  const killFirst = async (pod: Pod, runtime: PodRuntime, actions: PodActions) => {
    if (actions.killPod) {
      if (runtime.sandboxes.length === 0 && runtime.containers.length === 0) return
      if (actions.createSandbox)
        events.record(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
      await killer.killPod(pod, runtime)
      return
    }
    await Promise.all(actions.toKill.map(kill => killer.killContainer(pod, kill)))
  }

  return async (pod, runtime, actions, signal) => {
    const starts = [...actions.ephemeralToStart, ...actions.initToStart, ...actions.appsToStart]
    const mustKill = actions.killPod && (isAnythingRunning(runtime) || runtime.sandboxes.some(one => one.state === 'ready'))
    const hasActed = mustKill || actions.toKill.length > 0 || starts.length > 0
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
      let sandboxId = actions.sandboxId ?? ''
      let podIp = runtime.sandboxes[0]?.ip ?? ''
      if (actions.createSandbox) {
        const sandbox = await runSandbox(pod, actions.attempt)
        sandboxId = sandbox.id
        podIp = sandbox.ip
      }
      const all = containersOf(pod.spec)
      for (const name of starts) {
        if (signal.aborted) break
        const found = all.find(one => one.container.name === name)
        if (!found) continue
        const { container, role } = found
        try {
          await startContainer({ pod, container, role, sandboxId, podIp, runtime, volumes: mounted, signal })
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
