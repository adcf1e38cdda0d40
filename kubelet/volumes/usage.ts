import { statfs } from 'node:fs/promises'
import { folderSize } from '../runtime/folder-size.ts'
import type { MemoryFolder } from './memory-folder.ts'
import type { VolumePlugin, VolumeUsage } from './plugin.ts'
import type { VolumeRecord } from './records.ts'

/** What one volume of a pod uses, for stats and eviction. */
export interface MeasuredVolume {
  /** What the pod calls it. */
  readonly name: string
  /** The claim that it comes from. */
  readonly claimName?: string
  /** Whether its files are the pod's own and on the node's disk: they count towards ephemeral-storage. */
  readonly isLocal: boolean
  readonly usage: VolumeUsage
}

/** Files below a folder as du(1) counts them, and the room that is left around them. */
export async function folderUsage(folder: string): Promise<VolumeUsage> {
  const [{ bytes, inodes }, around] = await Promise.all([folderSize(folder), filesystemUsage(folder)])
  return { ...around, usedInBytes: bytes, inodesUsed: inodes }
}

/** A whole file system: for volumes that are one of their own. Rejects where the path is gone. */
export async function filesystemUsage(path: string): Promise<VolumeUsage> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path)
  return {
    usedInBytes: (blocks - bfree) * bsize,
    capacityInBytes: blocks * bsize,
    availableInBytes: bavail * bsize,
    inodesUsed: files - ffree,
    inodes: files,
    inodesFree: ffree,
  }
}

/** What became of a volume's files when nothing is known of them: hostPath, what has just gone. */
const unknown = async () => undefined

/** Measures what a pod has set up; walks through its folders, so only for those who need to know. */
export async function measureVolumes(
  records: readonly (VolumeRecord & { readonly folder: string })[],
  { plugins, memory }: { plugins: readonly VolumePlugin[]; memory: MemoryFolder },
): Promise<MeasuredVolume[]> {
  const measured = await Promise.all(
    records.map(async ({ plugin: name, podUid, spec, folder }): Promise<MeasuredVolume[]> => {
      const plugin = plugins.find(one => one.name === name)
      const usage = await measure({ name, plugin, podUid, spec, folder, memory }).catch(unknown)
      const claimName = spec.persistentVolume?.spec.claimRef?.name
      const isLocal = spec.volume.emptyDir ? spec.volume.emptyDir.medium !== 'Memory' : onDisk.has(name)
      return usage ? [{ name: spec.volume.name, ...(claimName && { claimName }), isLocal, usage }] : []
    }),
  )
  return measured.flat()
}

const onDisk = new Set(['kubernetes.io/configmap', 'kubernetes.io/downward-api'])
const inMemory = new Set(['kubernetes.io/secret', 'kubernetes.io/projected'])

interface Measured extends Omit<VolumeRecord, 'plugin'> {
  readonly name: string
  readonly plugin: VolumePlugin | undefined
  readonly folder: string
  readonly memory: MemoryFolder
}

async function measure({ name, plugin, podUid, spec, folder, memory }: Measured): Promise<VolumeUsage | undefined> {
  if (spec.isBlock) return undefined
  if (plugin?.usage) return plugin.usage({ podUid, spec, folder })
  if (spec.volume.emptyDir) return spec.volume.emptyDir.medium === 'Memory' ? filesystemUsage(folder) : folderUsage(folder)
  if (onDisk.has(name)) return folderUsage(folder)
  if (inMemory.has(name)) return folderUsage(await memory.placeOf(folder))
  return undefined
}
