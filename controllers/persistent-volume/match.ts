import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { compareQuantities, parseQuantity } from '../../api/quantity.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'

const zero = '0'
const capacityOf = (volume: PersistentVolume) => parseQuantity(volume.spec.capacity?.storage ?? zero)
const requestOf = (claim: PersistentVolumeClaim) => parseQuantity(claim.spec.resources?.requests?.storage ?? zero)

/** Whether a volume was set aside for a claim: its claimRef names it, with the claim's UID or none yet. */
export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const reference = volume.spec.claimRef
  if (!reference) return false
  const { namespace, name, uid } = claim.metadata
  return reference.namespace === namespace && reference.name === name && (!reference.uid || reference.uid === uid)
}

/** What keeps a volume from serving a claim that names it, in the binder's words; `undefined`: nothing. */
export function misfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(capacityOf(volume), requestOf(claim)) < 0) return 'requested PV is too small'
  if ((volume.spec.storageClassName ?? '') !== (claim.spec.storageClassName ?? '')) return 'storageClassName does not match'
  if (volume.spec.volumeMode !== claim.spec.volumeMode) return 'incompatible volumeMode'
  const modes = claim.spec.accessModes ?? []
  return modes.every(mode => volume.spec.accessModes?.includes(mode)) ? undefined : 'incompatible accessMode'
}

/**
 * The volume that a claim gets without anything being made for it: the one set aside for it, else the smallest that is free and fits; of equal ones
 * that with the fewest access modes to spare, then the first by name (pkg/controller/volume/persistentvolume/index.go). A claim whose binding waits for a
 * consumer only gets what was set aside.
 */
export function findVolume(
  volumes: readonly PersistentVolume[],
  claim: PersistentVolumeClaim,
  isDelayed: boolean,
): PersistentVolume | undefined {
  const selector = claim.spec.selector ? fromLabelSelector(claim.spec.selector) : undefined
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp || volume.spec.volumeMode !== claim.spec.volumeMode) continue
    if (isReservedFor(volume, claim) && compareQuantities(capacityOf(volume), requestOf(claim)) >= 0) return volume
    if (isDelayed || volume.spec.claimRef || volume.status.phase !== 'Available') continue
    if (selector && !matchesLabels(selector, volume.metadata.labels ?? {})) continue
    if (misfit(volume, claim) === undefined && (!best || isBetter(volume, best))) best = volume
  }
  return best
}

function isBetter(a: PersistentVolume, b: PersistentVolume): boolean {
  const modes = (volume: PersistentVolume) => volume.spec.accessModes?.length ?? 0
  const difference = modes(a) - modes(b) || compareQuantities(capacityOf(a), capacityOf(b))
  return difference < 0 || (difference === 0 && a.metadata.name < b.metadata.name)
}
