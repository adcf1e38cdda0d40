import type { Stats } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { SyncError } from '../sync/sync-error.ts'

const kinds: Record<string, { words: string; fits: (found: Stats) => boolean }> = {
  Directory: { words: 'a directory', fits: found => found.isDirectory() },
  DirectoryOrCreate: { words: 'a directory', fits: found => found.isDirectory() },
  File: { words: 'a file', fits: found => found.isFile() },
  FileOrCreate: { words: 'a file', fits: found => found.isFile() },
  Socket: { words: 'a socket file', fits: found => found.isSocket() },
  CharDevice: { words: 'a character device', fits: found => found.isCharacterDevice() },
  BlockDevice: { words: 'a block device', fits: found => found.isBlockDevice() },
}

/** Checks, or makes, what a hostPath volume says must be there (semantics C12, pkg/volume/hostpath). Throws SyncError FailedMount. */
export async function prepareHostPath({ path, type }: { path: string; type?: string | undefined }): Promise<void> {
  if (!type) return
  const kind = kinds[type]
  if (!kind) throw new SyncError('FailedMount', `${type} is an invalid volume type`)
  const refuse = () => new SyncError('FailedMount', `hostPath type check failed: ${path} is not ${kind.words}`)
  const found = await stat(path).catch(() => undefined)
  if (found) {
    if (!kind.fits(found)) throw refuse()
    return
  }
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 })
  else if (type === 'FileOrCreate')
    await writeFile(path, '', { flag: 'a', mode: 0o644 }).catch((cause: unknown) => {
      throw new SyncError('FailedMount', `cannot create file ${path}: the folder it is in must exist`, { cause })
    })
  else throw refuse()
}
