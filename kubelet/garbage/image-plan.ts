import type { ImageInfo } from '../runtime/runtime.ts'
import type { ImageGarbageConfig } from './config.ts'

/** What is remembered of an image. Milliseconds since the epoch; `lastUsedAt` 0: never seen in use. */
export interface ImageRecord {
  readonly firstSeenAt: number
  readonly lastUsedAt: number
  readonly image: ImageInfo
}

/** The records after another look: what is used now was last used now; what is no longer there is forgotten. */
export function observeImages(
  before: ReadonlyMap<string, ImageRecord>,
  images: readonly ImageInfo[],
  isUsed: (image: ImageInfo) => boolean,
  now: number,
): Map<string, ImageRecord> {
  return new Map(
    images.map(image => {
      const known = before.get(image.id)
      const lastUsedAt = isUsed(image) ? now : (known?.lastUsedAt ?? 0)
      return [image.id, { firstSeenAt: known?.firstSeenAt ?? now, lastUsedAt, image }]
    }),
  )
}

/** The images that may go, the least recently used first; of equals the one that was seen first. */
export function inOrder(records: Iterable<ImageRecord>, isFree: (image: ImageInfo) => boolean): ImageRecord[] {
  return [...records]
    .filter(({ image }) => !image.pinned && isFree(image))
    .sort((a, b) => a.lastUsedAt - b.lastUsedAt || a.firstSeenAt - b.firstSeenAt || (a.image.id < b.image.id ? -1 : 1))
}

/** Whether an image may go for want of space: not used since, and not younger than the least age (pkg/kubelet/images/image_gc_manager.go). */
export function isOldEnough(
  { lastUsedAt, firstSeenAt }: ImageRecord,
  now: number,
  { minimumAgeInMs }: Pick<ImageGarbageConfig, 'minimumAgeInMs'>,
): boolean {
  return lastUsedAt < now && now - firstSeenAt >= minimumAgeInMs
}

/** Whether an image goes for its age alone. */
export function isTooOld(
  { lastUsedAt }: ImageRecord,
  now: number,
  beganAt: number,
  { maximumAgeInMs }: Pick<ImageGarbageConfig, 'maximumAgeInMs'>,
): boolean {
  // Right after a start nobody has been seen using anything.
  return maximumAgeInMs > 0 && now - beganAt > maximumAgeInMs && now - lastUsedAt > maximumAgeInMs
}

/** How many bytes must go, 0 for none. */
export function bytesToFree(
  { capacityInBytes, availableInBytes }: { capacityInBytes: number; availableInBytes: number },
  { highThresholdPercent, lowThresholdPercent }: Pick<ImageGarbageConfig, 'highThresholdPercent' | 'lowThresholdPercent'>,
): { usagePercent: number; bytes: number } {
  const available = Math.min(availableInBytes, capacityInBytes)
  const usagePercent = 100 - Math.trunc((available * 100) / capacityInBytes)
  if (usagePercent < highThresholdPercent) return { usagePercent, bytes: 0 }
  return { usagePercent, bytes: Math.trunc((capacityInBytes * (100 - lowThresholdPercent)) / 100) - available }
}

/** `512 B`, `1.5 MiB`, `10.0 GiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let amount = bytes
  let at = 0
  for (; amount >= 1024 && at < units.length - 1; at++) amount /= 1024
  return at === 0 ? `${bytes} B` : `${amount.toFixed(1)} ${units[at]}`
}
