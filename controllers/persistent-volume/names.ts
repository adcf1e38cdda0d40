/** Annotations by which binder, scheduler and provisioner talk (k8s.io/component-helpers/storage/volume/pv_helpers.go). */
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'
export const selectedNode = 'volume.kubernetes.io/selected-node'
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner'
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner'
export const isDefaultClass = 'storageclass.kubernetes.io/is-default-class'

/** What keeps a claim or a volume from vanishing while it is in use. */
export const claimProtection = 'kubernetes.io/pvc-protection'
export const volumeProtection = 'kubernetes.io/pv-protection'

/** What keeps a volume from vanishing before its provisioner has removed what is behind it (sig-storage-lib-external-provisioner). */
export const provisionerProtection = 'external-provisioner.volume.kubernetes.io/finalizer'
