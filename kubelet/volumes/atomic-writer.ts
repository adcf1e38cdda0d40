import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Clock, timestamp } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { SyncError } from '../sync/sync-error.ts'
import { type Payload, payloadPathError } from './payload.ts'

const dataLink = '..data'

/**
 * Makes a folder hold exactly these files, so that readers see either all of the old or all of the new: the files lie in a stamped
 * folder, `..data` points there, and each name points through `..data` (semantics C12, pkg/volume/util/atomic_writer.go).
 * `prepare` is given the new folder before anybody can see it. Answers whether anything changed.
 */
export async function writeAtomically(
  folder: string,
  payload: Payload,
  { clock, random, prepare }: { clock: Clock; random: Random; prepare?: (folder: string) => Promise<void> },
): Promise<boolean> {
  for (const path of payload.keys()) {
    const fault = payloadPathError(path)
    if (fault) throw new SyncError('FailedMount', fault)
  }
  const old = await readlink(join(folder, dataLink)).catch(() => undefined)
  const isCurrent = old !== undefined && (await holds(join(folder, old), payload))
  if (!isCurrent) {
    const name = `..${stamp(clock.now())}.${random.suffix(9)}`
    const fresh = join(folder, name)
    await mkdir(fresh, { mode: 0o755 })
    await chmod(fresh, 0o755)
    for (const [path, file] of payload) await write(join(fresh, path), file)
    await prepare?.(fresh)
    for (const [path, { owner }] of payload) if (owner !== undefined) await giveTo(join(fresh, path), owner)
    const temporary = join(folder, `${dataLink}_tmp`)
    await rm(temporary, { force: true })
    await symlink(name, temporary)
    await rename(temporary, join(folder, dataLink))
  }
  await linkNames(folder, new Set([...payload.keys()].map(path => path.split('/')[0] ?? path)))
  if (!isCurrent && old !== undefined) await rm(join(folder, old), { recursive: true, force: true })
  return !isCurrent
}

async function write(path: string, { data, mode }: { data: Uint8Array; mode: number }): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  await writeFile(path, data, { mode })
  await chmod(path, mode)
}

/** A kubelet that is not root can give nothing away: then whoever sees the folder may read it, for its container must. */
async function giveTo(path: string, owner: number): Promise<void> {
  await chown(path, owner, -1).catch(async (error: { code?: string }) => {
    if (error.code !== 'EPERM') throw error
    await chmod(path, 0o644)
  })
}

/** Whether a folder has these files with this content and nothing else. Modes are left out: fsGroup may have changed them. */
async function holds(folder: string, payload: Payload): Promise<boolean> {
  const present = await filesBelow(folder, '')
  if (present.length !== payload.size) return false
  for (const path of present) {
    const wanted = payload.get(path)
    if (!wanted || !(await readFile(join(folder, path))).equals(wanted.data)) return false
  }
  return true
}

async function filesBelow(folder: string, prefix: string): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => [])
  const found = await Promise.all(
    entries.map(async entry => {
      const path = prefix ? `${prefix}/${entry.name}` : entry.name
      return entry.isDirectory() ? filesBelow(folder, path) : [path]
    }),
  )
  return found.flat()
}

async function linkNames(folder: string, names: ReadonlySet<string>): Promise<void> {
  for (const name of names) {
    const exists = await lstat(join(folder, name)).catch(() => undefined)
    if (!exists) await symlink(join(dataLink, name), join(folder, name))
  }
  for (const name of await readdir(folder))
    if (!name.startsWith('..') && !names.has(name)) await rm(join(folder, name), { force: true })
}

/** `2026_01_31_23_59_59`, in UTC. */
function stamp(ms: number): string {
  return timestamp(ms).slice(0, 19).replaceAll(/[-T:]/g, '_')
}
