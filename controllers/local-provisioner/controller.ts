import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { ignore } from '../../api/errors.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { Controller, ReconcileContext, ReconcileResult } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { selectedNode } from '../persistent-volume/names.ts'
import { isAsked, refusal, suitableNodes, volumeFor, volumeNameFor } from './plan.ts'
import { reclaim } from './reclaim.ts'
import type { VolumeFolders } from './volume-folders.ts'

export type { VolumeFolders } from './volume-folders.ts'

const volumePrefix = 'volume '

/** How long until a claim that no node would do for is looked at again. */
const retryInMs = 15_000

/**
 * Makes a folder for each claim that asks for one, as a local volume that only the chosen node reaches, and removes the folder when the volume is
 * released and its policy is Delete. A provisioner as it would run outside a cluster: it only watches claims and volumes.
 */
export function localProvisioner(folders: VolumeFolders): Controller {
  return {
    name: 'local-provisioner',
    watches: [on(PersistentVolumeClaim), on(PersistentVolume, ({ object }) => [volumePrefix + object.metadata.name])],
    reads: [StorageClass, Node],
    writes: [PersistentVolume, PersistentVolumeClaim],
    concurrency: 16,
    reconcile(context, key) {
      if (key.startsWith(volumePrefix)) return reclaim(context, folders, key.slice(volumePrefix.length))
      return provision(context, folders, key)
    },
  }
}

async function provision(context: ReconcileContext, folders: VolumeFolders, key: string): Promise<ReconcileResult | void> {
  const { lister, events } = context
  const claim = lister(PersistentVolumeClaim).get(key)
  const storageClass = claim && lister(StorageClass).get(claim.spec.storageClassName ?? '')
  if (!claim || !storageClass || !isAsked(claim, storageClass) || lister(PersistentVolume).get(volumeNameFor(claim))) return
  const fail = (why: string) => {
    const message = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${why}`
    events.record(claim, 'Warning', 'ProvisioningFailed', message)
  }
  const refused = refusal(claim)
  if (refused !== undefined) return fail(refused)
  const node = await chooseNode(context, claim, storageClass)
  if (node === 'gone') {
    fail(`failed to get target node: nodes "${claim.metadata.annotations?.[selectedNode]}" not found`)
    return giveBack(context, claim)
  }
  if (!node) {
    fail('no node is ready for it')
    return { requeueAfterMs: retryInMs }
  }
  events.record(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`)
  try {
    await make(context, folders, claim, storageClass, node)
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
    throw error
  }
}

async function make(
  { client, events }: ReconcileContext,
  folders: VolumeFolders,
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: Node,
): Promise<void> {
  const name = volumeNameFor(claim)
  const path = await folders.create(name)
  const text = `${claim.metadata.namespace}/${claim.metadata.name} gets a folder on node ${node.metadata.name}`
  const note = { rule: 'local-provisioner/create', text, data: { path } }
  const volume = volumeFor(claim, storageClass, node, path)
  await client.create(PersistentVolume, volume, { note }).catch(ignore('AlreadyExists'))
  events.record(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
}

/** The node the scheduler chose, which may be gone by now, or, for a class that binds at once, any that will do. */
async function chooseNode(
  { lister, client, random }: ReconcileContext,
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
): Promise<Node | 'gone' | undefined> {
  const name = claim.metadata.annotations?.[selectedNode]
  if (name === undefined) {
    const nodes = suitableNodes(lister(Node).list(), storageClass)
    return nodes[random.below(Math.max(1, nodes.length))]
  }
  return lister(Node).get(name) ?? (await client.get(Node, { name }).catch(ignore('NotFound'))) ?? 'gone'
}

/** Lets the scheduler choose again. */
async function giveBack({ client }: ReconcileContext, claim: PersistentVolumeClaim): Promise<void> {
  const { [selectedNode]: gone, ...annotations } = claim.metadata.annotations ?? {}
  const note = { rule: 'local-provisioner/reschedule', text: `node ${gone} is gone: the scheduler may choose another` }
  await client.update(PersistentVolumeClaim, { ...claim, metadata: { ...claim.metadata, annotations } }, { note })
}
