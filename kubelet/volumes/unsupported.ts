import { SyncError } from '../sync/sync-error.ts'
import type { VolumePlugin, VolumeSpec } from './plugin.ts'

/** Kinds that this kubelet knows only by name; most have moved to CSI drivers upstream. */
const names: Readonly<Record<string, string>> = {
  awsElasticBlockStore: 'kubernetes.io/aws-ebs',
  azureDisk: 'kubernetes.io/azure-disk',
  azureFile: 'kubernetes.io/azure-file',
  cephfs: 'kubernetes.io/cephfs',
  cinder: 'kubernetes.io/cinder',
  csi: 'kubernetes.io/csi',
  fc: 'kubernetes.io/fc',
  flexVolume: 'kubernetes.io/flexvolume',
  flocker: 'kubernetes.io/flocker',
  gcePersistentDisk: 'kubernetes.io/gce-pd',
  gitRepo: 'kubernetes.io/git-repo',
  glusterfs: 'kubernetes.io/glusterfs',
  iscsi: 'kubernetes.io/iscsi',
  photonPersistentDisk: 'kubernetes.io/photon-pd',
  portworxVolume: 'kubernetes.io/portworx-volume',
  quobyte: 'kubernetes.io/quobyte',
  rbd: 'kubernetes.io/rbd',
  scaleIO: 'kubernetes.io/scaleio',
  storageos: 'kubernetes.io/storageos',
  vsphereVolume: 'kubernetes.io/vsphere-volume',
}

/** The last of all plugins: says by name what cannot be mounted here. */
export const unsupportedVolume: VolumePlugin = {
  name: 'kubernetes.io/unsupported',
  handles: spec => kindOf(spec) !== undefined,
  supportsBlock: true,
  supportsMountOptions: true,
  async setUp({ spec }) {
    throw new SyncError('FailedMount', `no volume plugin matched: ${kindOf(spec)} volumes are not supported by this kubelet`)
  },
}

function kindOf({ volume, persistentVolume }: VolumeSpec): string | undefined {
  const source = persistentVolume?.spec ?? volume
  return Object.entries(names).find(([key]) => source[key as keyof typeof source] !== undefined)?.[1]
}
