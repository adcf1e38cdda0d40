import { join } from 'node:path'
import type { AnyContainer, VolumeMount } from '../pod-types.ts'
import type { DeviceMapping, Mount } from '../runtime/runtime.ts'
import { SyncError } from '../sync/sync-error.ts'
import type { Mounter } from './mounter.ts'
import type { MountedVolume } from './plugin.ts'
import { prepareSubPath, subPathOf } from './sub-path.ts'

export interface ContainerMountsInput {
  readonly container: AnyContainer
  readonly volumes: ReadonlyMap<string, MountedVolume>
  /** Variables of subPathExpr. */
  readonly environment: ReadonlyMap<string, string>
  /** `<rootDir>/pods/<uid>`. */
  readonly podFolder: string
  readonly mounter: Mounter
  /** False: nothing is looked at (simulated nodes). */
  readonly usesDisk: boolean
  /** Whether read-only mounts can be made so all the way down. */
  readonly supportsRecursiveReadOnly: boolean
}

const propagations = { HostToContainer: 'rslave', Bidirectional: 'rshared' } as const

/** What a container's volumeMounts come to. Throws SyncError CreateContainerConfigError (semantics C12, kubelet_pods.go makeMounts). */
export async function volumeMountsOf(input: ContainerMountsInput): Promise<Mount[]> {
  const { container, volumes } = input
  const mounts: Mount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = volumes.get(mount.name)
    if (!volume || volume.isBlock)
      throw new SyncError(
        'CreateContainerConfigError',
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      )
    const hostPath = await placeOf(input, mount, volume, index)
    const propagation = propagations[mount.mountPropagation as keyof typeof propagations]
    const readOnly = volume.readOnly || (mount.readOnly ?? false)
    const isRecursive = isRecursivelyReadOnly(mount, input.supportsRecursiveReadOnly)
    const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`
    mounts.push({
      hostPath,
      containerPath,
      readOnly,
      ...(propagation && { propagation }),
      ...(isRecursive && { recursiveReadOnly: true }),
    })
  }
  return mounts
}

/** What a container's volumeDevices come to. Throws SyncError CreateContainerConfigError (kubelet_pods.go makeBlockVolumes). */
export function volumeDevicesOf({ container, volumes }: Pick<ContainerMountsInput, 'container' | 'volumes'>): DeviceMapping[] {
  return (container.volumeDevices ?? []).map(({ name, devicePath }) => {
    if (!devicePath.startsWith('/'))
      throw new SyncError('CreateContainerConfigError', `error DevicePath \`${devicePath}\` must be an absolute path`)
    const volume = volumes.get(name)
    if (!volume?.isBlock)
      throw new SyncError('CreateContainerConfigError', `cannot find volume "${name}" to pass into container "${container.name}"`)
    return { hostPath: volume.path, containerPath: devicePath, permissions: volume.readOnly ? 'r' : 'mrw' }
  })
}

/** Groups that the pod's volumes need its processes to be in. */
export function volumeGroupsOf(volumes: ReadonlyMap<string, MountedVolume>): number[] {
  return [...volumes.values()].flatMap(({ supplementalGroup }) => supplementalGroup ?? [])
}

async function placeOf(
  { container, environment, podFolder, mounter, usesDisk }: ContainerMountsInput,
  mount: VolumeMount,
  { path, name, isFixed }: MountedVolume,
  index: number,
): Promise<string> {
  const subPath = subPathOf(mount, environment)
  if (subPath === '') return path
  if (!usesDisk) return join(path, subPath)
  const target = join(podFolder, 'volume-subpaths', name ?? mount.name, container.name, String(index))
  return prepareSubPath(
    { volumePath: path, subPath, volume: mount.name, container: container.name, target, ...(isFixed && { isFixed }) },
    mounter,
  )
}

function isRecursivelyReadOnly(mount: VolumeMount, isSupported: boolean): boolean {
  const { name, readOnly, recursiveReadOnly, mountPropagation } = mount
  if (!recursiveReadOnly || recursiveReadOnly === 'Disabled') return false
  const refuse = (why: string) =>
    new SyncError(
      'CreateContainerConfigError',
      `failed to resolve recursive read-only mode: volume "${name}" requested recursive read-only mode, but it is not ${why}`,
    )
  if (!readOnly) throw refuse('read-only')
  if (mountPropagation && mountPropagation !== 'None') throw refuse(`compatible with propagation "${mountPropagation}"`)
  if (recursiveReadOnly === 'Enabled' && !isSupported) throw refuse('supported by the runtime')
  return isSupported
}
