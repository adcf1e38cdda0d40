import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../sync/sync-error.ts'
import type { Devices } from './devices.ts'
import type { MemoryFolder } from './memory-folder.ts'
import { deviceOf } from './mount-volume.ts'
import type { Mounter } from './mounter.ts'
import type { VolumePlugin } from './plugin.ts'
import type { VolumeRecord, VolumeRecords } from './records.ts'
import { removeFolder } from './remove-folder.ts'

interface Options {
  plugins: readonly VolumePlugin[]
  podsFolder: string
  usesDisk: boolean
  records: VolumeRecords
  devices: Devices
  mounter: Mounter
  memory: MemoryFolder
  folderOf: (record: VolumeRecord) => string
  onInUse: () => void
}

/** Takes away what a pod had, in the order opposite to mounting: subPaths, volumes, devices, and then its folder. */
export function volumeUnmounter(options: Options): { pod(podUid: string): Promise<void> } {
  const { plugins, podsFolder, usesDisk, records, devices, mounter, memory, folderOf, onInUse } = options

  const volume = async (record: VolumeRecord) => {
    const { podUid, spec } = record
    const device = deviceOf(plugins, record)
    const folder = folderOf(record)
    if (usesDisk) {
      await removeFolder(join(podsFolder, podUid, 'volume-subpaths', spec.name), mounter)
      const plugin = plugins.find(({ name }) => name === record.plugin)
      if (plugin?.tearDown) await plugin.tearDown({ podUid, spec, folder })
      await removeFolder(folder, mounter)
    }
    const isInUse = () =>
      records.all().some(other => other !== record && device && deviceOf(plugins, other)?.uniqueName === device.uniqueName)
    if (device) await devices.release(device, isInUse)
    await records.remove(record)
    if (record.isAttachable) onInUse()
  }

  return {
    async pod(podUid) {
      const problems: string[] = []
      for (const record of records.ofPod(podUid))
        await volume(record).catch((error: unknown) => {
          problems.push(`UnmountVolume.TearDown failed for volume "${record.spec.name}" : ${messageOf(error)}`)
        })
      if (problems.length > 0) throw new Error(problems.join('; '))
      if (!usesDisk) return
      const folder = join(podsFolder, podUid)
      await memory.remove(folder)
      await removeFolder(folder, mounter)
      await rm(`${folder}.deleting~`, { recursive: true, force: true })
    },
  }
}
