import type { Plugin } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Snapshot } from '../snapshot.ts'

const mebibyte = 1024 * 1024
/** Less than the first counts nothing, more than the second per container counts full. */
const threshold = { minInBytes: 23 * mebibyte, maxPerContainerInBytes: 1000 * mebibyte }

interface Images {
  readonly names: readonly string[]
  readonly snapshot: Snapshot
}

/** Nodes that have large images already are better, the more so the more nodes have them: one must not become everyone's favourite. */
export const imageLocality: Plugin<undefined, Images> = {
  name: 'ImageLocality',
  preScore({ pod, snapshot }) {
    const names = imagesOf(pod)
    return names.some(name => (snapshot.imageCounts.get(name) ?? 0) > 0) ? { state: { names, snapshot } } : 'skip'
  },
  score(_, { images }, { names, snapshot }) {
    let sum = 0
    for (const name of names) {
      const size = images.get(name)
      if (size !== undefined) sum += Math.trunc(size * ((snapshot.imageCounts.get(name) ?? 0) / snapshot.nodes.length))
    }
    const { minInBytes } = threshold
    const maxInBytes = threshold.maxPerContainerInBytes * names.length
    const clamped = Math.min(Math.max(sum, minInBytes), maxInBytes)
    return Math.trunc((100 * (clamped - minInBytes)) / (maxInBytes - minInBytes))
  },
}

function imagesOf({ pod }: PodInfo): string[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ image = '' }) => withTag(image))
}

function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image
}
