import { mkdir, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SyncError } from '../sync/sync-error.ts'
import { ownVolume } from './fs-group.ts'
import type { Mounter } from './mounter.ts'
import type { VolumePlugin, VolumeSpec } from './plugin.ts'
import { filesystemUsage } from './usage.ts'

interface LocalOptions {
  rootDir: string
  usesDisk: boolean
  mounter: Mounter
}

/**
 * A folder, or a disk, of this one node; the PersistentVolume's node affinity says which (pkg/volume/local). A disk that is to be a
 * file system is formatted if it is empty, and mounted once for all pods.
 */
export function localVolume({ rootDir, usesDisk, mounter }: LocalOptions): VolumePlugin {
  const folderOf = ({ name }: VolumeSpec) => join(rootDir, 'plugins/kubernetes.io/local-volume/mounts', name)

  const mountDisk = async (spec: VolumeSpec) => {
    const { path, fsType } = sourceOf(spec)
    const folder = folderOf(spec)
    const isDisk = usesDisk && (await stat(path).catch(() => undefined))?.isBlockDevice()
    if (!isDisk || (await mounter.mountsBelow(folder)).includes(folder)) return
    const present = await mounter.filesystemOf(path)
    const type = fsType || present || 'ext4'
    if (present === '' && spec.readOnly)
      throw new Error(`cannot mount unformatted disk ${path} as we are manipulating it in read-only mode`)
    if (present === '') await mounter.makeFilesystem(path, type)
    await mkdir(folder, { recursive: true, mode: 0o750 })
    await mounter.mount({ type, source: path, target: folder, options: [...(spec.persistentVolume?.spec.mountOptions ?? [])] })
  }

  return {
    name: 'kubernetes.io/local-volume',
    supportsBlock: true,
    supportsMountOptions: true,
    handles: ({ persistentVolume }) => persistentVolume?.spec.local !== undefined,
    device(spec) {
      if (spec.isBlock) return undefined
      const folder = folderOf(spec)
      return {
        uniqueName: `kubernetes.io/local-volume/${spec.name}`,
        folder,
        needsAttach: async () => false,
        mount: () => mountDisk(spec),
        async unmount() {
          if (!usesDisk) return
          await mounter.unmount(folder)
          await rmdir(folder).catch(() => {})
        },
      }
    },
    async setUp({ pod, spec, deviceFolder = '' }) {
      const { path } = sourceOf(spec)
      const { readOnly, isBlock } = spec
      if (!usesDisk) return { path, readOnly, isBlock }
      const found = await stat(path).catch(() => undefined)
      if (!found) throw new SyncError('FailedMount', `path "${path}" does not exist`)
      if (isBlock) {
        if (!found.isBlockDevice()) throw new SyncError('FailedMount', `path "${path}" is not a block device`)
        return { path, readOnly, isBlock: true }
      }
      if (!found.isDirectory() && !found.isBlockDevice())
        throw new SyncError('FailedMount', `path "${path}" is neither a directory nor a block device`)
      const folder = found.isDirectory() ? path : deviceFolder
      if (!readOnly) await ownVolume(pod, folder, { heedsPolicy: true })
      return { path: folder, readOnly }
    },
    async usage({ spec }) {
      const { path } = sourceOf(spec)
      return filesystemUsage((await stat(path)).isDirectory() ? path : folderOf(spec))
    },
  }
}

function sourceOf({ persistentVolume }: VolumeSpec): { path: string; fsType?: string | undefined } {
  return persistentVolume?.spec.local ?? { path: '' }
}
