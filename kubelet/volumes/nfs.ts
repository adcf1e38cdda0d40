import { mkdir } from 'node:fs/promises'
import type { Mounter } from './mounter.ts'
import type { VolumePlugin, VolumeSpec } from './plugin.ts'
import { removeFolder } from './remove-folder.ts'
import { filesystemUsage } from './usage.ts'

/** A folder that an NFS server exports, mounted for each pod (pkg/volume/nfs). */
export function nfsVolume({ usesDisk, mounter }: { usesDisk: boolean; mounter: Mounter }): VolumePlugin {
  return {
    name: 'kubernetes.io/nfs',
    supportsMountOptions: true,
    handles: spec => sourceOf(spec) !== undefined,
    async setUp({ spec, folder }) {
      const source = sourceOf(spec)
      const readOnly = spec.readOnly || (source?.readOnly ?? false)
      if (!usesDisk || !source || (await mounter.mountsBelow(folder)).includes(folder)) return { path: folder, readOnly }
      const host = source.server.includes(':') && !source.server.startsWith('[') ? `[${source.server}]` : source.server
      const options = [...(spec.persistentVolume?.spec.mountOptions ?? []), ...(readOnly ? ['ro'] : [])]
      await mkdir(folder, { recursive: true, mode: 0o750 })
      try {
        await mounter.mount({ type: 'nfs', source: `${host}:${source.path}`, target: folder, options })
      } catch (error) {
        await removeFolder(folder, mounter)
        throw error
      }
      return { path: folder, readOnly }
    },
    async tearDown({ folder }) {
      // A server that has gone would hold an ordinary unmount up for ever.
      await mounter.unmount(folder, { isRemote: true })
    },
    usage: ({ folder }) => filesystemUsage(folder),
  }
}

function sourceOf({ volume, persistentVolume }: VolumeSpec) {
  return volume.nfs ?? persistentVolume?.spec.nfs
}
