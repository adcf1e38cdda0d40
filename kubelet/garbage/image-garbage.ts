import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { nodeReference } from '../node/reference.ts'
import type { ContainerRuntime, ImageInfo } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { ImageGarbageConfig } from './config.ts'
import { bytesToFree, type ImageRecord, inOrder, isOldEnough, isTooOld, observeImages, sizeText } from './image-plan.ts'
import type { PulledImages } from './pulled-images.ts'

/** Removes images that no container uses when their disk fills up. */
export interface ImageGarbage {
  /** Looks every few minutes, and tells the node's events what it could not do. */
  readonly run: Run
  /** One look. Throws when there was too little to free. */
  collect(): Promise<void>
  /** Everything unused that may go, whatever room there is: before a pod has to go. */
  removeUnused(): Promise<void>
}

const firstLookAfterMs = 10_000

interface Options {
  nodeName: string
  runtime: Pick<ContainerRuntime, 'images' | 'imageFilesystem' | 'list'>
  config: ImageGarbageConfig
  pulled: PulledImages
  /** Names of images that pods use otherwise than through containers (image volumes). */
  alsoUsed?: () => Iterable<string>
  events: EventRecorder
  clock: Clock
  log: Log
}

export function imageGarbage({ nodeName, runtime, config, pulled, alsoUsed, events, clock, log }: Options): ImageGarbage {
  const beganAt = clock.now()
  let records: ReadonlyMap<string, ImageRecord> = new Map()
  const tell = (reason: string, message: string) => events.record(nodeReference(nodeName), 'Warning', reason, message)

  /** Looks who uses what. Answers those that may go, in their order. */
  const detect = async (): Promise<ImageRecord[]> => {
    const now = clock.now()
    const [images, { containers }, used] = await Promise.all([
      runtime.images.list(),
      runtime.list(),
      runtime.images.inUse?.() ?? new Set<string>(),
    ])
    const names = new Set([...containers.flatMap(one => [one.image, one.imageId]), ...(alsoUsed?.() ?? [])].map(withTag))
    const isUsed = ({ id, tags, digests }: ImageInfo) =>
      used.has(id) || [id, ...tags, ...digests].some(name => names.has(withTag(name)))
    records = observeImages(records, images, isUsed, now)
    const own = new Set<string>()
    for (const image of images) if (config.scope === 'all' || (await isOwn(image))) own.add(image.id)
    return inOrder(records.values(), image => own.has(image.id) && !isUsed(image))
  }

  /** Pulled by this kubelet, and nobody has given it a name of his own since. */
  const isOwn = async ({ id, tags }: ImageInfo): Promise<boolean> => {
    const names = (await pulled.namesOf(id)).map(withTag)
    return names.length > 0 && tags.every(tag => names.includes(withTag(tag)))
  }

  /** By its names, since an engine refuses to remove what has several; the last one takes the image along. */
  const remove = async ({ image }: ImageRecord) => {
    const { id, tags, digests, sizeInBytes } = image
    log.info({ image: tags[0] ?? id, sizeInBytes }, 'removing unused image')
    const names = tags.length > 0 ? tags : digests
    for (const name of names.length > 0 ? names : [id]) await runtime.images.remove(name)
    await pulled.forget(id)
    records = new Map([...records].filter(([known]) => known !== id))
  }

  /** Until so many bytes are free, or nothing is left. Throws when some image could not be removed. */
  const free = async (wanted: number, candidates: readonly ImageRecord[], now: number): Promise<number> => {
    const failures: string[] = []
    let freed = 0
    for (const record of candidates) {
      if (!isOldEnough(record, now, config)) continue
      try {
        await remove(record)
      } catch (err) {
        failures.push(messageOf(err))
        continue
      }
      freed += record.image.sizeInBytes
      if (freed >= wanted) break
    }
    if (failures.length > 0)
      throw new Error(
        `wanted to free ${wanted} bytes, but freed ${freed} bytes space with errors in image deletion: ${listed(failures)}`,
      )
    return freed
  }

  /** Those that nobody has used for too long; answers the rest. */
  const freeOld = async (candidates: readonly ImageRecord[], now: number): Promise<ImageRecord[]> => {
    const rest: ImageRecord[] = []
    const failures: string[] = []
    for (const record of candidates) {
      if (!isTooOld(record, now, beganAt, config)) {
        rest.push(record)
        continue
      }
      await remove(record).catch((err: unknown) => failures.push(messageOf(err)))
    }
    if (failures.length > 0)
      throw new Error(
        `wanted to free images older than ${config.maximumAgeInMs / 1000}s, encountered errors in image deletion: ${listed(failures)}`,
      )
    return rest
  }

  const collect = async () => {
    const now = clock.now()
    const candidates = await freeOld(await detect(), now)
    const filesystem = await runtime.imageFilesystem()
    if (filesystem.capacityInBytes === 0) {
      const message = 'invalid capacity 0 on image filesystem'
      tell('InvalidDiskCapacity', message)
      throw new Error(message)
    }
    const { usagePercent, bytes } = bytesToFree(filesystem, config)
    if (bytes <= 0) return
    const freed = await free(bytes, candidates, now)
    if (freed >= bytes) return
    const message =
      `Insufficient free disk space on the node's image filesystem (${usagePercent}% of ${sizeText(filesystem.capacityInBytes)} used). ` +
      `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). ` +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.'
    tell('FreeDiskSpaceFailed', message)
    throw new Error(message)
  }

  return {
    collect,
    async removeUnused() {
      const now = clock.now()
      await free(Number.MAX_SAFE_INTEGER, await detect(), now)
    },
    async run(signal) {
      // An image is as old as the first look at it, which a start need not wait for.
      await clock.sleep(Math.min(firstLookAfterMs, config.everyMs), signal)
      await detect().catch(() => undefined)
      const isOff = config.highThresholdPercent >= 100 && config.maximumAgeInMs === 0
      for (let failed = false; !signal.aborted; ) {
        await clock.sleep(config.everyMs, signal)
        if (signal.aborted) return
        try {
          await (isOff ? detect() : collect())
          failed = false
        } catch (err) {
          log.warn({ err: messageOf(err) }, 'image garbage collection failed')
          // Once may be because figures are not there yet.
          if (failed) tell('ImageGCFailed', messageOf(err))
          failed = true
        }
      }
    },
  }
}

const listed = (failures: readonly string[]) => (failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`)

/** Docker's short names: `busybox` is `busybox:latest`, and what comes from its hub does not say so. */
function withTag(name: string): string {
  const short = name.replace(/^docker\.io\/(library\/)?/, '')
  return /[@:][^/]*$/.test(short) ? short : `${short}:latest`
}
