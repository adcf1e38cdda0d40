import * as z from 'zod'
import { atomicList, choice, flag, named, quantityMap, requiredText, stringMap, text } from '../schema.ts'
import { NodeSelector } from './affinity.ts'
import { legacyPersistentVolumes } from './legacy-volumes.ts'
import { ObjectReference, SecretReference } from './references.ts'
import { FcVolumeSource, HostPathVolumeSource, iscsiFields, NfsVolumeSource } from './volume.ts'

const CsiPersistentVolumeSource = named(
  'core/v1.CSIPersistentVolumeSource',
  'A volume of a CSI driver.',
  () => ({
    driver: requiredText('Name of the driver.'),
    volumeHandle: requiredText('What the driver calls the volume.'),
    readOnly: flag('Whether it may only be read.'),
    fsType: text('File system.'),
    volumeAttributes: stringMap().optional().describe("The driver's own attributes."),
    controllerPublishSecretRef: SecretReference.optional(),
    nodeStageSecretRef: SecretReference.optional(),
    nodePublishSecretRef: SecretReference.optional(),
    controllerExpandSecretRef: SecretReference.optional(),
    nodeExpandSecretRef: SecretReference.optional(),
  }),
  {
    wire: `
      driver volumeHandle readOnly fsType volumeAttributes controllerPublishSecretRef nodeStageSecretRef
      nodePublishSecretRef controllerExpandSecretRef nodeExpandSecretRef`,
  },
)

const IscsiPersistentVolumeSource = named(
  'core/v1.ISCSIPersistentVolumeSource',
  'An iSCSI disk.',
  () => ({
    ...iscsiFields,
    secretRef: SecretReference.optional(),
  }),
  {
    wire: `
      targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery 10:secretRef chapAuthSession
      initiatorName`,
  },
)

/** Where a volume's data is. */
const volumeSources = {
  gcePersistentDisk: legacyPersistentVolumes.gcePersistentDisk,
  awsElasticBlockStore: legacyPersistentVolumes.awsElasticBlockStore,
  hostPath: HostPathVolumeSource.optional().describe('A folder of one node; for trying things out.'),
  glusterfs: legacyPersistentVolumes.glusterfs,
  nfs: NfsVolumeSource.optional().describe('A folder exported by an NFS server.'),
  rbd: legacyPersistentVolumes.rbd,
  iscsi: IscsiPersistentVolumeSource.optional().describe('An iSCSI disk.'),
  cinder: legacyPersistentVolumes.cinder,
  cephfs: legacyPersistentVolumes.cephfs,
  fc: FcVolumeSource.optional().describe('A Fibre Channel disk.'),
  flocker: legacyPersistentVolumes.flocker,
  flexVolume: legacyPersistentVolumes.flexVolume,
  azureFile: legacyPersistentVolumes.azureFile,
  vsphereVolume: legacyPersistentVolumes.vsphereVolume,
  quobyte: legacyPersistentVolumes.quobyte,
  azureDisk: legacyPersistentVolumes.azureDisk,
  photonPersistentDisk: legacyPersistentVolumes.photonPersistentDisk,
  portworxVolume: legacyPersistentVolumes.portworxVolume,
  scaleIO: legacyPersistentVolumes.scaleIO,
  local: named(
    'core/v1.LocalVolumeSource',
    'A folder or device of one node.',
    () => ({
      path: requiredText('Where it is on the node.'),
      fsType: z.string().optional().describe('File system, for a device.'),
    }),
    { wire: 'path fsType' },
  )
    .optional()
    .describe('A folder or device of one node; needs nodeAffinity.'),
  storageos: legacyPersistentVolumes.storageos,
  csi: CsiPersistentVolumeSource.optional().describe('A volume of a CSI driver.'),
}

/** What a volume is, and whom it belongs to. */
export const PersistentVolumeSpec = named(
  'core/v1.PersistentVolumeSpec',
  'What a volume is, and whom it belongs to.',
  () => ({
    capacity: quantityMap().optional().describe('How big it is: `storage: 10Gi`.'),
    ...volumeSources,
    accessModes: atomicList(choice('ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'))
      .optional()
      .describe('How it can be mounted.'),
    claimRef: ObjectReference.optional().meta({ 'x-kubernetes-map-type': 'granular' }).describe('The claim it is bound to.'),
    persistentVolumeReclaimPolicy: choice('Delete', 'Recycle', 'Retain')
      .default('Retain')
      .describe('What becomes of it when its claim is gone.'),
    storageClassName: text('The class it belongs to.'),
    mountOptions: atomicList(z.string()).optional().describe('Options to mount it with.'),
    volumeMode: choice('Block', 'Filesystem').default('Filesystem').describe('File system or raw device.'),
    nodeAffinity: named(
      'core/v1.VolumeNodeAffinity',
      'From which nodes it can be reached.',
      () => ({
        required: NodeSelector.optional().describe('What a node must have.'),
      }),
      { wire: 'required' },
    )
      .optional()
      .describe('From which nodes it can be reached.'),
    volumeAttributesClassName: z.string().optional().describe('The class of adjustable attributes.'),
  }),
  {
    wire: `
      capacity persistentVolumeSource(gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd iscsi
      cinder cephfs fc flocker flexVolume azureFile vsphereVolume quobyte azureDisk photonPersistentDisk
      portworxVolume scaleIO local storageos csi) accessModes claimRef persistentVolumeReclaimPolicy
      storageClassName mountOptions volumeMode nodeAffinity volumeAttributesClassName`,
  },
)
export type PersistentVolumeSpec = z.output<typeof PersistentVolumeSpec>
