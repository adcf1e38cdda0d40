import type { Node } from '../../api/core/node.ts'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { InputOf } from '../../api/kind.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import {
  betaStorageProvisioner,
  provisionedBy,
  provisionerProtection,
  selectedNode,
  storageProvisioner,
} from '../persistent-volume/names.ts'

/** The name that StorageClasses call us by. */
export const localProvisionerName = 'wherry.dev/local'

/** Whether a claim waits for us: the binder has named us on it, and, where a class waits for a consumer, the scheduler a node. */
export function isAsked({ metadata, spec }: PersistentVolumeClaim, storageClass: StorageClass | undefined): boolean {
  const { annotations = {}, deletionTimestamp } = metadata
  const asked = annotations[storageProvisioner] ?? annotations[betaStorageProvisioner]
  if (spec.volumeName || deletionTimestamp || asked !== localProvisionerName) return false
  if (storageClass?.provisioner !== localProvisionerName) return false
  return storageClass.volumeBindingMode === 'Immediate' || annotations[selectedNode] !== undefined
}

/** What folders cannot do for a claim; `undefined`: nothing. */
export function refusal({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec.volumeMode === 'Block') return 'folders cannot be block volumes'
  if (spec.selector) return 'claim Selector is not supported'
  return undefined
}

/** The nodes on which a class that binds at once may make its volumes: ready, open to pods, and in its topologies. */
export function suitableNodes(nodes: readonly Node[], { allowedTopologies = [] }: StorageClass): Node[] {
  const isReady = ({ status }: Node) => status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  const isWithin = ({ metadata: { labels = {} } }: Node) =>
    allowedTopologies.length === 0 ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? '')),
    )
  return nodes.filter(node => isReady(node) && !node.spec.unschedulable && isWithin(node))
}

export const volumeNameFor = (claim: PersistentVolumeClaim) => `pvc-${claim.metadata.uid}`

/** The volume for a claim: a folder that only its node reaches. */
export function volumeFor(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: Node,
  path: string,
): InputOf<typeof PersistentVolume> {
  const hostname = node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name
  const { namespace, name, uid, resourceVersion } = claim.metadata
  return {
    metadata: {
      name: volumeNameFor(claim),
      annotations: { [provisionedBy]: localProvisionerName },
      finalizers: storageClass.reclaimPolicy === 'Delete' ? [provisionerProtection] : [],
    },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.storage ?? '0' },
      accessModes: claim.spec.accessModes,
      volumeMode: claim.spec.volumeMode,
      storageClassName: storageClass.metadata.name,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
      mountOptions: storageClass.mountOptions,
      local: { path },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] }] }],
        },
      },
    },
  }
}

/** What is to be done about a volume of ours: its folder goes when it is released and to be deleted; else the folder keeps its volume, or not. */
export function reclaimStep({ metadata, spec, status }: PersistentVolume): 'remove' | 'guard' | 'unguard' | 'none' {
  if (metadata.annotations?.[provisionedBy] !== localProvisionerName) return 'none'
  const isGuarded = metadata.finalizers?.includes(provisionerProtection) ?? false
  if (spec.persistentVolumeReclaimPolicy !== 'Delete') return isGuarded ? 'unguard' : 'none'
  const isDue = status.phase === 'Released' || status.phase === 'Failed'
  if (isDue && (!metadata.deletionTimestamp || isGuarded)) return 'remove'
  return isGuarded || metadata.deletionTimestamp ? 'none' : 'guard'
}
