import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ImageInfo } from '../runtime/runtime.ts'

/** Which images this kubelet brought onto the engine, and under which names: only those are its own to remove. Survives a restart. */
export interface PulledImages {
  /** To be called after a pull: `before` is what was there under the name until then. */
  note(name: string, before: ImageInfo | undefined, after: ImageInfo): Promise<void>
  /** The names under which it was pulled; empty: it is somebody else's. */
  namesOf(imageId: string): Promise<readonly string[]>
  forget(imageId: string): Promise<void>
}

type Names = Record<string, string[]>

/** With `path` absent nothing is written to disk. */
export function pulledImages({ path }: { path: string | undefined }): PulledImages {
  let loaded: Promise<Names> | undefined
  let writing: Promise<void> = Promise.resolve()

  const load = () => {
    loaded ??= path === undefined ? Promise.resolve({}) : readNames(path)
    return loaded
  }
  /** One write after another, each of it whole. */
  const save = (): Promise<void> => {
    const next = writing.then(async () => {
      if (path === undefined) return
      await mkdir(dirname(path), { recursive: true })
      await writeFile(`${path}.new`, JSON.stringify({ images: await load() }), { mode: 0o600 })
      await rename(`${path}.new`, path)
    })
    writing = next.catch(() => undefined)
    return next
  }

  return {
    async note(name, before, after) {
      // A pull that found the image here already makes it nobody else's.
      if (before?.id === after.id) return
      const names = await load()
      const known = (names[after.id] ??= [])
      if (known.includes(name)) return
      known.push(name)
      await save()
    },
    namesOf: async imageId => (await load())[imageId] ?? [],
    async forget(imageId) {
      const names = await load()
      if (!(imageId in names)) return
      delete names[imageId]
      await save()
    },
  }
}

/** A file that is missing or broken means that nothing is known to be ours: then nothing is removed. */
async function readNames(path: string): Promise<Names> {
  try {
    const { images } = JSON.parse(await readFile(path, 'utf8')) as { images?: unknown }
    const names: Names = {}
    if (typeof images !== 'object' || images === null) return names
    for (const [id, list] of Object.entries(images))
      if (Array.isArray(list)) names[id] = list.filter(name => typeof name === 'string')
    return names
  } catch {
    return {}
  }
}
