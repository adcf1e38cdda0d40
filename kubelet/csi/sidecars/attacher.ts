import { Node } from '../../../api/core/node.ts'
import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { ignore } from '../../../api/errors.ts'
import { CSIDriver } from '../../../api/storage/csi-driver.ts'
import { CSINode } from '../../../api/storage/csi-node.ts'
import { VolumeAttachment } from '../../../api/storage/volume-attachment.ts'
import type { Controller, ReconcileContext } from '../../../client/controller.ts'
import { on } from '../../../client/watches.ts'
import { timestamp } from '../../../lib/clock.ts'
import { GrpcError, grpcCodes } from '../../../lib/grpc/errors.ts'
import { messageOf } from '../../sync/sync-error.ts'
import type { CsiDriver } from '../driver.ts'
import { wholeCapability } from './access-mode.ts'
import type { ControllerDrivers } from './drivers.ts'
import { setFinalizer } from './finalizers.ts'
import { secretTexts } from './secrets.ts'

const nodeIdAnnotation = 'csi.alpha.kubernetes.io/node-id'
const volumePrefix = 'volume '
const longestMessage = 1024

/** Keeps an attachment, and its volume, until the driver has detached it (external-attacher pkg/controller/util.go). */
export const attacherFinalizer = (driver: string) => `external-attacher/${driver.replaceAll(/[^a-zA-Z0-9-]/g, '-')}`

/** Has drivers attach and detach what VolumeAttachments want, as upstream's external-attacher does. */
export function csiAttacher(drivers: ControllerDrivers): Controller {
  return {
    name: 'csi-attacher',
    watches: [
      on(VolumeAttachment, ({ object, type }) => {
        const { source } = (object as VolumeAttachment).spec
        const ofVolume = type === 'deleted' && source.persistentVolumeName ? [volumePrefix + source.persistentVolumeName] : []
        return [object.metadata.name, ...ofVolume]
      }),
      on(PersistentVolume, ({ object }) => (object.metadata.deletionTimestamp ? [volumePrefix + object.metadata.name] : [])),
    ],
    reads: [CSINode, CSIDriver, Node],
    writes: [VolumeAttachment, PersistentVolume],
    concurrency: 10,
    // Drivers come and go without a word from the API.
    periodic: {
      everyMs: 5000,
      keys: lister =>
        lister(VolumeAttachment)
          .list()
          .filter(({ metadata, status }) => metadata.deletionTimestamp || !status.attached)
          .map(({ metadata }) => metadata.name),
    },
    async reconcile(context, key) {
      if (key.startsWith(volumePrefix)) return releaseVolume(context, key.slice(volumePrefix.length))
      const attachment = context.lister(VolumeAttachment).get(key)
      const driver = attachment && drivers.find(attachment.spec.attacher, context.lister)
      if (!attachment || !driver) return
      const isLeaving = attachment.metadata.deletionTimestamp !== undefined
      try {
        if (isLeaving) await detach(context, attachment, driver)
        else await attach(context, attachment, driver)
      } catch (error) {
        await tellError(context, attachment, isLeaving ? 'detachError' : 'attachError', error)
        throw error
      }
    },
  }
}

/** The volume as its source has it. */
async function volumeOf({ client }: ReconcileContext, { spec: { source } }: VolumeAttachment) {
  if (source.inlineVolumeSpec) return { spec: source.inlineVolumeSpec, object: undefined }
  const object = await client.get(PersistentVolume, { name: source.persistentVolumeName ?? '' })
  return { spec: object.spec, object }
}

async function attach(context: ReconcileContext, attachment: VolumeAttachment, driver: CsiDriver): Promise<void> {
  if (attachment.status.attached) return
  if (!(await driver.controllerCan('PUBLISH_UNPUBLISH_VOLUME'))) return tellAttached(context, attachment, undefined)
  const { spec, object } = await volumeOf(context, attachment)
  const source = spec.csi
  if (source?.driver !== driver.name) throw new Error(`volume is not of driver ${driver.name}`)
  if (object?.metadata.deletionTimestamp) throw new Error(`PersistentVolume "${object.metadata.name}" is marked for deletion`)
  const nodeId = nodeIdOf(context, attachment)
  const finalizer = attacherFinalizer(driver.name)
  if (object && !object.metadata.finalizers?.includes(finalizer))
    await setGuard(context, PersistentVolume, object, finalizer, true)
  let current = attachment
  if (!attachment.metadata.finalizers?.includes(finalizer) || attachment.metadata.annotations?.[nodeIdAnnotation] !== nodeId) {
    const finalizers = [...new Set([...(attachment.metadata.finalizers ?? []), finalizer])]
    const metadata = {
      resourceVersion: attachment.metadata.resourceVersion,
      finalizers,
      annotations: { [nodeIdAnnotation]: nodeId },
    }
    const note = { rule: 'csi-attacher/guard', text: `it must not vanish before ${driver.name} has detached the volume` }
    current = await context.client.patch(VolumeAttachment, attachment.metadata, 'merge', { metadata }, { note })
  }
  const { publishContext = {} } = await driver.call('Controller/ControllerPublishVolume', {
    volumeId: source.volumeHandle,
    nodeId,
    volumeCapability: wholeCapability({ ...spec, fsType: source.fsType }, await driver.controllerCan('SINGLE_NODE_MULTI_WRITER')),
    readonly: (source.readOnly ?? false) && (await driver.controllerCan('PUBLISH_READONLY')),
    secrets: await secretTexts(context, source.controllerPublishSecretRef),
    volumeContext: source.volumeAttributes ?? {},
  })
  await tellAttached(context, current, publishContext)
}

async function detach(context: ReconcileContext, attachment: VolumeAttachment, driver: CsiDriver): Promise<void> {
  const finalizer = attacherFinalizer(driver.name)
  if (!attachment.metadata.finalizers?.includes(finalizer)) return
  const { spec } = await volumeOf(context, attachment)
  const source = spec.csi
  await driver.call('Controller/ControllerUnpublishVolume', {
    volumeId: source?.volumeHandle ?? '',
    nodeId: attachment.metadata.annotations?.[nodeIdAnnotation] ?? nodeIdOf(context, attachment),
    secrets: await secretTexts(context, source?.controllerPublishSecretRef),
  })
  const status = { attached: false, attachmentMetadata: null, detachError: null }
  const note = { rule: 'csi-attacher/detached', text: `${driver.name} has detached it from ${attachment.spec.nodeName}` }
  const bare = await context.client.patch(
    VolumeAttachment,
    attachment.metadata,
    'merge',
    { status },
    { subresource: 'status', note },
  )
  await setGuard(context, VolumeAttachment, bare, finalizer, false)
}

/** What the driver calls the node. */
function nodeIdOf({ lister }: ReconcileContext, { spec: { attacher, nodeName } }: VolumeAttachment): string {
  const node = lister(CSINode).get(nodeName)
  const entry = node?.spec.drivers.find(({ name }) => name === attacher)
  if (!node) throw new Error(`csinode.storage.k8s.io "${nodeName}" not found`)
  if (!entry) throw new Error(`CSINode ${nodeName} does not contain driver ${attacher}`)
  return entry.nodeID
}

async function tellAttached(
  { client }: ReconcileContext,
  attachment: VolumeAttachment,
  told: Readonly<Record<string, string>> | undefined,
) {
  const status = { attached: true, ...(told && Object.keys(told).length > 0 && { attachmentMetadata: told }), attachError: null }
  const { attacher, nodeName } = attachment.spec
  const note = { rule: 'csi-attacher/attached', text: `${attacher} has attached it to ${nodeName}` }
  await client.patch(VolumeAttachment, attachment.metadata, 'merge', { status }, { subresource: 'status', note })
}

async function tellError(
  { client, clock }: ReconcileContext,
  attachment: VolumeAttachment,
  field: 'attachError' | 'detachError',
  error: unknown,
): Promise<void> {
  const message = messageOf(error).slice(0, longestMessage)
  if (attachment.status[field]?.message === message) return
  const errorCode = error instanceof GrpcError ? { errorCode: grpcCodes.indexOf(error.code) } : {}
  const status = { [field]: { time: timestamp(clock.now()), message, ...errorCode } }
  const note = { rule: 'csi-attacher/failed', text: message }
  await client
    .patch(VolumeAttachment, attachment.metadata, 'merge', { status }, { subresource: 'status', note })
    .catch(ignore('NotFound', 'Conflict'))
}

/** A volume that is being deleted may go once nothing attaches it any more. */
async function releaseVolume(context: ReconcileContext, name: string): Promise<void> {
  const volume = context.lister(PersistentVolume).get(name)
  const driver = volume?.spec.csi?.driver
  if (!volume?.metadata.deletionTimestamp || !driver) return
  const finalizer = attacherFinalizer(driver)
  if (!volume.metadata.finalizers?.includes(finalizer)) return
  const { items } = await context.client.list(VolumeAttachment)
  if (items.some(({ spec }) => spec.source.persistentVolumeName === name)) return
  await setGuard(context, PersistentVolume, volume, finalizer, false)
}

function setGuard(
  context: ReconcileContext,
  kind: typeof PersistentVolume | typeof VolumeAttachment,
  object: PersistentVolume | VolumeAttachment,
  finalizer: string,
  isWanted: boolean,
): Promise<void> {
  const text = isWanted ? 'the driver must detach it first' : 'the driver has detached it'
  return setFinalizer(context, kind, object, { finalizer, isWanted, note: { rule: 'csi-attacher/finalizer', text } })
}
