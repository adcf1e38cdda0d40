import type { Node } from '../../api/core/node.ts'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import { matchesNodeSelector } from '../../api/placement/node-affinity.ts'
import type { Objects } from '../objects.ts'
import type { Volume } from '../pod-types.ts'
import { messageOf, SyncError } from '../sync/sync-error.ts'
import type { VolumeSpec } from './plugin.ts'
import { wantedVolumes } from './wanted-volumes.ts'

const protection = 'kubernetes.io/pvc-protection'

/** A problem found before anything is mounted; upstream tells it with the pod's other volumes, not as a failed mount. */
export class UnprocessedVolume extends SyncError {
  constructor(message: string) {
    super('FailedMount', message)
    this.name = 'UnprocessedVolume'
  }
}

/** Follows a volume of a pod to where its data is. Throws UnprocessedVolume (volumemanager/populator). */
export async function volumeSpecOf(pod: Pod, volume: Volume, objects: Objects): Promise<VolumeSpec> {
  const { persistentVolumeClaim, ephemeral } = volume
  if (!persistentVolumeClaim && !ephemeral) return { name: volume.name, volume, readOnly: false, isBlock: false }
  const claimName = persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${volume.name}`
  const { namespace } = pod.metadata
  const fail = (why: string) => new UnprocessedVolume(`error processing PVC ${namespace}/${claimName}: ${why}`)
  const claim = await usableClaim(namespace, claimName, objects, fail)
  if (ephemeral && !isOwnedBy(claim, pod)) {
    const { name } = pod.metadata
    throw new UnprocessedVolume(`PVC ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`)
  }
  const persistentVolume = await boundVolume(claim, objects, fail)
  const mode = persistentVolume.spec.volumeMode
  const { mounts, devices } = wantedVolumes(pod)
  if (mounts.has(volume.name) && mode !== 'Filesystem')
    throw new UnprocessedVolume(`volume ${volume.name} has volumeMode ${mode}, but is specified in volumeMounts`)
  if (devices.has(volume.name) && mode !== 'Block')
    throw new UnprocessedVolume(`volume ${volume.name} has volumeMode ${mode}, but is specified in volumeDevices`)
  return {
    name: persistentVolume.metadata.name,
    volume,
    persistentVolume,
    claim,
    readOnly: persistentVolumeClaim?.readOnly ?? false,
    isBlock: mode === 'Block',
  }
}

type Fail = (why: string) => UnprocessedVolume

async function usableClaim(namespace: string, name: string, objects: Objects, fail: Fail): Promise<PersistentVolumeClaim> {
  const claim = await objects.claim(namespace, name).catch((cause: unknown) => {
    throw fail(`failed to fetch PVC from API server: ${messageOf(cause)}`)
  })
  if (!claim) throw fail(`failed to fetch PVC from API server: persistentvolumeclaims "${name}" not found`)
  const { deletionTimestamp, finalizers = [] } = claim.metadata
  if (deletionTimestamp && !finalizers.includes(protection)) throw fail('PVC is being deleted')
  if (claim.status.phase !== 'Bound') throw fail('PVC is not bound')
  if (!claim.spec.volumeName) throw fail('PVC has empty pvc.Spec.VolumeName')
  return claim
}

async function boundVolume(claim: PersistentVolumeClaim, objects: Objects, fail: Fail): Promise<PersistentVolume> {
  const { volumeName: name = '' } = claim.spec
  const volume = await objects.volume(name).catch((cause: unknown) => {
    throw fail(`failed to fetch PV ${name} from API server: ${messageOf(cause)}`)
  })
  if (!volume) throw fail(`failed to fetch PV ${name} from API server: persistentvolumes "${name}" not found`)
  const { claimRef } = volume.spec
  if (!claimRef)
    throw fail(`found PV object ${name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`)
  if (claimRef.uid !== claim.metadata.uid)
    throw fail(
      `found PV object ${name} but its pv.Spec.ClaimRef.UID ${claimRef.uid ?? ''} does not point to claim.UID ${claim.metadata.uid}`,
    )
  return volume
}

function isOwnedBy({ metadata }: PersistentVolumeClaim, pod: Pod): boolean {
  return (metadata.ownerReferences ?? []).some(owner => owner.controller && owner.uid === pod.metadata.uid)
}

/** Why a volume cannot be reached from this node, if so (pkg/volume/util CheckNodeAffinity). */
export function affinityFault({ persistentVolume }: VolumeSpec, node: Node | undefined): string | undefined {
  const required = persistentVolume?.spec.nodeAffinity?.required
  if (!required || !node) return undefined
  const fits = matchesNodeSelector(required, { name: node.metadata.name, labels: node.metadata.labels ?? {} })
  return fits ? undefined : 'no matching NodeSelectorTerms'
}
