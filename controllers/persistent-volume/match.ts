import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { compareQuantities, parseQuantity } from '../../api/quantity.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import { classOf } from './classes.ts'

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

/** What keeps a volume from serving a claim that names it, in the binder's words (checkVolumeSatisfyClaim); `undefined`: nothing. */
export function misfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp) return `the volume is marked for deletion "${volume.metadata.name}"`
  if (isTooSmall(volume, claim)) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if ((volume.spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? ''))
    return 'volumeAttributesClassName does not match'
  if (volume.spec.volumeMode !== claim.spec.volumeMode) return 'incompatible volumeMode'
  return hasModes(volume, claim) ? undefined : 'incompatible accessMode'
}

const isTooSmall = (volume: PersistentVolume, claim: PersistentVolumeClaim) =>
  compareQuantities(capacityOf(volume), requestOf(claim)) < 0

const hasModes = ({ spec }: PersistentVolume, claim: PersistentVolumeClaim) =>
  (claim.spec.accessModes ?? []).every(mode => spec.accessModes?.includes(mode))

/** Whether anybody may take a volume. */
export function isFree({ metadata, spec, status }: PersistentVolume): boolean {
  return status.phase === 'Available' && !spec.claimRef && !metadata.deletionTimestamp
}

/** Whether a free volume would do for a claim that names none. */
export function wouldServe(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (misfit(volume, claim) !== undefined) return false
  const { selector } = claim.spec
  return !selector || matchesLabels(fromLabelSelector(selector), volume.metadata.labels ?? {})
}

/**
 * The volume that a claim gets without anything being made for it: one set aside for it that is big enough, else, of the free ones that fit,
 * that with the fewest access modes to spare, of those the smallest, then the first by name
 * (pkg/controller/volume/persistentvolume/index.go). A claim whose binding waits for a consumer only gets what was set aside.
 */
export function findVolume(
  claim: PersistentVolumeClaim,
  reserved: readonly PersistentVolume[],
  free: readonly PersistentVolume[],
  isDelayed: boolean,
): PersistentVolume | undefined {
  const own = reserved.find(
    volume =>
      isReservedFor(volume, claim) &&
      !volume.metadata.deletionTimestamp &&
      volume.spec.volumeMode === claim.spec.volumeMode &&
      hasModes(volume, claim) &&
      !isTooSmall(volume, claim),
  )
  if (own || isDelayed) return own
  let best: PersistentVolume | undefined
  for (const volume of free) {
    if (isFree(volume) && (!best || isBetter(volume, best)) && wouldServe(volume, claim)) best = volume
  }
  return best
}

function isBetter(a: PersistentVolume, b: PersistentVolume): boolean {
  const modes = (volume: PersistentVolume) => volume.spec.accessModes?.length ?? 0
  const difference = modes(a) - modes(b) || compareQuantities(capacityOf(a), capacityOf(b))
  return difference < 0 || (difference === 0 && a.metadata.name < b.metadata.name)
}
