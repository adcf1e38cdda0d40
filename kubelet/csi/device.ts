import { mkdir } from 'node:fs/promises'
import type { Pod } from '../../api/core/pod.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { VolumeDevice, VolumeSpec } from '../volumes/plugin.ts'
import { capabilityOf } from './capability.ts'
import { isFinal } from './driver.ts'
import { pluginName, sourceOf } from './paths.ts'
import type { CsiPluginOptions } from './plugin.ts'
import { forgetVolume, loadVolumeData, saveVolumeData } from './volume-data.ts'

/**
 * How a volume of a driver gets to this node, once for all pods: attached, if the driver wants that, and staged, if it can
 * (pkg/volume/csi/csi_attacher.go, csi_block.go). `staged` remembers what need not be asked for again.
 */
export function csiDevice(options: CsiPluginOptions, staged: Set<string>, spec: VolumeSpec): VolumeDevice | undefined {
  const { drivers, facts, paths, mounter, usesDisk } = options
  const persistent = sourceOf(spec)?.persistent
  if (!persistent) return undefined
  const { driver: driverName, volumeHandle: handle } = persistent
  const place = paths.staging(spec)
  const dataFolder = paths.stagingData(spec)
  const uniqueName = `${pluginName}/${driverName}^${handle}`

  const stage = async (pod: Pod) => {
    const what = `${pluginName}: attacher.MountDevice failed`
    const driver = registered(() => drivers.get(driverName), `${what} to create newCsiDriverClient`)
    const canStage = await driver.nodeCan('STAGE_UNSTAGE_VOLUME')
    const publishContext = await facts.publishContext({ driver: driverName, handle })
    await mkdir(place, { recursive: true, mode: 0o750 })
    await saveVolumeData(dataFolder, { volumeHandle: handle, driverName })
    if (!canStage) return
    const volumeCapability = capabilityOf({
      isBlock: spec.isBlock,
      accessMode: spec.persistentVolume?.spec.accessModes?.[0],
      fsType: persistent.fsType,
      mountOptions: spec.persistentVolume?.spec.mountOptions,
      ...((await driver.nodeCan('VOLUME_MOUNT_GROUP')) && { mountGroup: pod.spec.securityContext.fsGroup }),
      isFine: await driver.nodeCan('SINGLE_NODE_MULTI_WRITER'),
    })
    const secrets = await facts.secret('NodeStageSecretRef', secretRef(persistent.nodeStageSecretRef))
    try {
      await driver.call('Node/NodeStageVolume', {
        volumeId: handle,
        publishContext,
        stagingTargetPath: place,
        volumeCapability,
        secrets,
        volumeContext: persistent.volumeAttributes ?? {},
      })
    } catch (error) {
      if (isFinal(error)) await forgetVolume(place, dataFolder, mounter).catch(() => {})
      throw error
    }
  }

  return {
    uniqueName,
    folder: place,
    needsAttach: async () => (await facts.object(driverName))?.spec.attachRequired ?? true,
    async waitForAttach() {
      return (await facts.attachment({ driver: driverName, handle })).metadata.name
    },
    async mount({ pod }) {
      if (!usesDisk || staged.has(place)) return
      await stage(pod)
      staged.add(place)
    },
    async unmount() {
      if (!usesDisk) return
      staged.delete(place)
      if (!(await loadVolumeData(dataFolder))) return
      const what = `${pluginName}: attacher.UnmountDevice failed`
      const driver = registered(() => drivers.get(driverName), `${what} to create newCsiDriverClient`)
      if (await driver.nodeCan('STAGE_UNSTAGE_VOLUME'))
        await driver.call('Node/NodeUnstageVolume', { volumeId: handle, stagingTargetPath: place }).catch((error: unknown) => {
          throw new Error(`${what}: ${messageOf(error)}`, { cause: error })
        })
      await forgetVolume(place, dataFolder, mounter)
    },
  }
}

/** `what`: what failed because the driver is not there. */
export function registered<T>(find: () => T, what: string): T {
  try {
    return find()
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error })
  }
}

/** A reference without a name is none. */
export function secretRef(
  ref: { readonly name?: string | undefined; readonly namespace?: string | undefined } | undefined,
  namespace = ref?.namespace,
): { name: string; namespace: string } | undefined {
  return ref?.name ? { name: ref.name, namespace: namespace ?? '' } : undefined
}
