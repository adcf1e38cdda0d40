import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { ignore } from '../../api/errors.ts'
import type { InputOf } from '../../api/kind.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'
import { on } from '../../client/watches.ts'
import { provisionedBy, selectedNode, storageProvisioner } from '../persistent-volume/names.ts'

/** The name that StorageClasses call us by. */
export const localProvisionerName = 'wherry.dev/local'

/** Makes and removes the folders that hold the data. */
export interface VolumeFolders {
  /** Makes a folder that any user may write to, and answers its absolute path. Idempotent. */
  create(volume: string): Promise<string>
  /** Removes a folder and all that is in it. Idempotent. */
  remove(volume: string): Promise<void>
}

const volumePrefix = 'volume '

/**
 * Makes a folder for each claim that asks for one, as a local volume that only the chosen node reaches, and removes the folder when the volume is
 * released and its policy is Delete. A provisioner as it would run outside a cluster: it only watches claims and volumes.
 */
export function localProvisioner(folders: VolumeFolders): Controller {
  return {
    name: 'local-provisioner',
    watches: [on(PersistentVolumeClaim), on(PersistentVolume, ({ object }: Change) => [volumePrefix + object.metadata.name])],
    reads: [StorageClass, Node],
    writes: [PersistentVolume],
    async reconcile(context, key) {
      if (key.startsWith(volumePrefix)) await reclaim(context, folders, key.slice(volumePrefix.length))
      else await provision(context, folders, key)
    },
  }
}

async function provision(
  { lister, client, events, random }: ReconcileContext,
  folders: VolumeFolders,
  key: string,
): Promise<void> {
  const claim = lister(PersistentVolumeClaim).get(key)
  const annotations = claim?.metadata.annotations ?? {}
  if (
    !claim ||
    claim.spec.volumeName ||
    claim.metadata.deletionTimestamp ||
    annotations[storageProvisioner] !== localProvisionerName
  )
    return
  const storageClass = lister(StorageClass).get(claim.spec.storageClassName ?? '')
  if (!storageClass) return
  const name = `pvc-${claim.metadata.uid}`
  if (lister(PersistentVolume).get(name)) return
  const node = chosenNode(lister, annotations[selectedNode], storageClass, random)
  if (!node) {
    if (storageClass.volumeBindingMode === 'Immediate')
      events.record(claim, 'Warning', 'ProvisioningFailed', 'no node is there to make the volume on')
    return
  }
  events.record(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`)
  try {
    const path = await folders.create(name)
    const note = { rule: 'local-provisioner/create', text: `${key} gets a folder on node ${node.metadata.name}`, data: { path } }
    await client
      .create(PersistentVolume, volumeFor(claim, storageClass, node, name, path), { note })
      .catch(ignore('AlreadyExists'))
    events.record(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    events.record(
      claim,
      'Warning',
      'ProvisioningFailed',
      `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${message}`,
    )
    throw error
  }
}

/** The node the scheduler chose, or, for a class that binds at once, any node. */
function chosenNode(
  lister: ReconcileContext['lister'],
  selected: string | undefined,
  { volumeBindingMode }: StorageClass,
  random: ReconcileContext['random'],
): Node | undefined {
  if (selected) return lister(Node).get(selected)
  if (volumeBindingMode !== 'Immediate') return undefined
  const nodes = lister(Node).list()
  return nodes[random.below(Math.max(1, nodes.length))]
}

function volumeFor(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: Node,
  name: string,
  path: string,
): InputOf<typeof PersistentVolume> {
  const hostname = node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name
  return {
    metadata: { name, annotations: { [provisionedBy]: localProvisionerName } },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.storage ?? '0' },
      accessModes: claim.spec.accessModes,
      volumeMode: claim.spec.volumeMode,
      storageClassName: storageClass.metadata.name,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
      mountOptions: storageClass.mountOptions,
      local: { path },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: claim.metadata.namespace,
        name: claim.metadata.name,
        uid: claim.metadata.uid,
      },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] }] }],
        },
      },
    },
  }
}

async function reclaim({ lister, client, events }: ReconcileContext, folders: VolumeFolders, name: string): Promise<void> {
  const volume = lister(PersistentVolume).get(name)
  if (volume?.metadata.annotations?.[provisionedBy] !== localProvisionerName) return
  if (
    volume.status.phase !== 'Released' ||
    volume.spec.persistentVolumeReclaimPolicy !== 'Delete' ||
    volume.metadata.deletionTimestamp
  )
    return
  try {
    await folders.remove(name)
  } catch (error) {
    events.record(volume, 'Warning', 'VolumeFailedDelete', error instanceof Error ? error.message : String(error))
    throw error
  }
  const note = { rule: 'local-provisioner/delete', text: 'its claim is gone, and so is its folder' }
  await client
    .delete(PersistentVolume, { name }, { preconditions: { uid: volume.metadata.uid }, note })
    .catch(ignore('NotFound', 'Conflict'))
}
