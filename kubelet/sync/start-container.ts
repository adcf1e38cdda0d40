import type { Pod } from '../../api/core/pod.ts'
import { containerSubject } from '../container-subject.ts'
import type { KubeletContext } from '../context.ts'
import { goDuration, podLabel } from '../names.ts'
import type { AnyContainer, ContainerRole } from '../pod-types.ts'
import { withPodResources } from '../resize/container-resources.ts'
import type { ImageInfo } from '../runtime/runtime.ts'
import type { MountedVolume } from '../volumes/volumes.ts'
import { newestOf, type PodRuntime } from '../workers/pod-runtime.ts'
import { containerConfig } from './container-config.ts'
import type { CrashBackoff } from './crash-backoff.ts'
import type { RunHook } from './hooks.ts'
import type { Images } from './images.ts'
import type { Killer } from './kill.ts'
import { containerHash } from './labels.ts'
import { toldRun } from './restart-policy.ts'
import { messageOf, SyncError, unlessAborted } from './sync-error.ts'

export interface StartInput {
  readonly pod: Pod
  readonly container: AnyContainer
  readonly role: ContainerRole
  readonly sandboxId: string
  readonly podIp: string
  readonly runtime: PodRuntime
  /** In preparation since the sandbox was. */
  readonly volumes: Promise<ReadonlyMap<string, MountedVolume>>
  /** What was found out about the container's image meanwhile, if anything. */
  readonly image?: ImageInfo | undefined
  readonly signal: AbortSignal
}

/** Starts one container; resolves when its postStart hook is done. Throws SyncError with the waiting reason (semantics C5). */
export type StartContainer = (input: StartInput) => Promise<void>

interface Options {
  context: KubeletContext
  images: Images
  backoff: CrashBackoff
  runHook: RunHook
  killer: Killer
}

/** Failures to get an image, whose details have been told already (pkg/kubelet/images/types.go). */
const imageReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
])

/** The key under which restarts of a container are counted; a changed container starts afresh. */
export function backoffKey({ metadata }: Pod, container: AnyContainer): string {
  return `${metadata.uid}/${metadata.namespace}/${metadata.name}/${container.name}/${containerHash(container)}`
}

export function containerStarter({ context, images, backoff, runHook, killer }: Options): StartContainer {
  const { runtime: engine, events, clock } = context

  // One that was killed just now for its probe still counts as running here, so the exit before that decides, as upstream.
  const refuseInBackoff = (pod: Pod, container: AnyContainer, runtime: PodRuntime) => {
    const lastExit = runtime.containers.find(({ name, state }) => name === container.name && state === 'exited')
    if (!lastExit) return
    const { waitInMs, delayInMs } = backoff.waitInMs(backoffKey(pod, container), lastExit.finishedAt, clock.now())
    if (waitInMs <= 0) return
    const who = podLabel(pod)
    events.record(
      containerSubject(pod, container.name),
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${container.name} in pod ${who}`,
    )
    const message = `back-off ${goDuration(delayInMs)} restarting failed container=${container.name} pod=${who}`
    throw new SyncError('CrashLoopBackOff', message, { retryInMs: waitInMs })
  }

  const create = async ({ pod, container, role, sandboxId, podIp, runtime, volumes, image: known, signal }: StartInput) => {
    const newest = newestOf(runtime, container.name)
    const [image, mounted] = await unlessAborted(Promise.all([images.ensure(pod, container, known), volumes]), signal)
    const attempt = newest ? newest.attempt + 1 : lostAttempts(pod, container)
    const targetName = (container as { targetContainerName?: string }).targetContainerName
    const target = targetName ? newestOf(runtime, targetName) : undefined
    const input = { pod, container, role, attempt, image, podIp, volumes: mounted, target }
    const made = containerConfig(context, input).then(config => withPodResources(context, pod, container, config))
    const config = await made.catch((cause: unknown) => {
      throw cause instanceof SyncError ? cause : new SyncError('CreateContainerConfigError', messageOf(cause), { cause })
    })
    const id = await engine.createContainer(sandboxId, config).catch((cause: unknown) => {
      throw new SyncError('CreateContainerError', messageOf(cause), { cause })
    })
    events.record(containerSubject(pod, container.name), 'Normal', 'Created', `Created container: ${container.name}`)
    return { id, config }
  }

  const postStart = async ({ pod, container, podIp, signal }: StartInput, id: string) => {
    const handler = container.lifecycle?.postStart
    if (!handler) return
    try {
      await runHook(handler, { pod, container, containerId: id, podIp: podIp || (context.nodeIps[0] ?? '') }, signal)
    } catch (error) {
      events.record(containerSubject(pod, container.name), 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
      const started = await engine.inspect(id)
      if (started) await killer.killContainer(pod, { container: started, message: 'FailedPostStartHook' })
      throw new SyncError('PostStartHookError', messageOf(error), { cause: error })
    }
  }

  return async input => {
    const { pod, container, runtime, signal } = input
    refuseInBackoff(pod, container, runtime)
    try {
      const { id } = await create(input)
      try {
        await engine.startContainer(id)
      } catch (cause) {
        throw new SyncError('RunContainerError', messageOf(cause), { cause })
      }
      context.cgroups?.started(pod, id)
      events.record(containerSubject(pod, container.name), 'Normal', 'Started', `Started container ${container.name}`)
      await postStart(input, id)
    } catch (error) {
      if (error instanceof SyncError && error.reason !== 'FailedMount' && !signal.aborted) tellFailure(pod, container, error)
      throw error
    }
  }

  function tellFailure(pod: Pod, { name }: AnyContainer, { reason, message }: SyncError): void {
    if (reason === 'PostStartHookError' || reason === 'CrashLoopBackOff') return
    events.record(containerSubject(pod, name), 'Warning', 'Failed', `Error: ${imageReasons.has(reason) ? reason : message}`)
  }
}

/** An instance that the runtime has lost still counts: the status remembers it. */
function lostAttempts(pod: Pod, container: AnyContainer): number {
  const told = toldRun(pod, container)
  return told ? told.restartCount + 1 : 0
}
