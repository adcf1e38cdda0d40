import { mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import { SyncError } from '../sync/sync-error.ts'
import { folderNameOf, type VolumePlugin } from './plugin.ts'
import { unpackedImages } from './unpacked-images.ts'

const name = 'kubernetes.io/image'

/**
 * The files of an image, read-only. The image is laid out once for all pods that mount it; in each pod's folder a link says that it
 * does, so that the last one takes the files away, also after a restart.
 */
export function imageVolume({
  rootDir,
  usesDisk,
  pull,
  unpack,
}: {
  rootDir: string
  usesDisk: boolean
  /** As a container's image would be pulled; answers the image's id. */
  pull: (pod: Pod, image: { reference: string; pullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined }) => Promise<string>
  unpack: ((imageId: string, folder: string) => Promise<void>) | undefined
}): VolumePlugin {
  const refuse = async () => {
    throw new SyncError('FailedMount', 'image volumes are not supported by this container runtime')
  }
  const images = unpackedImages({ root: join(rootDir, 'image-volumes'), unpack: unpack ?? refuse })

  const usedImages = async () => {
    const used = new Set<string>()
    for (const uid of await readdir(join(rootDir, 'pods')).catch(() => [])) {
      const folder = join(rootDir, 'pods', uid, 'volumes', folderNameOf(name))
      for (const link of await readdir(folder).catch(() => []))
        used.add(basename(await readlink(join(folder, link)).catch(() => '')))
    }
    return used
  }

  return {
    name,
    handles: ({ volume }) => volume.image !== undefined,
    async setUp({ pod, spec, folder }) {
      const { reference = '', pullPolicy } = spec.volume.image ?? {}
      if (!usesDisk) return { path: folder, readOnly: true, isFixed: true }
      const id = await pull(pod, { reference, pullPolicy })
      // The link first: from then on nobody takes the image away.
      await mkdir(dirname(folder), { recursive: true })
      const link = `${folder}.making~`
      await rm(link, { force: true })
      await symlink(join(rootDir, 'image-volumes', images.nameOf(id)), link)
      await rename(link, folder)
      return { path: await images.folderOf(id), readOnly: true, isFixed: true }
    },
    async tearDown({ folder }) {
      await rm(folder, { force: true })
      await images.sweep(usedImages)
    },
  }
}
