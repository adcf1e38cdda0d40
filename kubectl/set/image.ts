import type { CommandContext } from '../command.ts'
import { changesOf } from '../key-changes.ts'
import { changePods, containersNamed, type PodSpec } from './pod-template.ts'

/** `set image deploy/web main=nginx:2`; `*=nginx:2` means every container. */
export async function setImage(context: CommandContext, words: readonly string[]): Promise<number> {
  const isImage = (word: string) => word.indexOf('=') > 0
  const images = changesOf(words.filter(isImage), 'image').set
  if (images.size === 0) throw new Error('at least one image update is required')
  return changePods(context, {
    words: words.filter(word => !isImage(word)),
    outcome: 'image updated',
    change: spec => setImages(spec, images),
  })
}

/** Throws when a name fits no container. */
export function setImages({ containers, initContainers = [] }: PodSpec, images: ReadonlyMap<string, string>): void {
  for (const [name, image] of images) {
    const found = name === '*' ? [...containers, ...initContainers] : containersNamed([...containers, ...initContainers], name)
    if (found.length === 0) throw new Error(`unable to find container named ${JSON.stringify(name)}`)
    for (const container of found) container.image = image
  }
}
