import * as z from 'zod'
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
import { legacyVolumes } from './legacy-volumes.ts'
import { LocalObjectReference, TypedLocalObjectReference, TypedObjectReference } from './references.ts'

const mode = () => int32().optional().describe('Permission bits; defaultMode where absent.')
const defaultMode = () => int32().default(0o644).describe('Permission bits of the files.')

const KeyToPath = named(
  'core/v1.KeyToPath',
  'A key and the file it becomes.',
  () => ({
    key: requiredText('The key.'),
    path: requiredText('Relative path of the file.'),
    mode: mode(),
  }),
  { wire: 'key path mode' },
)
const items = () => atomicList(KeyToPath).optional().describe('The keys that become files; all where absent.')
const optional = () => z.boolean().optional().describe('Whether it may be missing.')

/** A path on the node. */
export const HostPathVolumeSource = named(
  'core/v1.HostPathVolumeSource',
  "A file or folder of the node's own.",
  () => ({
    path: requiredText('Path on the node.'),
    type: choice('', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice')
      .default('')
      .describe('What must be there; nothing is checked where empty.'),
  }),
  { wire: 'path type' },
)

const EmptyDirVolumeSource = named(
  'core/v1.EmptyDirVolumeSource',
  'An empty folder that lives as long as the pod.',
  () => ({
    medium: text('Memory keeps it in RAM.'),
    sizeLimit: quantity().optional().describe('The most it may hold.'),
  }),
  { wire: 'medium sizeLimit' },
)

const SecretVolumeSource = named(
  'core/v1.SecretVolumeSource',
  'The keys of a Secret as files.',
  () => ({
    secretName: text('Name of the Secret.'),
    items: items(),
    defaultMode: defaultMode(),
    optional: optional(),
  }),
  { wire: 'secretName items defaultMode optional' },
)

const ConfigMapVolumeSource = named(
  'core/v1.ConfigMapVolumeSource',
  'The keys of a ConfigMap as files.',
  () => ({
    name: requiredText('Name of the ConfigMap.'),
    items: items(),
    defaultMode: defaultMode(),
    optional: optional(),
  }),
  { wire: 'localObjectReference(name) items defaultMode optional' },
)

const DownwardApiFile = named(
  'core/v1.DownwardAPIVolumeFile',
  'A file with something about the pod.',
  () => ({
    path: requiredText('Relative path of the file.'),
    fieldRef: ObjectFieldSelector.optional().describe('A field of the pod.'),
    resourceFieldRef: ResourceFieldSelector.optional().describe("A container's request or limit."),
    mode: mode(),
  }),
  { wire: 'path fieldRef resourceFieldRef mode' },
)

const DownwardApiVolumeSource = named(
  'core/v1.DownwardAPIVolumeSource',
  'Facts about the pod as files.',
  () => ({
    items: atomicList(DownwardApiFile).optional().describe('The files.'),
    defaultMode: defaultMode(),
  }),
  { wire: 'items defaultMode' },
)

const VolumeProjection = named(
  'core/v1.VolumeProjection',
  'One of the sources of a projected volume.',
  () => ({
    secret: named(
      'core/v1.SecretProjection',
      'The keys of a Secret as files.',
      () => ({
        name: requiredText('Name of the Secret.'),
        items: items(),
        optional: optional(),
      }),
      { wire: 'localObjectReference(name) items 4:optional' },
    ).optional(),
    downwardAPI: named(
      'core/v1.DownwardAPIProjection',
      'Facts about the pod as files.',
      () => ({
        items: atomicList(DownwardApiFile).optional().describe('The files.'),
      }),
      { wire: 'items' },
    ).optional(),
    configMap: named(
      'core/v1.ConfigMapProjection',
      'The keys of a ConfigMap as files.',
      () => ({
        name: requiredText('Name of the ConfigMap.'),
        items: items(),
        optional: optional(),
      }),
      { wire: 'localObjectReference(name) items 4:optional' },
    ).optional(),
    serviceAccountToken: named(
      'core/v1.ServiceAccountTokenProjection',
      "A token of the pod's service account.",
      () => ({
        audience: text('Who the token is for; the API server by default.'),
        expirationSeconds: int64().default(3600).describe('How long it is good for; it is renewed in time.'),
        path: requiredText('Relative path of the file.'),
      }),
      { wire: 'audience expirationSeconds path' },
    ).optional(),
    clusterTrustBundle: named(
      'core/v1.ClusterTrustBundleProjection',
      'Trust anchors as a file.',
      () => ({
        name: z.string().optional().describe('Name of one bundle.'),
        signerName: z.string().optional().describe('All bundles of a signer.'),
        labelSelector: LabelSelector.optional().describe('Which bundles of the signer.'),
        optional: optional(),
        path: requiredText('Relative path of the file.'),
      }),
      { wire: 'name signerName labelSelector path optional' },
    ).optional(),
    podCertificate: named(
      'core/v1.PodCertificateProjection',
      'A key and its certificate as files.',
      () => ({
        signerName: text('Who signs.'),
        keyType: text('Kind of the key.'),
        maxExpirationSeconds: int32().optional(),
        credentialBundlePath: text(),
        keyPath: text(),
        certificateChainPath: text(),
      }),
      { wire: 'signerName keyType maxExpirationSeconds credentialBundlePath keyPath certificateChainPath' },
    ).optional(),
  }),
  { wire: 'secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate' },
)

const ProjectedVolumeSource = named(
  'core/v1.ProjectedVolumeSource',
  'Several sources in one folder.',
  () => ({
    sources: atomicList(VolumeProjection).optional().describe('The sources.'),
    defaultMode: defaultMode(),
  }),
  { wire: 'sources defaultMode' },
)

/** A directory on an NFS server. */
export const NfsVolumeSource = named(
  'core/v1.NFSVolumeSource',
  'A folder exported by an NFS server.',
  () => ({
    server: requiredText('Host name or address of the server.'),
    path: requiredText('Exported path.'),
    readOnly: flag('Whether it may only be read.'),
  }),
  { wire: 'server path readOnly' },
)

/** A disk on a Fibre Channel. */
export const FcVolumeSource = named(
  'core/v1.FCVolumeSource',
  'A Fibre Channel disk.',
  () => ({
    targetWWNs: atomicList(z.string()).optional(),
    lun: int32().optional(),
    fsType: text(),
    readOnly: flag(),
    wwids: atomicList(z.string()).optional(),
  }),
  { wire: 'targetWWNs lun fsType readOnly wwids' },
)

const CsiVolumeSource = named(
  'core/v1.CSIVolumeSource',
  'A volume that a CSI driver makes for the pod.',
  () => ({
    driver: requiredText('Name of the driver.'),
    readOnly: z.boolean().optional(),
    fsType: z.string().optional(),
    volumeAttributes: stringMap().optional(),
    nodePublishSecretRef: LocalObjectReference.optional(),
  }),
  { wire: 'driver readOnly fsType volumeAttributes nodePublishSecretRef' },
)

const ImageVolumeSource = named(
  'core/v1.ImageVolumeSource',
  'The files of an image.',
  () => ({
    reference: text('The image.'),
    pullPolicy: plain(choice('Always', 'IfNotPresent', 'Never').optional()).describe('When to pull it.'),
  }),
  { wire: 'reference pullPolicy' },
)

const VolumeResourceRequirements = named(
  'core/v1.VolumeResourceRequirements',
  'How much room a claim asks for.',
  () => ({
    limits: quantityMap().optional().describe('The most.'),
    requests: quantityMap().optional().describe('The least: `storage: 1Gi`.'),
  }),
  { wire: 'limits requests' },
)

/** How a claim says what it wants. */
export const PersistentVolumeClaimSpec = named(
  'core/v1.PersistentVolumeClaimSpec',
  'What a claim asks for.',
  () => ({
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
  }),
  {
    wire: `
      accessModes resources volumeName selector storageClassName volumeMode dataSource dataSourceRef
      volumeAttributesClassName`,
  },
)
export type PersistentVolumeClaimSpec = z.output<typeof PersistentVolumeClaimSpec>

const EphemeralVolumeSource = named(
  'core/v1.EphemeralVolumeSource',
  'A claim that lives and dies with the pod.',
  () => ({
    volumeClaimTemplate: named(
      'core/v1.PersistentVolumeClaimTemplate',
      'The claim to make.',
      () => ({
        metadata: TemplateMeta,
        spec: PersistentVolumeClaimSpec.prefault({}).describe('What the claim asks for.'),
      }),
      { wire: 'metadata spec' },
    ).optional(),
  }),
  { wire: 'volumeClaimTemplate' },
)

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

const IscsiVolumeSource = named(
  'core/v1.ISCSIVolumeSource',
  'An iSCSI disk.',
  () => ({
    ...iscsiFields,
    secretRef: LocalObjectReference.optional(),
  }),
  {
    wire: `
      targetPortal iqn lun iscsiInterface fsType readOnly portals chapAuthDiscovery 10:secretRef chapAuthSession
      initiatorName`,
  },
)

/** A volume of a pod: a name and one source. */
export const Volume = named(
  'core/v1.Volume',
  'A volume of a pod: a name and one source.',
  () => ({
    name: requiredText('Name that containers mount it by.'),
    // First, because with several sources the later ones are blamed, in upstream's order.
    emptyDir: EmptyDirVolumeSource.optional().describe('An empty folder that lives as long as the pod.'),
    hostPath: HostPathVolumeSource.optional().describe("A file or folder of the node's own."),
    gcePersistentDisk: legacyVolumes.gcePersistentDisk,
    awsElasticBlockStore: legacyVolumes.awsElasticBlockStore,
    gitRepo: legacyVolumes.gitRepo,
    secret: SecretVolumeSource.optional().describe('The keys of a Secret as files.'),
    nfs: NfsVolumeSource.optional().describe('A folder exported by an NFS server.'),
    iscsi: IscsiVolumeSource.optional().describe('An iSCSI disk.'),
    glusterfs: legacyVolumes.glusterfs,
    persistentVolumeClaim: named(
      'core/v1.PersistentVolumeClaimVolumeSource',
      'The volume bound to a claim.',
      () => ({
        claimName: requiredText('Name of the claim.'),
        readOnly: flag('Whether it may only be read.'),
      }),
      { wire: 'claimName readOnly' },
    )
      .optional()
      .describe('The volume bound to a claim.'),
    rbd: legacyVolumes.rbd,
    flexVolume: legacyVolumes.flexVolume,
    cinder: legacyVolumes.cinder,
    cephfs: legacyVolumes.cephfs,
    flocker: legacyVolumes.flocker,
    downwardAPI: DownwardApiVolumeSource.optional().describe('Facts about the pod as files.'),
    fc: FcVolumeSource.optional().describe('A Fibre Channel disk.'),
    azureFile: legacyVolumes.azureFile,
    configMap: ConfigMapVolumeSource.optional().describe('The keys of a ConfigMap as files.'),
    vsphereVolume: legacyVolumes.vsphereVolume,
    quobyte: legacyVolumes.quobyte,
    azureDisk: legacyVolumes.azureDisk,
    photonPersistentDisk: legacyVolumes.photonPersistentDisk,
    projected: ProjectedVolumeSource.optional().describe('Several sources in one folder.'),
    portworxVolume: legacyVolumes.portworxVolume,
    scaleIO: legacyVolumes.scaleIO,
    storageos: legacyVolumes.storageos,
    csi: CsiVolumeSource.optional().describe('A volume that a CSI driver makes for the pod.'),
    ephemeral: EphemeralVolumeSource.optional().describe('A claim that lives and dies with the pod.'),
    image: ImageVolumeSource.optional().describe('The files of an image.'),
  }),
  {
    wire: `
      name volumeSource(hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi
      glusterfs persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap
      vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO projected storageos csi
      ephemeral image)`,
  },
)
export type Volume = z.output<typeof Volume>
