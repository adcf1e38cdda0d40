import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder, EventSubject } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import { containerSubject } from '../container-subject.ts'
import { goDuration } from '../names.ts'
import type { Objects } from '../objects.ts'
import type { AnyContainer } from '../pod-types.ts'
import type { ImageInfo, ImageService } from '../runtime/runtime.ts'
import { imageNameFault } from './image-name.ts'
import { type PullSecret, pullAuths } from './pull-auth.ts'
import { type PullLimits, pullQueue } from './pull-queue.ts'
import { messageOf, SyncError } from './sync-error.ts'

/** Brings images onto the node as each container's pull policy says (semantics C6). */
export interface Images {
  /**
   * Resolves when the image is here. Throws SyncError: ErrImagePull, ImagePullBackOff, RegistryUnavailable, ErrImageNeverPull,
   * InvalidImageName, ImageInspectError. `known`: what the runtime has just said of the image, so that it need not be asked again.
   */
  ensure(pod: Pod, container: AnyContainer, known?: ImageInfo): Promise<ImageInfo>
  forget(podUid: string): void
}

const backoff = { initialInMs: 10_000, maxInMs: 300_000 }
/** A failed pull is looked at again so soon, which shows ImagePullBackOff: upstream, the next relist sees the new sandbox and does that. */
const nextLookInMs = 1000
/** How a runtime tells that it is not the image's fault (k8s.io/cri-api/pkg/errors). */
const registryUnavailable = 'RegistryUnavailable'

interface Failure {
  delayInMs: number
  at: number
  reason: string
  message: string
}

interface Options {
  images: ImageService
  objects: Objects
  events: EventRecorder
  clock: Clock
  limits: PullLimits
}

export function imagePuller({ images, objects, events, clock, limits }: Options): Images {
  const failures = new Map<string, Failure>()
  const queue = pullQueue(limits, clock)

  const status = (subject: EventSubject, image: string) =>
    images.status(image).catch((cause: unknown) => {
      const message = `Failed to inspect image "${image}": ${messageOf(cause)}`
      events.record(subject, 'Warning', 'InspectFailed', message)
      throw new SyncError('ImageInspectError', message, { cause })
    })

  const secretsOf = async (pod: Pod): Promise<PullSecret[]> => {
    const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => name || [])
    const found = await Promise.all(names.map(name => objects.secretType(pod.metadata.namespace, name).catch(() => undefined)))
    const missing = names.filter((_, i) => found[i] === undefined)
    if (missing.length > 0) {
      const which = `Unable to retrieve some image pull secrets (${missing.join(', ')})`
      const message = `${which}; attempting to pull the image may not succeed.`
      events.record(pod, 'Warning', 'FailedToRetrieveImagePullSecret', message)
    }
    return found.filter(secret => secret !== undefined)
  }

  /** Tries all credentials there are, in their order. */
  const pullAsAny = async (image: string, secrets: readonly PullSecret[]): Promise<ImageInfo> => {
    const faults = new Set<string>()
    const auths = pullAuths(secrets, image)
    for (const auth of auths.length > 0 ? auths : [undefined]) {
      try {
        await images.pull(image, auth)
        const info = await images.status(image)
        if (info) return info
        faults.add(`image "${image}" is not there after it was pulled`)
      } catch (error) {
        faults.add(messageOf(error))
      }
    }
    throw new Error(faults.size === 1 ? [...faults].join() : `[${[...faults].join(', ')}]`)
  }

  const refuseInBackoff = (subject: EventSubject, image: string, failure: Failure | undefined) => {
    const waitInMs = failure ? failure.at + failure.delayInMs - clock.now() : 0
    if (!failure || waitInMs <= 0) return
    const text = `Back-off pulling image "${image}"`
    events.record(subject, 'Normal', 'BackOff', text)
    throw new SyncError('ImagePullBackOff', `${text}: ${failure.reason}: ${failure.message}`, { retryInMs: waitInMs })
  }

  const pull = async (pod: Pod, subject: EventSubject, image: string, secrets: readonly PullSecret[]): Promise<ImageInfo> => {
    const key = `${pod.metadata.uid}_${image}`
    const failure = failures.get(key)
    refuseInBackoff(subject, image, failure)
    events.record(subject, 'Normal', 'Pulling', `Pulling image "${image}"`)
    const askedAt = clock.monotonic()
    try {
      const { info, tookInMs } = await queue.run(async () => {
        const startedAt = clock.monotonic()
        const pulled = await pullAsAny(image, secrets)
        return { info: pulled, tookInMs: clock.monotonic() - startedAt }
      })
      const took = `${cut(tookInMs)} (${cut(clock.monotonic() - askedAt)} including waiting)`
      const size = `Image size: ${info.sizeInBytes} bytes.`
      events.record(subject, 'Normal', 'Pulled', `Successfully pulled image "${image}" in ${took}. ${size}`)
      failures.delete(key)
      return info
    } catch (cause) {
      const error = messageOf(cause)
      events.record(subject, 'Warning', 'Failed', `Failed to pull image "${image}": ${error}`)
      const isFresh = !failure || clock.now() - failure.at > 2 * backoff.maxInMs
      const delayInMs = isFresh ? backoff.initialInMs : Math.min(failure.delayInMs * 2, backoff.maxInMs)
      const { reason, message } = pullFault(image, error)
      failures.set(key, { delayInMs, at: clock.now(), reason, message })
      throw new SyncError(reason, message, { cause, retryInMs: nextLookInMs })
    }
  }

  return {
    async ensure(pod, container, known) {
      const image = container.image ?? ''
      const subject = containerSubject(pod, container.name)
      const secrets = await secretsOf(pod)
      const fault = imageNameFault(image)
      if (fault) {
        const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${fault}`
        events.record(subject, 'Warning', 'InspectFailed', message)
        throw new SyncError('InvalidImageName', message)
      }
      const policy = container.imagePullPolicy ?? 'IfNotPresent'
      if (policy === 'Always') return pull(pod, subject, image, secrets)
      const present = known ?? (await status(subject, image))
      if (present) {
        events.record(subject, 'Normal', 'Pulled', `Container image "${image}" already present on machine`)
        return present
      }
      if (policy !== 'Never') return pull(pod, subject, image, secrets)
      const message = `Container image "${image}" is not present with pull policy of Never`
      events.record(subject, 'Warning', 'ErrImageNeverPull', message)
      throw new SyncError('ErrImageNeverPull', message)
    },
    forget(podUid) {
      for (const key of failures.keys()) if (key.startsWith(`${podUid}_`)) failures.delete(key)
    },
  }
}

/** Cut to milliseconds, as told in events. */
const cut = (ms: number) => goDuration(Math.trunc(ms))

/** What the user sees as the waiting reason and message. */
function pullFault(image: string, error: string): { reason: string; message: string } {
  if (!error.startsWith(registryUnavailable)) return { reason: 'ErrImagePull', message: error }
  const details = error.slice(registryUnavailable.length)
  return {
    reason: registryUnavailable,
    message: `image pull failed for ${image} because the registry is unavailable${details}`,
  }
}
