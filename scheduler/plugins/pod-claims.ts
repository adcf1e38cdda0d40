import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { Informers, Lister } from '../../client/informer.ts'
import type { PodInfo } from '../pod-info.ts'

/** The storage objects as the informers know them. */
export interface StorageListers {
  readonly claims: Lister<PersistentVolumeClaim>
  readonly volumes: Lister<PersistentVolume>
  readonly classes: Lister<StorageClass>
}

export function storageListers(informers: Informers): StorageListers {
  return {
    claims: informers.of(PersistentVolumeClaim).lister,
    volumes: informers.of(PersistentVolume).lister,
    classes: informers.of(StorageClass).lister,
  }
}

/** The claims a pod mounts, or in a sentence which of them is not there. */
export function claimsOf(pod: PodInfo, { claims }: StorageListers): PersistentVolumeClaim[] | string {
  const found: PersistentVolumeClaim[] = []
  for (const name of pod.claims) {
    const claim = claims.get(`${pod.namespace}/${name}`)
    if (!claim) return missingClaim(pod, name)
    found.push(claim)
  }
  return found
}

function missingClaim({ pod }: PodInfo, name: string): string {
  const isEphemeral = pod.spec.volumes?.some(volume => volume.ephemeral && `${pod.metadata.name}-${volume.name}` === name)
  return isEphemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    : `persistentvolumeclaim "${name}" not found`
}

/** On a claim: the node its volume is to be made for. */
export const selectedNode = 'volume.kubernetes.io/selected-node'
const bindCompleted = 'pv.kubernetes.io/bind-completed'

/** Bound from both sides: the controller has finished. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return !!spec.volumeName && metadata.annotations?.[bindCompleted] !== undefined
}

/** Whether its volume is chosen only when a pod that wants it is placed. */
export function waitsForConsumer({ spec }: PersistentVolumeClaim, { classes }: StorageListers): boolean {
  return classes.get(spec.storageClassName ?? '')?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** For hints: whether a changed claim is one of the pod's. */
export function isOwnClaim(pod: PodInfo, claim: { metadata: { name: string; namespace?: string } } | undefined): boolean {
  return claim?.metadata.namespace === pod.namespace && pod.claims.includes(claim.metadata.name)
}
