import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { kinds } from '../api/kinds.ts'
import type { Controller } from '../client/controller.ts'
import { type ControllerOptions, controllers } from '../controllers/controllers.ts'
import type { VolumeFolders } from '../controllers/local-provisioner/controller.ts'
import { runtimeLabel } from './node-options.ts'

/** What controllers need to know that no API tells them. */
export interface ControllerSettings extends Pick<ControllerOptions, 'signingDurationInMs' | 'nodeLifecycle' | 'autoscaling'> {
  /** The cluster's authority, PEM. */
  readonly ca: string
  /** Its key; absent: nothing is signed here. */
  readonly caKey?: string | undefined
  /** Absent: nodes get their ranges elsewhere. */
  readonly podCIDR?: string | undefined
  /** Volumes are folders below it; absent: none are made here. */
  readonly volumesDir?: string | undefined
}

/** Addresses for the pods of simulated nodes: shared address space (RFC 6598), which no real network here routes. */
const simulatedPodRange = '100.64.0.0/10'

const isSimulated = (node: { metadata: { labels?: Readonly<Record<string, string>> | undefined } }) =>
  node.metadata.labels?.[runtimeLabel] === 'simulated'

/** Every controller that can run with these settings: upstream, too, starts none that lacks its files or its range. */
export function ownControllers({ ca, caKey, podCIDR, volumesDir, ...settings }: ControllerSettings): readonly Controller[] {
  const left = new Set([
    ...(caKey === undefined ? ['csrsigning'] : []),
    ...(podCIDR === undefined ? ['node-ipam'] : []),
    ...(volumesDir === undefined ? ['local-provisioner'] : []),
  ])
  return controllers({
    ...settings,
    kinds,
    authority: { certificate: ca, key: caKey ?? '' },
    nodeRanges: [
      { cidr: podCIDR ?? '', nodeMaskSize: 24, isFor: node => !isSimulated(node) },
      { cidr: simulatedPodRange, nodeMaskSize: 24, isFor: isSimulated },
    ],
    volumes: volumeFolders(volumesDir ?? ''),
  }).filter(({ name }) => !left.has(name))
}

/** Every controller there is, for its name. */
export const allControllers = () => ownControllers({ ca: '', caKey: '', podCIDR: '10.0.0.0/8', volumesDir: '' })

/** Volumes as folders that any user of a container may write to. */
function volumeFolders(root: string): VolumeFolders {
  return {
    async create(volume) {
      const path = join(root, volume)
      await mkdir(path, { recursive: true })
      await chmod(path, 0o777) // whatever the umask
      return path
    },
    remove: volume => rm(join(root, volume), { recursive: true, force: true }),
  }
}
