import type { Stats } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { SyncError } from '../sync/sync-error.ts'
import type { VolumePlugin, VolumeSpec } from './plugin.ts'

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
  if (!type) {
    // Not checked; but what is not there becomes a folder, as the runtimes that upstream knows do it.
    if (!(await stat(path).catch(() => undefined))) await mkdir(path, { recursive: true, mode: 0o755 })
    return
  }
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

/** A file or folder of the node's own, inline or as a PersistentVolume. Nothing of it is ever removed here. */
export function hostPathVolume({ usesDisk }: { usesDisk: boolean }): VolumePlugin {
  return {
    name: 'kubernetes.io/host-path',
    handles: spec => sourceOf(spec) !== undefined,
    async setUp({ spec }) {
      const { path, type } = sourceOf(spec) ?? { path: '' }
      if (usesDisk) await prepareHostPath({ path, type })
      return { path, readOnly: spec.readOnly }
    },
  }
}

function sourceOf({ volume, persistentVolume }: VolumeSpec) {
  return volume.hostPath ?? persistentVolume?.spec.hostPath
}
