import { Node } from '../../../api/core/node.ts'
import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { ignore } from '../../../api/errors.ts'
import { value } from '../../../api/quantity.ts'
import { CSIDriver } from '../../../api/storage/csi-driver.ts'
import { CSINode } from '../../../api/storage/csi-node.ts'
import { StorageClass } from '../../../api/storage/storage-class.ts'
import { VolumeAttachment } from '../../../api/storage/volume-attachment.ts'
import { VolumeAttributesClass } from '../../../api/storage/volume-attributes-class.ts'
import type { Controller, ReconcileContext } from '../../../client/controller.ts'
import { on } from '../../../client/watches.ts'
import { GrpcError } from '../../../lib/grpc/errors.ts'
import { messageOf } from '../../sync/sync-error.ts'
import { type CsiDriver, isFinal } from '../driver.ts'
import type { CsiCalls, MadeVolume } from '../messages.ts'
import { allCapabilities } from './access-mode.ts'
import type { ControllerDrivers } from './drivers.ts'
import { classParameters } from './parameters.ts'
import { askedDriver, refusal, selectedNodeAnnotation, shortfall, volumeNameFor, volumeObject } from './provision-plan.ts'
import { reclaim } from './reclaim.ts'
import { secretTexts } from './secrets.ts'
import { topologyRequirement } from './topology.ts'

const volumePrefix = 'volume '

type CreateRequest = CsiCalls['Controller/CreateVolume']['ask']

/** A volume that a driver may have made, or may be making, for a claim. */
interface Unclear {
  readonly uid: string
  readonly driver: string
  readonly request: CreateRequest
}

/** Has drivers make volumes for claims, and remove them, as upstream's external-provisioner does. */
export function csiProvisioner(drivers: ControllerDrivers): Controller {
  const unclear = new Map<string, Unclear>()
  return {
    name: 'csi-provisioner',
    watches: [on(PersistentVolumeClaim), on(PersistentVolume, ({ object }) => [volumePrefix + object.metadata.name])],
    reads: [StorageClass, Node, CSINode, CSIDriver, VolumeAttachment, VolumeAttributesClass],
    writes: [PersistentVolume, PersistentVolumeClaim],
    concurrency: 10,
    // Drivers come and go without a word from the API.
    periodic: {
      everyMs: 5000,
      keys: lister => [
        ...lister(PersistentVolumeClaim)
          .list()
          .filter(claim => askedDriver(claim, lister(StorageClass).get(claim.spec.storageClassName ?? '')) !== undefined)
          .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
        ...lister(PersistentVolume)
          .list()
          .filter(({ spec, status }) => spec.csi && (status.phase === 'Released' || status.phase === 'Failed'))
          .map(({ metadata }) => volumePrefix + metadata.name),
      ],
    },
    async reconcile(context, key) {
      if (key.startsWith(volumePrefix)) return reclaim(context, drivers, key.slice(volumePrefix.length))
      const claim = context.lister(PersistentVolumeClaim).get(key)
      await clearUp(context, drivers, unclear, key, claim)
      if (claim) await provision(context, drivers, unclear, key, claim)
    },
  }
}

async function provision(
  context: ReconcileContext,
  drivers: ControllerDrivers,
  unclear: Map<string, Unclear>,
  key: string,
  claim: PersistentVolumeClaim,
): Promise<void> {
  const { lister, events } = context
  const storageClass = lister(StorageClass).get(claim.spec.storageClassName ?? '')
  const asked = askedDriver(claim, storageClass)
  const driver = asked === undefined ? undefined : drivers.find(asked, lister)
  if (!driver || !storageClass || lister(PersistentVolume).get(volumeNameFor(claim))) return
  if (!(await driver.controllerCan('CREATE_DELETE_VOLUME'))) return
  const fail = (why: string) => {
    const message = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${why}`
    events.record(claim, 'Warning', 'ProvisioningFailed', message)
  }
  const refused = refusal(claim)
  if (refused !== undefined) return fail(refused)
  const selected = claim.metadata.annotations?.[selectedNodeAnnotation]
  if (selected !== undefined && !lister(Node).get(selected)) {
    fail(`failed to get target node: nodes "${selected}" not found`)
    return giveBack(context, claim, `node ${selected} is gone`)
  }
  events.record(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`)
  try {
    await make(context, driver, claim, storageClass, request =>
      unclear.set(key, { uid: claim.metadata.uid, driver: driver.name, request }),
    )
    unclear.delete(key)
  } catch (error) {
    if (isFinal(error)) unclear.delete(key)
    fail(messageOf(error))
    const isFull = error instanceof GrpcError && error.code === 'ResourceExhausted'
    if (isFull && selected !== undefined && (await driver.hasTopology())) {
      unclear.delete(key)
      return giveBack(context, claim, `there is no room near node ${selected}`)
    }
    throw error
  }
}

async function make(
  context: ReconcileContext,
  driver: CsiDriver,
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  onAsk: (request: CreateRequest) => void,
): Promise<void> {
  const { lister, client, events } = context
  const name = volumeNameFor(claim)
  const parameters = classParameters(storageClass.parameters, claim, name)
  const usage = { ...claim.spec, fsType: parameters.fsType, mountOptions: storageClass.mountOptions }
  const { requests, limits } = claim.spec.resources ?? {}
  const attributes = claim.spec.volumeAttributesClassName
  const request: CreateRequest = {
    name,
    capacityRange: {
      requiredBytes: value(requests?.storage ?? '0'),
      ...(limits?.storage && { limitBytes: value(limits.storage) }),
    },
    volumeCapabilities: allCapabilities(usage, await driver.controllerCan('SINGLE_NODE_MULTI_WRITER')),
    parameters: parameters.driver,
    secrets: await secretTexts(context, parameters.secrets.provisioner),
    ...((await driver.hasTopology()) && {
      accessibilityRequirements: topologyRequirement({
        driver: driver.name,
        nodes: lister(Node).list(),
        csiNodes: lister(CSINode).list(),
        storageClass,
        selectedNode: claim.metadata.annotations?.[selectedNodeAnnotation],
      }),
    }),
    ...(attributes && { mutableParameters: lister(VolumeAttributesClass).get(attributes)?.parameters ?? {} }),
  }
  onAsk(request)
  const { volume: made } = await driver.call('Controller/CreateVolume', request)
  const short = shortfall(claim, made)
  if (short !== undefined) {
    await driver.call('Controller/DeleteVolume', { volumeId: made.volumeId, secrets: request.secrets ?? {} })
    throw new Error(short)
  }
  const identity = `${context.clock.now()}-${driver.name}`
  const object = volumeObject({ claim, storageClass, parameters, made, driver: driver.name, identity })
  const text = `${claim.metadata.namespace}/${claim.metadata.name} gets volume ${made.volumeId} of driver ${driver.name}`
  await client
    .create(PersistentVolume, object, {
      note: { rule: 'csi-provisioner/create', text, data: { bytes: made.capacityBytes ?? 0 } },
    })
    .catch(ignore('AlreadyExists'))
  events.record(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
}

/** A claim that went while nobody could tell whether its volume had been made: it is made for sure, and removed. */
async function clearUp(
  { lister, log }: ReconcileContext,
  drivers: ControllerDrivers,
  unclear: Map<string, Unclear>,
  key: string,
  claim: PersistentVolumeClaim | undefined,
): Promise<void> {
  const left = unclear.get(key)
  if (!left || (claim?.metadata.uid === left.uid && !claim.metadata.deletionTimestamp)) return
  const driver = drivers.find(left.driver, lister)
  if (!driver) throw new Error(`driver ${left.driver} may have made a volume for ${key}, and is not here`)
  let made: MadeVolume
  try {
    made = (await driver.call('Controller/CreateVolume', left.request)).volume
  } catch (error) {
    if (!isFinal(error)) throw error
    unclear.delete(key)
    return
  }
  await driver.call('Controller/DeleteVolume', { volumeId: made.volumeId, secrets: left.request.secrets ?? {} })
  log.info({ key, volume: made.volumeId }, 'volume of a claim that has gone removed')
  unclear.delete(key)
}

/** Lets the scheduler choose again. */
async function giveBack({ client }: ReconcileContext, claim: PersistentVolumeClaim, why: string): Promise<void> {
  const { resourceVersion } = claim.metadata
  const note = { rule: 'csi-provisioner/reschedule', text: `${why}: the scheduler may choose another node` }
  const metadata = { resourceVersion, annotations: { [selectedNodeAnnotation]: null } }
  await client.patch(PersistentVolumeClaim, claim.metadata, 'merge', { metadata }, { note })
}
