import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Volume } from '../pod-types.ts'

/** One volume of a pod, its claim followed to the end. Plain data: it is kept on disk while the volume is mounted. */
export interface VolumeSpec {
  /** Names its folder: the PersistentVolume's name, or what the pod calls it where there is none. */
  readonly name: string
  readonly volume: Volume
  readonly persistentVolume?: PersistentVolume
  /** Not kept on disk: as it was when the volume was prepared last. */
  readonly claim?: PersistentVolumeClaim
  readonly readOnly: boolean
  /** volumeMode Block: containers get a device, not a folder. */
  readonly isBlock: boolean
}

/** What containers get of a volume. */
export interface MountedVolume {
  /** A folder, a file (hostPath), or with `isBlock` a device. */
  readonly path: string
  readonly readOnly: boolean
  readonly isBlock?: boolean
  /** Belongs to others as well: a part of it that is not there is not made. */
  readonly isFixed?: boolean
  /** What names its folders here: VolumeSpec.name. Filled in by the caller of setUp. */
  readonly name?: string
  /** A group that the pod's processes need for it (annotation pv.beta.kubernetes.io/gid). */
  readonly supplementalGroup?: number
}

/** What a volume uses; undefined figures were not measured. */
export interface VolumeUsage {
  readonly usedInBytes: number
  readonly inodesUsed: number
  readonly capacityInBytes?: number
  readonly availableInBytes?: number
  readonly inodes?: number
  readonly inodesFree?: number
}

export interface SetUp {
  readonly pod: Pod
  readonly spec: VolumeSpec
  /** `<rootDir>/pods/<uid>/volumes/<plugin>/<name>` (`volumeDevices` for block); not made yet, or there from an earlier time. */
  readonly folder: string
  /** With a device: where it was mounted for the whole node, and its path if the attacher knew one. */
  readonly deviceFolder?: string
  readonly devicePath?: string
  /** Containers use it already, and only what has changed need be done. */
  readonly isRefresh: boolean
  readonly signal: AbortSignal
}

export interface TearDown {
  readonly podUid: string
  readonly spec: VolumeSpec
  readonly folder: string
}

/** How a volume gets to the node, once for all pods that use it there. */
export interface VolumeDevice {
  /** What node.status.volumesInUse and volumesAttached call it: `kubernetes.io/csi/<driver>^<handle>`. */
  readonly uniqueName: string
  /** Where it is mounted for the whole node; an absolute path. */
  readonly folder: string
  /** Whether a controller attaches it first: then it is told of in volumesInUse, and volumesAttached is waited for. */
  needsAttach(): Promise<boolean>
  /** After volumesAttached has it: answers the device's path, or rejects when it is not usable yet. `devicePath`: as the node's status has it. */
  waitForAttach?(input: { devicePath: string; signal: AbortSignal }): Promise<string>
  /** Idempotent. */
  mount(input: { pod: Pod; devicePath: string; signal: AbortSignal }): Promise<void>
  /** Once no pod of the node uses it. Idempotent. */
  unmount(): Promise<void>
}

/**
 * One kind of volume. The order for each pod is: attached, device mounted, set up, containers, torn down, device unmounted, detached.
 * All of it may be called again after a failure or a restart of the kubelet, so all of it is idempotent.
 * Errors are told to the user as they are: `MountVolume.SetUp failed for volume "x" : <message>`.
 */
export interface VolumePlugin {
  /** `kubernetes.io/empty-dir`. */
  readonly name: string
  handles(spec: VolumeSpec): boolean
  /** Made from API objects: setUp is called again when those change. */
  readonly isRefreshed?: boolean
  readonly supportsBlock?: boolean
  /** Whether a PersistentVolume's mountOptions mean anything to it; elsewhere they are refused. */
  readonly supportsMountOptions?: boolean
  device?(spec: VolumeSpec): VolumeDevice | undefined
  setUp(input: SetUp): Promise<MountedVolume>
  /** Absent: what lies in the volume's folder is removed, which never follows a mount. */
  tearDown?(input: TearDown): Promise<void>
  /** Makes a file system on the node as big as its volume has become. Answers its size in bytes. */
  expand?(input: {
    podUid: string
    spec: VolumeSpec
    folder: string
    deviceFolder?: string
    devicePath?: string
    sizeInBytes: number
  }): Promise<number>
  /** Absent: files are counted (local) or nothing is known. */
  usage?(input: TearDown): Promise<VolumeUsage | undefined>
}

/** A folder's name for a plugin: `kubernetes.io~empty-dir`. */
export function folderNameOf(plugin: string): string {
  return plugin.replaceAll('/', '~')
}
