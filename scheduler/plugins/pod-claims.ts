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

/** The claims a pod mounts, as far as they are there. */
export function claimsOf({ claims: names, namespace }: PodInfo, { claims }: StorageListers): PersistentVolumeClaim[] {
  return names.flatMap(name => claims.get(`${namespace}/${name}`) ?? [])
}

/** What to say when one of a pod's claims is not there. */
export function missingClaim(pod: PodInfo, name: string): string {
  return isNamedClaim(pod, name)
    ? `persistentvolumeclaim "${name}" not found`
    : `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
}

/** Whether one of a pod's claims is mentioned by name rather than made for it. */
export function isNamedClaim({ pod }: PodInfo, name: string): boolean {
  return pod.spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name) ?? false
}

/** On a claim: the node its volume is to be made for. */
export const selectedNode = 'volume.kubernetes.io/selected-node'
const bindCompleted = 'pv.kubernetes.io/bind-completed'

/** Bound from both sides: the controller has finished. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return !!spec.volumeName && metadata.annotations?.[bindCompleted] !== undefined
}

/** The name of the storage class of a claim or a volume; '' when it has none. The annotation of old wins. */
export function classNameOf({ metadata, spec }: PersistentVolumeClaim | PersistentVolume): string {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? ''
}

/** Whether its volume is chosen only when a pod that wants it is placed. */
export function waitsForConsumer(claim: PersistentVolumeClaim, { classes }: StorageListers): boolean {
  return classes.get(classNameOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** For hints: whether a changed claim is one of the pod's. */
export function isOwnClaim(pod: PodInfo, claim: PersistentVolumeClaim | undefined): boolean {
  return claim?.metadata.namespace === pod.namespace && pod.claims.includes(claim.metadata.name)
}
