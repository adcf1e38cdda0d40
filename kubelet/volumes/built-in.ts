import type { Node } from '../../api/core/node.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import type { Objects } from '../objects.ts'
import { configMapVolume } from './config-map.ts'
import { downwardApiVolume } from './downward-api.ts'
import { emptyDirVolume } from './empty-dir.ts'
import { hostPathVolume } from './host-path.ts'
import { imageVolume } from './image.ts'
import { localVolume } from './local.ts'
import type { MemoryFolder } from './memory-folder.ts'
import type { Mounter } from './mounter.ts'
import { nfsVolume } from './nfs.ts'
import type { VolumePlugin } from './plugin.ts'
import { projectedVolume } from './projected.ts'
import { secretVolume } from './secret.ts'
import { unsupportedVolume } from './unsupported.ts'

type ImageOptions = Parameters<typeof imageVolume>[0]

export interface BuiltInOptions extends ImageOptions {
  usesDisk: boolean
  objects: Objects
  mounter: Mounter
  memory: MemoryFolder
  node: () => Node | undefined
  clock: Clock
  random: Random
}

/** Every kind of volume there is; `more` come before the one that refuses. */
export function volumePlugins(options: BuiltInOptions, more: readonly VolumePlugin[] = []): VolumePlugin[] {
  const withAllocatable = { ...options, allocatable: () => options.node()?.status.allocatable ?? {} }
  return [
    configMapVolume(options),
    secretVolume(options),
    downwardApiVolume(withAllocatable),
    projectedVolume(withAllocatable),
    emptyDirVolume(options),
    hostPathVolume(options),
    localVolume(options),
    nfsVolume(options),
    imageVolume(options),
    ...more,
    unsupportedVolume,
  ]
}
