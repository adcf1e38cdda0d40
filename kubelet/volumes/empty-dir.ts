import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { podLimits } from '../../api/placement/pod-requests.ts'
import { value } from '../../api/quantity.ts'
import { SyncError } from '../sync/sync-error.ts'
import { ownVolume } from './fs-group.ts'
import type { Mounter } from './mounter.ts'
import type { VolumePlugin } from './plugin.ts'

/** An empty folder, or memory, that lives as long as the pod. */
export function emptyDirVolume({
  usesDisk,
  mounter,
  node,
}: {
  usesDisk: boolean
  mounter: Mounter
  node: () => Node | undefined
}): VolumePlugin {
  const onDisk = async (pod: Pod, folder: string) => {
    if (await lstat(folder).catch(() => undefined)) return
    // Shown only when it is as it should be: a container's own chmod must outlive a restart of the kubelet, a half-made folder must not.
    const fresh = `${folder}.making~`
    await rm(fresh, { recursive: true, force: true })
    await mkdir(fresh, { recursive: true })
    await chmod(fresh, 0o777)
    await ownVolume(pod, fresh)
    await rename(fresh, folder)
  }

  const inMemory = async (pod: Pod, folder: string, sizeLimit: string | undefined) => {
    await mkdir(dirname(folder), { recursive: true })
    if ((await mounter.mountsBelow(folder)).includes(folder)) return
    const { fsGroup } = pod.spec.securityContext
    await mkdir(folder, { recursive: true })
    const sizeInBytes = memoryLimit(pod, sizeLimit, node())
    const mode = fsGroup === undefined ? '0777' : '02777'
    if (await mounter.tmpfs(folder, { sizeInBytes, mode, gid: fsGroup })) return
    await chmod(folder, 0o777)
    await ownVolume(pod, folder)
  }

  return {
    name: 'kubernetes.io/empty-dir',
    handles: ({ volume }) => volume.emptyDir !== undefined,
    async setUp({ pod, spec, folder }) {
      const { medium = '', sizeLimit } = spec.volume.emptyDir ?? {}
      if (medium.startsWith('HugePages'))
        throw new SyncError('FailedMount', `storage medium "${medium}" is not supported: this node offers no huge pages`)
      if (medium !== '' && medium !== 'Memory') throw new SyncError('FailedMount', `unknown storage medium "${medium}"`)
      if (usesDisk) await (medium === 'Memory' ? inMemory(pod, folder, sizeLimit) : onDisk(pod, folder))
      return { path: folder, readOnly: false }
    },
  }
}

/** A memory volume may grow to the smallest of its own limit, the pod's memory limit and what the node has for pods. */
export function memoryLimit(pod: Pod, sizeLimit: string | undefined, node: Node | undefined): number | undefined {
  const candidates = [sizeLimit, node?.status.allocatable?.memory].map(text => (text ? value(text) : 0))
  const everyoneIsLimited = pod.spec.containers.every(container => container.resources.limits?.memory)
  if (everyoneIsLimited) candidates.push(podLimits(pod.spec).memory ?? 0)
  const positive = candidates.filter(size => size > 0)
  return positive.length > 0 ? Math.min(...positive) : undefined
}
