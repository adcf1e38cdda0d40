import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../lib/clock.ts'
import { type ImageInfo, type ImageService, RuntimeError } from '../runtime.ts'
import type { ImageRecord, NodeRecords } from './engine.ts'
import { failureOf } from './life.ts'
import type { StageBook, Subject } from './stage-book.ts'

/** Whether an image of this name does not exist: `missing`, or anything under `missing/`. */
export function isMissing(image: string): boolean {
  return /(^|\/)missing([/:@]|$)/.test(image)
}

const known = new Map<string, string>()
const mostNames = 10_000

/** The same digest for the same name. */
export function imageIdOf(image: string): string {
  const name = withTag(image)
  if (/^sha256:[0-9a-f]{64}$/.test(image)) return image
  let id = known.get(name)
  if (id === undefined) {
    if (known.size >= mostNames) known.clear()
    known.set(name, (id = `sha256:${createHash('sha256').update(name).digest('hex')}`))
  }
  return id
}

function withTag(image: string): string {
  const short = image.replace(/^docker\.io\/(library\/)?/, '')
  return /@|:[^/]+$/.test(short) ? short : `${short}:latest`
}

export const usualImageSize = 10_000_000

interface Options {
  readonly records: NodeRecords
  readonly clock: Clock
  readonly book: () => StageBook
  readonly subject: Subject
  /** Throws while the engine cannot be reached. */
  readonly reach: () => void
}

/** The images of a node. */
export interface SimulatedImages extends ImageService {
  /** Whether containers can be made of it. */
  isHere(image: string): boolean
  /** Images that stages say are there, and those that somebody has used. */
  all(): ImageRecord[]
}

/**
 * Every image is here, save those that do not exist, those that were removed, and those that a stage has something to say about when they
 * are pulled: they are here once they have been.
 */
export function simulatedImages({ records, clock, book, subject, reach }: Options): SimulatedImages {
  const { images, removedImages } = records
  const note = (image: string, sizeInBytes = usualImageSize): ImageRecord => {
    const id = imageIdOf(image)
    let record = images.get(id)
    if (!record) images.set(id, (record = { id, tags: [], digests: [], sizeInBytes }))
    const names = image.includes('@') ? record.digests : record.tags
    if (image !== id && !names.includes(image)) names.push(image)
    removedImages.delete(id)
    return record
  }
  const playOf = (image: string) => book().playFor({ ...subject, image })
  const find = (image: string): ImageRecord | undefined => {
    staged()
    const id = imageIdOf(image)
    const here = images.get(id)
    if (here) return here.tags.includes(image) || here.digests.includes(image) || image === id ? here : note(image)
    if (image === id || isMissing(image) || removedImages.has(id) || playOf(image)) return undefined
    return note(image)
  }
  /** Those that came with the node. */
  const staged = () => {
    for (const stage of book().ofNode(subject))
      for (const { name, size } of stage.images ?? [])
        if (!images.has(imageIdOf(name)) && !removedImages.has(imageIdOf(name))) note(name, size)
  }
  const isUsed = (id: string) => [...records.containers.values()].find(container => container.imageId === id)

  return {
    isHere: image => find(image) !== undefined,
    all() {
      staged()
      return [...images.values()]
    },
    async status(image) {
      reach()
      const record = find(image)
      return record && infoOf(record)
    },
    async pull(image, _auth, onProgress) {
      reach()
      const turn = playOf(image)?.next('pull')
      onProgress?.(`Pulling from ${image}`)
      if (turn && turn.delayInMs > 0) {
        await clock.sleep(turn.delayInMs)
        reach()
      }
      const failure = turn && failureOf(turn.stage, 'image')
      if (failure) throw failure
      if (isMissing(image)) throw new RuntimeError('image', `pull access denied for ${image}, repository does not exist`)
      const { id } = note(image, turn?.stage.size)
      onProgress?.(`Status: Downloaded newer image for ${image}`)
      return id
    },
    async list() {
      reach()
      staged()
      return [...images.values()].map(infoOf)
    },
    async remove(image) {
      reach()
      const id = imageIdOf(image)
      const record = images.get(id)
      if (!record) return
      const isName = image !== id
      const left = [...record.tags, ...record.digests].filter(name => name !== image)
      if (!isName || left.length === 0) {
        const user = isUsed(id)
        if (user) throw new RuntimeError('other', `conflict: unable to remove ${image}: container ${user.id} is using it`)
        images.delete(id)
        removedImages.add(id)
        return
      }
      record.tags = record.tags.filter(name => name !== image)
      record.digests = record.digests.filter(name => name !== image)
    },
    async inUse() {
      reach()
      return new Set([...records.containers.values()].map(container => container.imageId))
    },
    async unpack(id, folder) {
      reach()
      const record = images.get(id)
      if (!record) throw new RuntimeError('image', `no such image: ${id}`)
      await writeFile(join(folder, 'image'), `${record.tags[0] ?? record.digests[0] ?? id}\n`)
    },
  }
}

function infoOf({ id, tags, digests, sizeInBytes }: ImageRecord): ImageInfo {
  return { id, tags: [...tags], digests: [...digests], sizeInBytes, user: '' }
}
