import { lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openBelow } from './safe-path.ts'
import { oneAtATime } from './turns.ts'

/** Images laid out as folders, one for all pods that mount it. */
export interface UnpackedImages {
  /** The folder of an image; lays it out first if need be. */
  folderOf(imageId: string): Promise<string>
  /** Removes every image but those; asked for while nobody else is at it. */
  sweep(usedNames: () => Promise<ReadonlySet<string>>): Promise<void>
  nameOf(imageId: string): string
}

/** What Docker adds to every container it makes, if the image has none of it: empty files, folders and a link. */
const additions = ['.dockerenv', 'proc', 'sys', 'dev/console', 'dev/pts', 'dev/shm', 'dev']
const additionsInEtc = ['etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'etc/mtab', 'etc']

export function unpackedImages({
  root,
  unpack,
}: {
  root: string
  unpack: (imageId: string, folder: string) => Promise<void>
}): UnpackedImages {
  const inTurn = oneAtATime()
  const nameOf = (imageId: string) => imageId.replace(/^sha256:/, '').replaceAll(/[^\w.-]/g, '_')

  return {
    nameOf,
    folderOf: imageId =>
      inTurn('', async () => {
        const folder = join(root, nameOf(imageId))
        if (await lstat(folder).catch(() => undefined)) return folder
        const fresh = `${folder}.making~`
        await rm(fresh, { recursive: true, force: true })
        await mkdir(fresh, { recursive: true, mode: 0o755 })
        await unpack(imageId, fresh)
        for (const path of [...additions, ...additionsInEtc]) await removeEmpty(fresh, path)
        await rename(fresh, folder)
        return folder
      }),
    sweep: usedNames =>
      inTurn('', async () => {
        const used = await usedNames()
        for (const name of await readdir(root).catch(() => []))
          if (!used.has(name)) await rm(join(root, name), { recursive: true, force: true })
      }),
  }
}

/** Removes a file, link or folder with nothing in it. A hostile image may have links where folders should be: they are not followed. */
async function removeEmpty(folder: string, path: string): Promise<void> {
  const names = path.split('/')
  const name = names.pop() ?? ''
  const parent = await openBelow(folder, names.join('/')).catch(() => undefined)
  if (!parent) return
  try {
    const place = `/proc/self/fd/${parent.fd}/${name}`
    const found = await lstat(place)
    if (found.isDirectory()) await rmdir(place)
    else if (found.size === 0 || (name === 'mtab' && found.isSymbolicLink())) await rm(place)
  } catch {
    // Not there, or not empty: then it is the image's own.
  } finally {
    await parent.close()
  }
}
