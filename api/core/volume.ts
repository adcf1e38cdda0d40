import * as z from 'zod'
import { copy } from '../../lib/json.ts'
import { LabelSelector, TemplateMeta } from '../meta.ts'
import {
  atomicList,
  choice,
  flag,
  int32,
  int64,
  named,
  plain,
  quantity,
  quantityMap,
  requiredText,
  stringMap,
  text,
} from '../schema.ts'
import { ObjectFieldSelector, ResourceFieldSelector } from './container.ts'
import { LocalObjectReference, TypedLocalObjectReference, TypedObjectReference } from './references.ts'

/** A source that nothing here mounts any more: kept as it comes. */
export const legacySource = z
  .record(z.string(), z.unknown())
  .transform(source => copy(source))
  .optional()
  .meta({ description: 'A storage system of old; kept, not mounted.' })

const mode = () => int32().optional().describe('Permission bits; defaultMode where absent.')
const defaultMode = () => int32().default(0o644).describe('Permission bits of the files.')

const KeyToPath = named('core/v1.KeyToPath', 'A key and the file it becomes.', {
  key: requiredText('The key.'),
  path: requiredText('Relative path of the file.'),
  mode: mode(),
})
const items = () => atomicList(KeyToPath).optional().describe('The keys that become files; all where absent.')
const optional = () => z.boolean().optional().describe('Whether it may be missing.')

export const HostPathVolumeSource = named('core/v1.HostPathVolumeSource', "A file or folder of the node's own.", {
  path: requiredText('Path on the node.'),
  type: choice('', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice')
    .default('')
    .describe('What must be there; nothing is checked where empty.'),
})

const EmptyDirVolumeSource = named('core/v1.EmptyDirVolumeSource', 'An empty folder that lives as long as the pod.', {
  medium: text('Memory keeps it in RAM.'),
  sizeLimit: quantity().optional().describe('The most it may hold.'),
})

const SecretVolumeSource = named('core/v1.SecretVolumeSource', 'The keys of a Secret as files.', {
  secretName: text('Name of the Secret.'),
  items: items(),
  defaultMode: defaultMode(),
  optional: optional(),
})

const ConfigMapVolumeSource = named('core/v1.ConfigMapVolumeSource', 'The keys of a ConfigMap as files.', {
  name: requiredText('Name of the ConfigMap.'),
  items: items(),
  defaultMode: defaultMode(),
  optional: optional(),
})

const DownwardApiFile = named('core/v1.DownwardAPIVolumeFile', 'A file with something about the pod.', {
  path: requiredText('Relative path of the file.'),
  fieldRef: ObjectFieldSelector.optional().describe('A field of the pod.'),
  resourceFieldRef: ResourceFieldSelector.optional().describe("A container's request or limit."),
  mode: mode(),
})

const DownwardApiVolumeSource = named('core/v1.DownwardAPIVolumeSource', 'Facts about the pod as files.', {
  items: atomicList(DownwardApiFile).optional().describe('The files.'),
  defaultMode: defaultMode(),
})

const VolumeProjection = named('core/v1.VolumeProjection', 'One of the sources of a projected volume.', {
  secret: named('core/v1.SecretProjection', 'The keys of a Secret as files.', {
    name: requiredText('Name of the Secret.'),
    items: items(),
    optional: optional(),
  }).optional(),
  downwardAPI: named('core/v1.DownwardAPIProjection', 'Facts about the pod as files.', {
    items: atomicList(DownwardApiFile).optional().describe('The files.'),
  }).optional(),
  configMap: named('core/v1.ConfigMapProjection', 'The keys of a ConfigMap as files.', {
    name: requiredText('Name of the ConfigMap.'),
    items: items(),
    optional: optional(),
  }).optional(),
  serviceAccountToken: named('core/v1.ServiceAccountTokenProjection', "A token of the pod's service account.", {
    audience: text('Who the token is for; the API server by default.'),
    expirationSeconds: int64().default(3600).describe('How long it is good for; it is renewed in time.'),
    path: requiredText('Relative path of the file.'),
  }).optional(),
  clusterTrustBundle: named('core/v1.ClusterTrustBundleProjection', 'Trust anchors as a file.', {
    name: z.string().optional().describe('Name of one bundle.'),
    signerName: z.string().optional().describe('All bundles of a signer.'),
    labelSelector: LabelSelector.optional().describe('Which bundles of the signer.'),
    optional: optional(),
    path: requiredText('Relative path of the file.'),
  }).optional(),
  podCertificate: named('core/v1.PodCertificateProjection', 'A key and its certificate as files.', {
    signerName: text('Who signs.'),
    keyType: text('Kind of the key.'),
    maxExpirationSeconds: int32().optional(),
    credentialBundlePath: text(),
    keyPath: text(),
    certificateChainPath: text(),
  }).optional(),
})

const ProjectedVolumeSource = named('core/v1.ProjectedVolumeSource', 'Several sources in one folder.', {
  sources: atomicList(VolumeProjection).optional().describe('The sources.'),
  defaultMode: defaultMode(),
})

export const NfsVolumeSource = named('core/v1.NFSVolumeSource', 'A folder exported by an NFS server.', {
  server: requiredText('Host name or address of the server.'),
  path: requiredText('Exported path.'),
  readOnly: flag('Whether it may only be read.'),
})

export const FcVolumeSource = named('core/v1.FCVolumeSource', 'A Fibre Channel disk.', {
  targetWWNs: atomicList(z.string()).optional(),
  lun: int32().optional(),
  fsType: text(),
  readOnly: flag(),
  wwids: atomicList(z.string()).optional(),
})

const CsiVolumeSource = named('core/v1.CSIVolumeSource', 'A volume that a CSI driver makes for the pod.', {
  driver: requiredText('Name of the driver.'),
  readOnly: z.boolean().optional(),
  fsType: z.string().optional(),
  volumeAttributes: stringMap().optional(),
  nodePublishSecretRef: LocalObjectReference.optional(),
})

const ImageVolumeSource = named('core/v1.ImageVolumeSource', 'The files of an image.', {
  reference: text('The image.'),
  pullPolicy: plain(choice('Always', 'IfNotPresent', 'Never').optional()).describe('When to pull it.'),
})

const VolumeResourceRequirements = named('core/v1.VolumeResourceRequirements', 'How much room a claim asks for.', {
  limits: quantityMap().optional().describe('The most.'),
  requests: quantityMap().optional().describe('The least: `storage: 1Gi`.'),
})

/** How a claim says what it wants. */
export const PersistentVolumeClaimSpec = named('core/v1.PersistentVolumeClaimSpec', 'What a claim asks for.', {
  accessModes: atomicList(choice('ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'))
    .optional()
    .describe('How the volume must be mountable.'),
  selector: LabelSelector.optional().describe('Labels of the volumes that will do.'),
  resources: VolumeResourceRequirements.prefault({}).describe('How much room it asks for.'),
  volumeName: text('The volume it is bound to.'),
  storageClassName: z.string().optional().describe('The class to get a volume from; "" means: from no class.'),
  volumeMode: choice('Filesystem', 'Block').default('Filesystem').describe('File system or raw device.'),
  dataSource: TypedLocalObjectReference.optional().describe('What to fill the volume with.'),
  dataSourceRef: TypedObjectReference.optional().describe('What to fill the volume with.'),
  volumeAttributesClassName: z.string().optional().describe('The class of adjustable attributes.'),
})
export type PersistentVolumeClaimSpec = z.output<typeof PersistentVolumeClaimSpec>

const EphemeralVolumeSource = named('core/v1.EphemeralVolumeSource', 'A claim that lives and dies with the pod.', {
  volumeClaimTemplate: named('core/v1.PersistentVolumeClaimTemplate', 'The claim to make.', {
    metadata: TemplateMeta,
    spec: PersistentVolumeClaimSpec.prefault({}).describe('What the claim asks for.'),
  }).optional(),
})

/** An iSCSI disk; where its secret may be is for the kind to say. */
export const iscsiFields = {
  targetPortal: requiredText(),
  iqn: requiredText(),
  lun: int32().default(0),
  iscsiInterface: z.string().default('default'),
  fsType: text(),
  readOnly: flag(),
  portals: atomicList(z.string()).optional(),
  chapAuthDiscovery: flag(),
  chapAuthSession: flag(),
  initiatorName: z.string().optional(),
}

const IscsiVolumeSource = named('core/v1.ISCSIVolumeSource', 'An iSCSI disk.', {
  ...iscsiFields,
  secretRef: LocalObjectReference.optional(),
})

/** A volume of a pod: a name and one source. */
export const Volume = named('core/v1.Volume', 'A volume of a pod: a name and one source.', {
  name: requiredText('Name that containers mount it by.'),
  // First, because with several sources the later ones are blamed, in upstream's order.
  emptyDir: EmptyDirVolumeSource.optional().describe('An empty folder that lives as long as the pod.'),
  hostPath: HostPathVolumeSource.optional().describe("A file or folder of the node's own."),
  gcePersistentDisk: legacySource,
  awsElasticBlockStore: legacySource,
  gitRepo: legacySource,
  secret: SecretVolumeSource.optional().describe('The keys of a Secret as files.'),
  nfs: NfsVolumeSource.optional().describe('A folder exported by an NFS server.'),
  iscsi: IscsiVolumeSource.optional().describe('An iSCSI disk.'),
  glusterfs: legacySource,
  persistentVolumeClaim: named('core/v1.PersistentVolumeClaimVolumeSource', 'The volume bound to a claim.', {
    claimName: requiredText('Name of the claim.'),
    readOnly: flag('Whether it may only be read.'),
  })
    .optional()
    .describe('The volume bound to a claim.'),
  rbd: legacySource,
  flexVolume: legacySource,
  cinder: legacySource,
  cephfs: legacySource,
  flocker: legacySource,
  downwardAPI: DownwardApiVolumeSource.optional().describe('Facts about the pod as files.'),
  fc: FcVolumeSource.optional().describe('A Fibre Channel disk.'),
  azureFile: legacySource,
  configMap: ConfigMapVolumeSource.optional().describe('The keys of a ConfigMap as files.'),
  vsphereVolume: legacySource,
  quobyte: legacySource,
  azureDisk: legacySource,
  photonPersistentDisk: legacySource,
  projected: ProjectedVolumeSource.optional().describe('Several sources in one folder.'),
  portworxVolume: legacySource,
  scaleIO: legacySource,
  storageos: legacySource,
  csi: CsiVolumeSource.optional().describe('A volume that a CSI driver makes for the pod.'),
  ephemeral: EphemeralVolumeSource.optional().describe('A claim that lives and dies with the pod.'),
  image: ImageVolumeSource.optional().describe('The files of an image.'),
})
export type Volume = z.output<typeof Volume>
