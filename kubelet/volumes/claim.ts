import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { matchesNodeSelector } from '../../api/placement/node-affinity.ts'
import type { Objects } from '../objects.ts'
import { SyncError } from '../sync/sync-error.ts'

/** Where the data of a claim lies on this node. */
export interface ClaimPath {
  readonly path: string
  readonly type?: string | undefined
  /** Local volumes may be given to a group; hostPath ones are left as they are. */
  readonly mayOwn: boolean
}

/** Finds a claim's volume on this node: the claim must be bound and the volume reachable from here. Throws SyncError FailedMount. */
export async function claimPath(
  pod: Pod,
  volumeName: string,
  claimName: string,
  { objects, node }: { objects: Objects; node: Node | undefined },
): Promise<ClaimPath> {
  const { namespace } = pod.metadata
  const notReady = (why: string) =>
    new SyncError(
      'FailedMount',
      `Unable to attach or mount volumes: unmounted volumes=[${volumeName}], unattached volumes=[], failed to process volumes=[${volumeName}]: error processing PVC ${namespace}/${claimName}: ${why}`,
    )
  const claim = await objects.claim(namespace, claimName)
  if (!claim) throw notReady(`failed to fetch PVC from API server: persistentvolumeclaims "${claimName}" not found`)
  if (claim.metadata.deletionTimestamp && claim.status.phase !== 'Bound') throw notReady('PVC is being deleted')
  if (claim.status.phase !== 'Bound' || !claim.spec.volumeName) throw notReady('PVC is not bound')
  const volume = await objects.volume(claim.spec.volumeName)
  if (!volume) throw notReady(`failed to fetch PV ${claim.spec.volumeName} from API server: not found`)
  if (volume.spec.claimRef?.uid !== claim.metadata.uid)
    throw notReady(`PVC ${claim.metadata.uid} is not bound by PV ${volume.metadata.name}`)
  const required = volume.spec.nodeAffinity?.required
  if (required && node && !matchesNodeSelector(required, { name: node.metadata.name, labels: node.metadata.labels ?? {} }))
    throw new SyncError(
      'FailedMount',
      `MountVolume.NodeAffinity check failed for volume "${volume.metadata.name}" : no matching NodeSelectorTerms`,
    )
  const { hostPath, local } = volume.spec
  if (local) return { path: local.path, type: 'Directory', mayOwn: true }
  if (hostPath) return { path: hostPath.path, type: hostPath.type, mayOwn: false }
  throw new SyncError('FailedMount', `no volume plugin matched name: ${volume.metadata.name}`)
}
