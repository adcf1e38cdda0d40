import { mkdir, rm, symlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { attachmentName } from '../../api/storage/attachment-name.ts'
import type { CSIDriver } from '../../api/storage/csi-driver.ts'
import { messageOf } from '../sync/sync-error.ts'
import { ownVolume } from '../volumes/fs-group.ts'
import type { Mounter } from '../volumes/mounter.ts'
import type { MountedVolume, SetUp, TearDown, VolumePlugin, VolumeSpec, VolumeUsage } from '../volumes/plugin.ts'
import { capabilityOf } from './capability.ts'
import { csiDevice, registered, secretRef } from './device.ts'
import { type CsiDriver, isFinal } from './driver.ts'
import type { CsiDrivers } from './drivers.ts'
import type { CsiFacts } from './facts.ts'
import { type CsiPaths, inlineHandle, pluginName, sourceOf } from './paths.ts'
import { forgetVolume, loadVolumeData, saveVolumeData } from './volume-data.ts'

export interface CsiPluginOptions {
  readonly nodeName: string
  readonly drivers: CsiDrivers
  readonly facts: CsiFacts
  readonly paths: CsiPaths
  readonly mounter: Pick<Mounter, 'mountsBelow'>
  /** False on simulated nodes: volumes are attached, and then nothing happens. */
  readonly usesDisk: boolean
}

/** Volumes of storage drivers (pkg/volume/csi): persistent ones and those that a pod brings inline. */
export function csiVolume(options: CsiPluginOptions): VolumePlugin {
  const { drivers, paths, mounter, usesDisk } = options
  const staged = new Set<string>()
  return {
    name: pluginName,
    // For drivers that want it; the others are left alone.
    isRefreshed: true,
    supportsBlock: true,
    supportsMountOptions: true,
    handles: spec => sourceOf(spec) !== undefined,
    device: spec => csiDevice(options, staged, spec),
    setUp: input => publish(options, input),

    async tearDown(volume) {
      if (!usesDisk) return
      const { target, data } = await placeOf(paths, volume)
      if (!data) return
      const what = `${pluginName}: Unmounter.TearDownAt failed`
      const driver = registered(() => drivers.get(data.driverName ?? ''), `${what} to get CSI client`)
      const volumeId = data.volumeHandle ?? ''
      await driver.call('Node/NodeUnpublishVolume', { volumeId, targetPath: target }).catch((error: unknown) => {
        throw new Error(`${what}: ${messageOf(error)}`, { cause: error })
      })
      const { spec, podUid, folder } = volume
      await forgetVolume(target, paths.targetData(spec, podUid, folder), mounter).catch((error: unknown) => {
        throw new Error(`${what} to clean mount dir [${target}]: ${messageOf(error)}`, { cause: error })
      })
    },

    async usage(volume) {
      const { target, data } = await placeOf(paths, volume)
      const driver = data && drivers.find(data.driverName ?? '')
      if (!driver || !(await driver.nodeCan('GET_VOLUME_STATS'))) return undefined
      const stagingTargetPath = sourceOf(volume.spec)?.persistent ? paths.staging(volume.spec) : ''
      const volumeId = data?.volumeHandle ?? ''
      return usageOf(await driver.call('Node/NodeGetVolumeStats', { volumeId, volumePath: target, stagingTargetPath }))
    },

    async expand({ spec, folder, sizeInBytes, podUid }) {
      const persistent = sourceOf(spec)?.persistent
      if (!persistent || !usesDisk) return sizeInBytes
      const driver = drivers.get(persistent.driver)
      if (!(await driver.nodeCan('EXPAND_VOLUME'))) return sizeInBytes
      const secrets = await options.facts.secret('NodeExpandSecretRef', secretRef(persistent.nodeExpandSecretRef))
      const { capacityBytes } = await driver
        .call('Node/NodeExpandVolume', {
          volumeId: persistent.volumeHandle,
          volumePath: paths.target(spec, podUid, folder),
          capacityRange: { requiredBytes: sizeInBytes },
          ...((await driver.nodeCan('STAGE_UNSTAGE_VOLUME')) && { stagingTargetPath: paths.staging(spec) }),
          volumeCapability: await nodeCapability(driver, spec),
          secrets,
        })
        .catch((error: unknown) => {
          throw new Error(`Expander.NodeExpand failed to expand the volume : ${messageOf(error)}`, { cause: error })
        })
      return capacityBytes || sizeInBytes
    },
  }
}

/** Has the driver put the volume where the pod's containers find it (csi_mounter.go SetUpAt). */
async function publish(options: CsiPluginOptions, { pod, spec, folder, isRefresh }: SetUp) {
  const { drivers, facts, paths, usesDisk, nodeName, mounter } = options
  const source = sourceOf(spec)
  const podUid = pod.metadata.uid
  const target = paths.target(spec, podUid, folder)
  const readOnly = source?.inline?.readOnly ?? spec.readOnly
  const mounted: MountedVolume = { path: target, readOnly, ...(spec.isBlock && { isBlock: true }) }
  if (!source || !usesDisk) return mounted
  const what = `${pluginName}: mounter.SetUpAt failed`
  const object = await facts.object(source.driver)
  if (isRefresh && !object?.spec.requiresRepublish) return mounted
  const driver = registered(() => drivers.get(source.driver), `${what} to get CSI client`)
  const { inline, persistent } = source
  checkLifecycle(source.driver, object, inline ? 'Ephemeral' : 'Persistent')

  const handle = persistent?.volumeHandle ?? inlineHandle(podUid, spec.name)
  const fsType = persistent?.fsType ?? inline?.fsType ?? ''
  const mountsGroup = await driver.nodeCan('VOLUME_MOUNT_GROUP')
  const ref = persistent
    ? secretRef(persistent.nodePublishSecretRef)
    : secretRef(inline?.nodePublishSecretRef, pod.metadata.namespace)
  const stagingTargetPath = persistent && (await driver.nodeCan('STAGE_UNSTAGE_VOLUME')) ? paths.staging(spec) : ''
  const request = {
    volumeId: handle,
    publishContext: persistent ? await facts.publishContext({ driver: source.driver, handle }) : {},
    stagingTargetPath,
    targetPath: target,
    volumeCapability: await nodeCapability(driver, spec, mountsGroup ? pod.spec.securityContext.fsGroup : undefined),
    readonly: readOnly,
    secrets: await facts.secret('NodePublishSecretRef', ref),
    volumeContext: {
      ...(persistent ?? inline)?.volumeAttributes,
      ...(await facts.podAttributes(pod, object, inline !== undefined)),
    },
  }
  const dataFolder = paths.targetData(spec, podUid, folder)
  await mkdir(dirname(target), { recursive: true, mode: 0o750 })
  await saveVolumeData(dataFolder, {
    specVolID: spec.name,
    volumeHandle: handle,
    driverName: source.driver,
    nodeName,
    volumeLifecycleMode: inline ? 'Ephemeral' : 'Persistent',
    attachmentID: attachmentName(handle, source.driver, nodeName),
  })
  try {
    await driver.call('Node/NodePublishVolume', request)
  } catch (error) {
    // A volume that containers use already stays where it is.
    if (isFinal(error) && !isRefresh) await forgetVolume(target, dataFolder, mounter).catch(() => {})
    throw error
  }
  if (spec.isBlock) await linkDevice(target, folder)
  else if (!mountsGroup && !isRefresh && givesToGroup({ object, spec, fsType, readOnly }))
    await ownVolume(pod, target, { heedsPolicy: true }).catch((error: unknown) => {
      throw new Error(`applyFSGroup failed for vol ${handle}: ${messageOf(error)}`, { cause: error })
    })
  return mounted
}

async function nodeCapability(driver: CsiDriver, spec: VolumeSpec, mountGroup?: number | undefined) {
  const { persistentVolume, volume, isBlock } = spec
  return capabilityOf({
    isBlock,
    accessMode: persistentVolume?.spec.accessModes?.[0],
    fsType: persistentVolume?.spec.csi?.fsType ?? volume.csi?.fsType,
    mountOptions: persistentVolume?.spec.mountOptions,
    mountGroup,
    isFine: await driver.nodeCan('SINGLE_NODE_MULTI_WRITER'),
  })
}

/** Drivers without an object have persistent volumes only. */
function checkLifecycle(driver: string, object: CSIDriver | undefined, mode: 'Ephemeral' | 'Persistent'): void {
  const modes = object?.spec.volumeLifecycleModes ?? []
  if (object ? modes.includes(mode) : mode === 'Persistent') return
  const why = object ? `only supports [${modes.map(one => JSON.stringify(one)).join(' ')}]` : 'no CSIDriver object'
  throw new Error(
    `${pluginName}: mounter.SetupAt failed to check volume lifecycle mode: volume mode "${mode}" not supported by driver ${driver} (${why})`,
  )
}

/** Whether the files get the pod's group from us (csi_mounter.go supportsFSGroup). */
export function givesToGroup({
  object,
  spec,
  fsType,
  readOnly,
}: {
  object: Pick<CSIDriver, 'spec'> | undefined
  spec: VolumeSpec
  fsType: string
  readOnly: boolean
}): boolean {
  const policy = object?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType'
  if (policy === 'None' || readOnly) return false
  if (policy === 'File') return true
  if (fsType === '') return false
  const modes = spec.persistentVolume?.spec.accessModes
  return !spec.persistentVolume || (modes ?? []).some(mode => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod')
}

/** The pod's own folder shows its device, too (pods/<uid>/volumeDevices/kubernetes.io~csi/<name>). */
async function linkDevice(target: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true, mode: 0o750 })
  await rm(folder, { force: true })
  await symlink(target, folder)
}

async function placeOf(paths: CsiPaths, { spec, podUid, folder }: TearDown) {
  const data = await loadVolumeData(paths.targetData(spec, podUid, folder))
  return { target: paths.target(spec, podUid, folder), data }
}

function usageOf({ usage = [] }: { usage?: readonly { available?: number; total?: number; used?: number; unit?: string }[] }) {
  const bytes = usage.find(({ unit }) => unit === 'BYTES')
  const inodes = usage.find(({ unit }) => unit === 'INODES')
  const answer: VolumeUsage = {
    usedInBytes: bytes?.used ?? 0,
    inodesUsed: inodes?.used ?? 0,
    ...(bytes && { capacityInBytes: bytes.total ?? 0, availableInBytes: bytes.available ?? 0 }),
    ...(inodes && { inodes: inodes.total ?? 0, inodesFree: inodes.available ?? 0 }),
  }
  return bytes || inodes ? answer : undefined
}
