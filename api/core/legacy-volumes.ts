import * as z from 'zod'
import { atomicList, choice, flag, named, requiredText, stringMap, text, whole } from '../schema.ts'
import { LocalObjectReference, ObjectReference, SecretReference } from './references.ts'

/** Storage systems of old, which clients may still write and nothing here mounts. Types and defaults are upstream's. */

const note = 'A storage system of old; kept, not mounted.'

/** An optional type; `wire` names its fields in the order of their numbers. */
function source<Shape extends z.ZodRawShape>(name: string, shape: Shape, wire: string) {
  const schema = named(`core/v1.${name}`, note, () => shape, { wire }).optional()
  z.globalRegistry.add(schema, { description: note })
  return schema
}

// One of each will do: they are many, and every start of the program makes them.
const required = requiredText()
const optional = text()
const readOnly = flag()
const monitors = atomicList(z.string()).optional()
const options = stringMap().optional()

/** What pods and persistent volumes say in the same words. */
const common = {
  gcePersistentDisk: source(
    'GCEPersistentDiskVolumeSource',
    { pdName: required, fsType: optional, partition: whole(), readOnly },
    'pdName fsType partition readOnly',
  ),
  awsElasticBlockStore: source(
    'AWSElasticBlockStoreVolumeSource',
    { volumeID: required, fsType: optional, partition: whole(), readOnly },
    'volumeID fsType partition readOnly',
  ),
  flocker: source('FlockerVolumeSource', { datasetName: optional, datasetUUID: optional }, 'datasetName datasetUUID'),
  vsphereVolume: source(
    'VsphereVirtualDiskVolumeSource',
    { volumePath: required, fsType: optional, storagePolicyName: optional, storagePolicyID: optional },
    'volumePath fsType storagePolicyName storagePolicyID',
  ),
  quobyte: source(
    'QuobyteVolumeSource',
    { registry: required, volume: required, readOnly, user: optional, group: optional, tenant: optional },
    'registry volume readOnly user group tenant',
  ),
  azureDisk: source(
    'AzureDiskVolumeSource',
    {
      diskName: required,
      diskURI: required,
      cachingMode: choice('None', 'ReadOnly', 'ReadWrite').default('ReadWrite'),
      fsType: z.string().default('ext4'),
      readOnly: z.boolean().default(false),
      kind: choice('Shared', 'Dedicated', 'Managed').default('Shared'),
    },
    'diskName diskURI cachingMode fsType readOnly kind',
  ),
  photonPersistentDisk: source('PhotonPersistentDiskVolumeSource', { pdID: required, fsType: optional }, 'pdID fsType'),
  portworxVolume: source('PortworxVolumeSource', { volumeID: required, fsType: optional, readOnly }, 'volumeID fsType readOnly'),
}

const rbd = {
  monitors,
  image: required,
  fsType: optional,
  pool: z.string().default('rbd'),
  user: z.string().default('admin'),
  keyring: z.string().default('/etc/ceph/keyring'),
  readOnly,
}
const flexVolume = { driver: required, fsType: optional, readOnly, options }
const cinder = { volumeID: required, fsType: optional, readOnly }
const cephfs = { monitors, path: optional, user: optional, secretFile: optional, readOnly }
const scaleIO = {
  gateway: required,
  system: required,
  sslEnabled: readOnly,
  protectionDomain: optional,
  storagePool: optional,
  storageMode: z.string().default('ThinProvisioned'),
  volumeName: optional,
  fsType: z.string().default('xfs'),
  readOnly,
}
const glusterfs = { endpoints: required, path: required, readOnly }
const azureFile = { secretName: required, shareName: required, readOnly }
const storageos = { volumeName: optional, volumeNamespace: optional, fsType: optional, readOnly }

const wires = {
  rbd: 'monitors image fsType pool user keyring secretRef readOnly',
  flexVolume: 'driver fsType secretRef readOnly options',
  cinder: 'volumeID fsType readOnly secretRef',
  cephfs: 'monitors path user secretFile secretRef readOnly',
  scaleIO: 'gateway system secretRef sslEnabled protectionDomain storagePool storageMode volumeName fsType readOnly',
  storageos: 'volumeName volumeNamespace fsType readOnly secretRef',
}

const beside = { secretRef: LocalObjectReference.optional() }

/** In a pod, whose secrets are beside it. */
export const legacyVolumes = {
  ...common,
  rbd: source('RBDVolumeSource', { ...rbd, ...beside }, wires.rbd),
  flexVolume: source('FlexVolumeSource', { ...flexVolume, ...beside }, wires.flexVolume),
  cinder: source('CinderVolumeSource', { ...cinder, ...beside }, wires.cinder),
  cephfs: source('CephFSVolumeSource', { ...cephfs, ...beside }, wires.cephfs),
  scaleIO: source('ScaleIOVolumeSource', { ...scaleIO, ...beside }, wires.scaleIO),
  gitRepo: source(
    'GitRepoVolumeSource',
    { repository: required, revision: optional, directory: optional },
    'repository revision directory',
  ),
  glusterfs: source('GlusterfsVolumeSource', glusterfs, 'endpoints path readOnly'),
  azureFile: source('AzureFileVolumeSource', azureFile, 'secretName shareName readOnly'),
  storageos: source('StorageOSVolumeSource', { ...storageos, ...beside }, wires.storageos),
}

const anywhere = { secretRef: SecretReference.optional() }

/** As persistent volumes, whose secrets may be in any namespace. */
export const legacyPersistentVolumes = {
  ...common,
  rbd: source('RBDPersistentVolumeSource', { ...rbd, ...anywhere }, wires.rbd),
  flexVolume: source('FlexPersistentVolumeSource', { ...flexVolume, ...anywhere }, wires.flexVolume),
  cinder: source('CinderPersistentVolumeSource', { ...cinder, ...anywhere }, wires.cinder),
  cephfs: source('CephFSPersistentVolumeSource', { ...cephfs, ...anywhere }, wires.cephfs),
  scaleIO: source('ScaleIOPersistentVolumeSource', { ...scaleIO, ...anywhere }, wires.scaleIO),
  glusterfs: source(
    'GlusterfsPersistentVolumeSource',
    { ...glusterfs, endpointsNamespace: z.string().optional() },
    'endpoints path readOnly endpointsNamespace',
  ),
  azureFile: source(
    'AzureFilePersistentVolumeSource',
    { ...azureFile, secretNamespace: z.string().optional() },
    'secretName shareName readOnly secretNamespace',
  ),
  storageos: source('StorageOSPersistentVolumeSource', { ...storageos, secretRef: ObjectReference.optional() }, wires.storageos),
}
