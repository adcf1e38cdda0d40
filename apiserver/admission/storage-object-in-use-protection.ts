import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { AdmissionStep } from '../admission.ts'

const protect = (kind: AnyKind, finalizer: string): AdmissionStep => ({
  name: 'StorageObjectInUseProtection',
  kinds: [kind],
  operations: ['CREATE'],
  admit({ object: { metadata } }) {
    if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
  },
})

/** Volumes and claims stay as long as they are used: a controller takes the finalizer off when nobody does. */
export const claimProtection = protect(PersistentVolumeClaim, 'kubernetes.io/pvc-protection')
export const volumeProtection = protect(PersistentVolume, 'kubernetes.io/pv-protection')
