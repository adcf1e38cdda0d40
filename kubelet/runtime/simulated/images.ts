import { createHash } from 'node:crypto'
import { type ImageInfo, type ImageService, RuntimeError } from '../runtime.ts'

/** Whether an image of this name does not exist: `missing`, or anything under `missing/`. */
export function isMissing(image: string): boolean {
  return /(^|\/)missing([/:@]|$)/.test(image)
}

/** The same digest for the same name. */
export function imageIdOf(image: string): string {
  return `sha256:${createHash('sha256').update(image).digest('hex')}`
}

function imageOf(image: string): ImageInfo {
  return { id: imageIdOf(image), tags: [image], digests: [], sizeInBytes: 10_000_000, user: '' }
}

/** Every image is here, save those that do not exist. */
export function simulatedImages(reach: () => void, inUse: () => string[]): ImageService {
  return {
    async status(image) {
      reach()
      return isMissing(image) ? undefined : imageOf(image)
    },
    async pull(image) {
      reach()
      if (isMissing(image)) throw new RuntimeError('image', `pull access denied for ${image}, repository does not exist`)
      return imageIdOf(image)
    },
    async list() {
      reach()
      return [...new Set(inUse())].map(imageOf)
    },
    remove: async () => reach(),
  }
}
