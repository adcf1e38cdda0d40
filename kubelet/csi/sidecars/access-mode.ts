import { capabilityOf } from '../capability.ts'
import type { VolumeCapability } from '../messages.ts'

interface Usage {
  readonly volumeMode?: string | undefined
  readonly accessModes?: readonly string[] | undefined
  readonly fsType?: string | undefined
  readonly mountOptions?: readonly string[] | undefined
}

/** The one mode that covers all of a volume's (csi-lib-utils accessmodes): many writers include everything else. */
export function wholeCapability(usage: Usage, isFine: boolean): VolumeCapability {
  const { accessModes: modes = [] } = usage
  const strongest = ['ReadWriteMany', 'ReadOnlyMany', 'ReadWriteOnce', 'ReadWriteOncePod'].find(mode => modes.includes(mode))
  if (strongest === 'ReadOnlyMany' && modes.includes('ReadWriteOnce'))
    throw new Error('CSI does not support ReadOnlyMany and ReadWriteOnce on the same PersistentVolume')
  return capability(usage, strongest, isFine)
}

/** One for each mode: what a volume that is to be made must be able to do. */
export function allCapabilities(usage: Usage, isFine: boolean): VolumeCapability[] {
  return (usage.accessModes ?? []).map(mode => capability(usage, mode, isFine))
}

function capability({ volumeMode, fsType, mountOptions }: Usage, accessMode: string | undefined, isFine: boolean) {
  return capabilityOf({ isBlock: volumeMode === 'Block', accessMode, fsType, mountOptions, isFine })
}
