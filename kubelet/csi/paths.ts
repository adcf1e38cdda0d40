import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { VolumeSpec } from '../volumes/plugin.ts'

/** Name of the plugin as upstream has it; begins what users read of its troubles. */
export const pluginName = 'kubernetes.io/csi'

/** The driver, and what it calls the volume; undefined: not a CSI volume. */
export function sourceOf({ volume, persistentVolume }: VolumeSpec) {
  const persistent = persistentVolume?.spec.csi
  if (persistent) return { driver: persistent.driver, persistent, inline: undefined }
  const inline = persistentVolume ? undefined : volume.csi
  return inline && { driver: inline.driver, persistent: undefined, inline }
}

/** Where volumes of drivers are on a node; the paths are upstream's (pkg/volume/csi), which drivers have learnt to expect. */
export interface CsiPaths {
  /** Where a volume is mounted for the whole node. Beside it: `vol_data.json`. */
  staging(spec: VolumeSpec): string
  /** Where the file with what is needed to undo the staging is. */
  stagingData(spec: VolumeSpec): string
  /** Where the driver is to put a volume for a pod. `folder`: the pod's own for this volume. */
  target(spec: VolumeSpec, podUid: string, folder: string): string
  /** Where the file with what is needed to undo that is. */
  targetData(spec: VolumeSpec, podUid: string, folder: string): string
}

export function csiPaths(rootDir: string): CsiPaths {
  const root = join(rootDir, 'plugins', pluginName)
  const blocks = join(root, 'volumeDevices')
  const mountFolder = (spec: VolumeSpec) => {
    const { driver = '', persistent } = sourceOf(spec) ?? {}
    const hash = createHash('sha256')
      .update(persistent?.volumeHandle ?? '')
      .digest('hex')
    return join(root, driver, hash)
  }
  const staging = (spec: VolumeSpec) =>
    spec.isBlock ? join(blocks, 'staging', spec.name) : join(mountFolder(spec), 'globalmount')
  return {
    staging,
    stagingData: spec => (spec.isBlock ? join(blocks, spec.name, 'data') : dirname(staging(spec))),
    target: (spec, podUid, folder) => (spec.isBlock ? join(blocks, 'publish', spec.name, podUid) : join(folder, 'mount')),
    targetData: (spec, podUid, folder) => (spec.isBlock ? join(blocks, spec.name, 'data', podUid) : folder),
  }
}

/** What a driver calls an inline volume: nobody else has the name (makeVolumeHandle). */
export function inlineHandle(podUid: string, volumeName: string): string {
  return `csi-${createHash('sha256').update(`${podUid}${volumeName}`).digest('hex')}`
}
