import type { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import type { InputOf } from '../../../api/kind.ts'
import { value } from '../../../api/quantity.ts'
import type { StorageClass } from '../../../api/storage/storage-class.ts'
import type { MadeVolume } from '../messages.ts'
import type { ClassParameters } from './parameters.ts'
import { nodeAffinityOf } from './topology.ts'

const askedAnnotations = ['volume.kubernetes.io/storage-provisioner', 'volume.beta.kubernetes.io/storage-provisioner']
export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node'
const provisionedBy = 'pv.kubernetes.io/provisioned-by'
export const provisionerFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer'
const deletionSecret = {
  name: 'volume.kubernetes.io/provisioner-deletion-secret-name',
  namespace: 'volume.kubernetes.io/provisioner-deletion-secret-namespace',
}

/** The driver that a claim waits for; undefined: none, or not yet. */
export function askedDriver(
  { metadata, spec }: PersistentVolumeClaim,
  storageClass: StorageClass | undefined,
): string | undefined {
  const { annotations = {}, deletionTimestamp } = metadata
  const asked = askedAnnotations.map(key => annotations[key]).find(name => name !== undefined)
  if (spec.volumeName || deletionTimestamp || asked === undefined || storageClass?.provisioner !== asked) return undefined
  const isDue = storageClass.volumeBindingMode !== 'WaitForFirstConsumer' || annotations[selectedNodeAnnotation] !== undefined
  return isDue ? asked : undefined
}

/** What is not done for a claim, with the reason; undefined: nothing. */
export function refusal({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec.selector) return 'claim Selector is not supported'
  const source = spec.dataSourceRef ?? spec.dataSource
  if (!source) return undefined
  const { kind, name } = source
  if (kind === 'PersistentVolumeClaim') return `cloning of claim ${name} is not supported: volumes start empty`
  if (kind === 'VolumeSnapshot') return `restoring of snapshot ${name} is not supported: volumes start empty`
  return `data source ${kind} ${name} is not supported: volumes start empty`
}

export const volumeNameFor = ({ metadata }: Pick<PersistentVolumeClaim, 'metadata'>) => `pvc-${metadata.uid}`

/** The volume object for what the driver made. Throws where that is smaller than the claim. */
export function volumeObject({
  claim,
  storageClass,
  parameters,
  made,
  driver,
  identity,
}: {
  claim: PersistentVolumeClaim
  storageClass: StorageClass
  parameters: ClassParameters
  made: MadeVolume
  driver: string
  identity: string
}): InputOf<typeof PersistentVolume> {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const requested = claim.spec.resources?.requests?.storage ?? '0'
  const { secrets } = parameters
  const isDeleted = storageClass.reclaimPolicy === 'Delete'
  const affinity = nodeAffinityOf(made.accessibleTopology)
  return {
    metadata: {
      name: volumeNameFor(claim),
      annotations: {
        [provisionedBy]: driver,
        ...(secrets.provisioner && {
          [deletionSecret.name]: secrets.provisioner.name,
          [deletionSecret.namespace]: secrets.provisioner.namespace,
        }),
      },
      finalizers: isDeleted ? [provisionerFinalizer] : [],
    },
    spec: {
      capacity: { storage: made.capacityBytes ? binary(made.capacityBytes) : requested },
      accessModes: claim.spec.accessModes,
      volumeMode: claim.spec.volumeMode,
      storageClassName: storageClass.metadata.name,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
      ...(claim.spec.volumeAttributesClassName && { volumeAttributesClassName: claim.spec.volumeAttributesClassName }),
      mountOptions: storageClass.mountOptions,
      csi: {
        driver,
        volumeHandle: made.volumeId,
        ...(parameters.fsType && claim.spec.volumeMode !== 'Block' && { fsType: parameters.fsType }),
        volumeAttributes: { ...made.volumeContext, 'storage.kubernetes.io/csiProvisionerIdentity': identity },
        ...(secrets['controller-publish'] && { controllerPublishSecretRef: secrets['controller-publish'] }),
        ...(secrets['node-stage'] && { nodeStageSecretRef: secrets['node-stage'] }),
        ...(secrets['node-publish'] && { nodePublishSecretRef: secrets['node-publish'] }),
        ...(secrets['controller-expand'] && { controllerExpandSecretRef: secrets['controller-expand'] }),
        ...(secrets['node-expand'] && { nodeExpandSecretRef: secrets['node-expand'] }),
      },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      ...(affinity && { nodeAffinity: affinity }),
    },
  }
}

/** Bytes as a quantity, with the largest binary suffix that leaves it whole. */
export function binary(bytes: number): string {
  let amount = bytes
  let at = 0
  const suffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi']
  while (amount > 0 && amount % 1024 === 0 && at < suffixes.length - 1) {
    amount /= 1024
    at += 1
  }
  return `${amount}${suffixes[at]}`
}

/** Why what was made will not do, if so. */
export function shortfall(claim: PersistentVolumeClaim, { capacityBytes = 0 }: MadeVolume): string | undefined {
  const wanted = value(claim.spec.resources?.requests?.storage ?? '0')
  if (capacityBytes === 0 || capacityBytes >= wanted) return undefined
  return `created volume capacity ${capacityBytes} less than requested capacity ${wanted}`
}

/** What is to be done about a volume of a driver: it is removed when it is released and to be deleted. */
export function reclaimStep({ metadata, spec, status }: PersistentVolume): 'remove' | 'guard' | 'unguard' | 'none' {
  if (metadata.annotations?.[provisionedBy] !== spec.csi?.driver || !spec.csi) return 'none'
  const isGuarded = metadata.finalizers?.includes(provisionerFinalizer) ?? false
  if (spec.persistentVolumeReclaimPolicy !== 'Delete') return isGuarded ? 'unguard' : 'none'
  const isDue = status.phase === 'Released' || status.phase === 'Failed'
  if (isDue && (!metadata.deletionTimestamp || isGuarded)) return 'remove'
  return isGuarded || metadata.deletionTimestamp ? 'none' : 'guard'
}

/** The secret that deleting a volume takes. */
export function deletionSecretOf({ metadata: { annotations = {} } }: PersistentVolume) {
  return { name: annotations[deletionSecret.name], namespace: annotations[deletionSecret.namespace] }
}
