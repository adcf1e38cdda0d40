import type { Pod } from '../../api/core/pod.ts'
import { containersOf } from '../pod-types.ts'

/** Names of the volumes that containers of a pod mount, and of those they use as devices; the rest is never set up. */
export function wantedVolumes({ spec }: Pod): { mounts: ReadonlySet<string>; devices: ReadonlySet<string> } {
  const all = containersOf(spec).map(({ container }) => container)
  return {
    mounts: new Set(all.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))),
    devices: new Set(all.flatMap(({ volumeDevices = [] }) => volumeDevices.map(({ name }) => name))),
  }
}
