import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import { goDuration } from '../names.ts'
import type { Objects } from '../objects.ts'
import type { AnyContainer } from '../pod-types.ts'
import type { ImageInfo, ImageService } from '../runtime/runtime.ts'
import { authFrom, type PullAuth } from './pull-auth.ts'
import { messageOf, SyncError } from './sync-error.ts'

/** Brings images onto the node as each container's pull policy says (semantics C6). */
export interface Images {
  /** Resolves when the image is here. Throws SyncError: ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName. */
  ensure(pod: Pod, container: AnyContainer): Promise<ImageInfo>
  forget(podUid: string): void
}

const backoff = { initialInMs: 10_000, maxInMs: 300_000 }
/** A failed pull is looked at again so soon, which shows ImagePullBackOff: upstream, the next relist sees the new sandbox and does that. */
const nextLookInMs = 1000

interface Failure {
  delayInMs: number
  at: number
  error: string
}

/** repository[:tag][@digest], loosely after distribution/reference. */
const imageName =
  /^([a-zA-Z0-9][-a-zA-Z0-9.]*(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/

interface Options {
  images: ImageService
  objects: Objects
  events: EventRecorder
  clock: Clock
}

export function imagePuller({ images, objects, events, clock }: Options): Images {
  const failures = new Map<string, Failure>()
  let lastPull: Promise<unknown> = Promise.resolve()

  /** One pull at a time, in the order asked for. */
  const inTurn = <T>(pull: () => Promise<T>): Promise<T> => {
    const mine = lastPull.then(pull, pull)
    lastPull = mine.catch(() => {})
    return mine
  }

  const status = (pod: Pod, image: string) =>
    images.status(image).catch((cause: unknown) => {
      const message = `Failed to inspect image "${image}": ${messageOf(cause)}`
      events.record(pod, 'Warning', 'InspectFailed', message)
      throw new SyncError('ImageInspectError', message, { cause })
    })

  const credentials = async (pod: Pod, image: string): Promise<PullAuth | undefined> => {
    const missing: string[] = []
    let found: PullAuth | undefined
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      const secret = await objects.secretType(pod.metadata.namespace, name).catch(() => undefined)
      if (!secret) missing.push(name)
      else found ??= authFrom(secret, image)
    }
    if (missing.length > 0)
      events.record(
        pod,
        'Warning',
        'FailedToRetrieveImagePullSecret',
        `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
      )
    return found
  }

  const pull = async (pod: Pod, image: string): Promise<ImageInfo> => {
    const key = `${pod.metadata.uid}_${image}`
    const failure = failures.get(key)
    if (failure && clock.now() < failure.at + failure.delayInMs) {
      events.record(pod, 'Normal', 'BackOff', `Back-off pulling image "${image}"`)
      throw new SyncError('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${failure.error}`, {
        retryInMs: failure.at + failure.delayInMs - clock.now(),
      })
    }
    const auth = await credentials(pod, image)
    const askedAt = clock.monotonic()
    try {
      return await inTurn(async () => {
        events.record(pod, 'Normal', 'Pulling', `Pulling image "${image}"`)
        const startedAt = clock.monotonic()
        await images.pull(image, auth)
        const info = await images.status(image)
        if (!info) throw new Error(`image "${image}" is not there after it was pulled`)
        const took = goDuration(clock.monotonic() - startedAt)
        const tookInAll = goDuration(clock.monotonic() - askedAt)
        const size = `Image size: ${info.sizeInBytes} bytes.`
        const text = `Successfully pulled image "${image}" in ${took} (${tookInAll} including waiting). ${size}`
        events.record(pod, 'Normal', 'Pulled', text)
        failures.delete(key)
        return info
      })
    } catch (cause) {
      const error = messageOf(cause)
      events.record(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${error}`)
      const isFresh = !failure || clock.now() - failure.at > 2 * backoff.maxInMs
      const delayInMs = isFresh ? backoff.initialInMs : Math.min(failure.delayInMs * 2, backoff.maxInMs)
      failures.set(key, { delayInMs, at: clock.now(), error })
      throw new SyncError('ErrImagePull', error, { cause, retryInMs: nextLookInMs })
    }
  }

  return {
    async ensure(pod, container) {
      const image = container.image ?? ''
      if (!imageName.test(image)) {
        const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`
        events.record(pod, 'Warning', 'InspectFailed', message)
        throw new SyncError('InvalidImageName', message)
      }
      const policy = container.imagePullPolicy ?? 'IfNotPresent'
      if (policy === 'Always') return pull(pod, image)
      const present = await status(pod, image)
      if (present) {
        const text = `Container image "${image}" already present on machine`
        events.record(pod, 'Normal', 'Pulled', text)
        return present
      }
      if (policy !== 'Never') return pull(pod, image)
      const message = `Container image "${image}" is not present with pull policy of Never`
      events.record(pod, 'Warning', 'ErrImageNeverPull', message)
      throw new SyncError('ErrImageNeverPull', message)
    },
    forget(podUid) {
      for (const key of failures.keys()) if (key.startsWith(`${podUid}_`)) failures.delete(key)
    },
  }
}
