import { constants } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, readlink, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

/** open(2): only names a file, needs no permission on it. */
const O_PATH = 0o10000000
const { O_DIRECTORY, O_NOFOLLOW } = constants

/** A way that leads out of its volume, or that changed while it was walked. */
export class UnsafePath extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnsafePath'
  }
}

/** A path to what a handle holds on to, whatever happens to its name meanwhile. Only this process can follow it. */
export function held(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`
}

/** The same for another program, as long as the handle is open. */
export async function heldForOthers(handle: FileHandle): Promise<string> {
  return `/proc/${await readlink('/proc/self')}/fd/${handle.fd}`
}

/**
 * Opens what a path below a folder stands for now. Symbolic links in it are followed first; the way that comes of it must stay inside
 * the folder and is then walked step by step, following no link, so that nobody can bend it meanwhile
 * (pkg/volume/util/subpath/subpath_linux.go). Throws UnsafePath, or what the file system says. The caller closes the handle.
 */
export async function openBelow(folder: string, path: string): Promise<FileHandle> {
  const base = await realpath(folder)
  const target = await realpath(join(base, path))
  return walk(base, namesBelow(base, target))
}

/**
 * Makes a folder below another, and those between, with exactly this mode. Existing ones are left as they are; links among them may
 * lead where they like inside the base folder. Throws UnsafePath, or what the file system says.
 */
export async function makeBelow(folder: string, path: string, mode: number): Promise<void> {
  const base = await realpath(folder)
  const names = path.split('/').filter(name => name !== '' && name !== '.')
  if (names.includes('..')) throw new UnsafePath(`${path} leads out of its folder`)
  let missing = names.length
  let existing: string | undefined
  for (let count = names.length; count >= 0 && existing === undefined; count--) {
    missing = count
    existing = await realpath(join(base, ...names.slice(0, count))).catch((error: { code?: string }) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
  }
  let at = await walk(base, namesBelow(base, existing ?? base))
  for (const name of names.slice(missing)) {
    const next = join(held(at), name)
    try {
      // A link that leads nowhere is there as well: then this fails, and nothing is made behind it.
      await mkdir(next, { mode })
      const made = await openStep(at, name, { isLast: false })
      await at.close()
      at = made
      await chmod(held(at), mode)
    } catch (error) {
      await at.close()
      throw error
    }
  }
  await at.close()
}

function namesBelow(base: string, target: string): string[] {
  const prefix = base.endsWith(sep) ? base : base + sep
  if (target !== base && !target.startsWith(prefix)) throw new UnsafePath(`${target} is not in ${base}`)
  return relative(base, target)
    .split(sep)
    .filter(name => name !== '')
}

async function walk(base: string, names: readonly string[]): Promise<FileHandle> {
  let at = await open(base, O_PATH | O_NOFOLLOW)
  try {
    for (const [i, name] of names.entries()) {
      const next = await openStep(at, name, { isLast: i === names.length - 1 })
      await at.close()
      at = next
    }
    return at
  } catch (error) {
    await at.close().catch(() => {})
    throw error
  }
}

/** A folder, links on the way to it followed. The caller closes the handle. */
export async function openFolder(path: string): Promise<FileHandle> {
  return open(path, O_PATH | O_DIRECTORY)
}

/** What has this name in a folder, be it a link: nothing is followed. The caller closes the handle. */
export async function openEntry(folder: FileHandle, name: string): Promise<FileHandle> {
  return open(`${held(folder)}/${name}`, O_PATH | O_NOFOLLOW)
}

/** openat(2) with O_NOFOLLOW; a link is opened as itself then, and refused. */
async function openStep(folder: FileHandle, name: string, { isLast }: { isLast: boolean }): Promise<FileHandle> {
  const next = await open(join(held(folder), name), O_PATH | O_NOFOLLOW | (isLast ? 0 : O_DIRECTORY))
  const found = await next.stat()
  if (!found.isSymbolicLink()) return next
  await next.close()
  throw new UnsafePath(`${name} has become a symbolic link`)
}
