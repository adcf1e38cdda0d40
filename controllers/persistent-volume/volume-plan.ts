import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { provisionedBy } from './names.ts'

/** The next step of a volume. */
export type VolumeStep =
  | { readonly step: 'phase'; readonly phase: 'Available' | 'Bound'; readonly text: string }
  /** Its claim is gone or has another volume: nobody may have it until its policy was carried out. */
  | { readonly step: 'release' }
  /** It goes back to the free ones, or to those set aside. */
  | { readonly step: 'unbind' }
  /** The binder is on its way. */
  | { readonly step: 'wait' }

/** Decides what is next for a volume (pv_controller.go syncVolume). `claim` is what goes by the name in its claimRef. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeStep {
  const { claimRef, persistentVolumeReclaimPolicy } = volume.spec
  if (!claimRef?.uid) return { step: 'phase', phase: 'Available', text: 'no claim has it' }
  if (claim?.metadata.uid !== claimRef.uid) return { step: 'release' }
  const { volumeName } = claim.spec
  if (!volumeName) return { step: 'wait' }
  if (volumeName === volume.metadata.name)
    return { step: 'phase', phase: 'Bound', text: `claim ${claimRef.namespace}/${claimRef.name} has it` }
  const wasMadeForIt = volume.metadata.annotations?.[provisionedBy] !== undefined
  return { step: wasMadeForIt && persistentVolumeReclaimPolicy === 'Delete' ? 'release' : 'unbind' }
}

/** Why a released volume cannot be reclaimed here; `undefined`: it stays, or whoever made it deletes it. */
export function reclaimFault({ metadata, spec }: PersistentVolume): { reason: string; message: string } | undefined {
  const policy = spec.persistentVolumeReclaimPolicy
  if (policy === 'Recycle') return { reason: 'VolumeFailedRecycle', message: 'No recycler plugin found for the volume!' }
  if (policy !== 'Delete' || metadata.annotations?.[provisionedBy] !== undefined) return undefined
  const message = `error getting deleter volume plugin for volume "${metadata.name}": no deletable volume plugin matched`
  return { reason: 'VolumeFailedDelete', message }
}
