import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Objects } from '../objects.ts'
import type { Volume } from '../pod-types.ts'
import { messageOf, SyncError } from '../sync/sync-error.ts'
import type { Devices } from './devices.ts'
import { type NodeExpansion } from './expansion.ts'
import type { MountedVolume, VolumeDevice, VolumePlugin, VolumeSpec } from './plugin.ts'
import type { VolumeRecord, VolumeRecords } from './records.ts'
import { affinityFault, volumeSpecOf } from './volume-spec.ts'

/** Takes one volume of a pod through all of its steps. Idempotent. Throws SyncError FailedMount, worded for the event. */
export type MountVolume = (input: {
  pod: Pod
  volume: Volume
  isRefresh: boolean
  signal: AbortSignal
  onAttachWait?: (isWaiting: boolean) => void
}) => Promise<MountedVolume>

interface Options {
  plugins: readonly VolumePlugin[]
  objects: Objects
  node: () => Node | undefined
  records: VolumeRecords
  devices: Devices
  expansion: NodeExpansion
  folderOf: (record: VolumeRecord) => string
  /** The list of devices in use has changed. */
  onInUse: () => void
}

export function volumeMounter(options: Options): MountVolume {
  const { plugins, objects, node, records, devices, expansion, folderOf } = options

  return async ({ pod, volume, isRefresh, signal, onAttachWait = () => {} }) => {
    const spec = await volumeSpecOf(pod, volume, objects)
    const plugin = pluginFor(plugins, spec)
    const { name } = spec
    const step = (what: string, why: unknown) =>
      new SyncError('FailedMount', `${what} failed for volume "${name}" : ${messageOf(why)}`)
    const verb = spec.isBlock ? 'MapVolume' : 'MountVolume'
    const fault = affinityFault(spec, node())
    if (fault) throw step(`${verb}.NodeAffinity check`, fault)
    if (spec.persistentVolume?.spec.mountOptions?.length && !plugin.supportsMountOptions)
      throw step(`${verb}.MountOptionSupport check`, 'Mount options are not supported for this volume type')
    if (isTakenByAnother(spec, pod, records))
      throw step(`${verb}.SetUp`, 'volume uses the ReadWriteOncePod access mode and is already in use by another pod')

    const device = plugin.device?.(spec)
    const isAttachable = (await device?.needsAttach()) ?? false
    const record: VolumeRecord = { plugin: plugin.name, podUid: pod.metadata.uid, spec, ...(isAttachable && { isAttachable }) }
    await records.add(record)
    let devicePath: string | undefined
    if (device) {
      if (isAttachable) {
        options.onInUse()
        onAttachWait(true)
      }
      devicePath = await devices.ready({ device, isAttachable, pod, name, signal, onAttached: () => onAttachWait(false) })
    }
    const folder = folderOf(record)
    const deviceFolder = device && { deviceFolder: device.folder, devicePath: devicePath ?? '' }
    try {
      const mounted = await plugin.setUp({ pod, spec, folder, ...deviceFolder, isRefresh, signal })
      const gid = spec.persistentVolume?.metadata.annotations?.['pv.beta.kubernetes.io/gid']
      await expansion.expand({ pod, spec, plugin, folder, ...deviceFolder })
      return { ...mounted, name, ...(gid && /^\d+$/.test(gid) && { supplementalGroup: Number(gid) }) }
    } catch (cause) {
      if (cause instanceof SyncError && (cause.reason !== 'FailedMount' || /^(Mount|Map)Volume\./.test(cause.message)))
        throw cause
      throw step(spec.isBlock ? 'MapVolume.MapPodDevice' : 'MountVolume.SetUp', cause)
    }
  }
}

/** The one plugin that a volume is for. Throws SyncError FailedMount. */
export function pluginFor(plugins: readonly VolumePlugin[], spec: VolumeSpec): VolumePlugin {
  const found = plugins.find(plugin => plugin.handles(spec))
  if (!found)
    throw new SyncError('FailedMount', `MountVolume.FindPluginBySpec failed for volume "${spec.name}" : no volume plugin matched`)
  if (spec.isBlock && !found.supportsBlock)
    throw new SyncError(
      'FailedMount',
      `MapVolume.FindMapperPluginBySpec failed for volume "${spec.name}" : ${found.name} has no block volumes`,
    )
  return found
}

/** ReadWriteOncePod, where it is the volume's only mode, lets one pod in (operation_generator.go). */
function isTakenByAnother({ persistentVolume }: VolumeSpec, pod: Pod, records: VolumeRecords): boolean {
  const modes = persistentVolume?.spec.accessModes ?? []
  if (modes.length !== 1 || modes[0] !== 'ReadWriteOncePod') return false
  const { name } = persistentVolume?.metadata ?? {}
  return records.all().some(({ podUid, spec }) => podUid !== pod.metadata.uid && spec.persistentVolume?.metadata.name === name)
}

/** The device of a volume that was set up, if it has one. */
export function deviceOf(plugins: readonly VolumePlugin[], { plugin, spec }: VolumeRecord): VolumeDevice | undefined {
  return plugins.find(one => one.name === plugin)?.device?.(spec)
}
