import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { value } from '../../../api/quantity.ts'
import { CSIDriver } from '../../../api/storage/csi-driver.ts'
import type { Controller, ReconcileContext } from '../../../client/controller.ts'
import { on } from '../../../client/watches.ts'
import { timestamp } from '../../../lib/clock.ts'
import { GrpcError } from '../../../lib/grpc/errors.ts'
import { messageOf } from '../../sync/sync-error.ts'
import type { CsiDriver } from '../driver.ts'
import { wholeCapability } from './access-mode.ts'
import type { ControllerDrivers } from './drivers.ts'
import { binary } from './provision-plan.ts'
import { begun, failed, finished, nodesTurn, wantedSize } from './resize-plan.ts'
import { secretTexts } from './secrets.ts'

/** Answers after which asking again is of no use (external-resizer pkg/util IsInfeasibleError). */
const hopeless = new Set(['InvalidArgument', 'OutOfRange', 'NotFound'])

/** How long a request that the driver will never grant rests; a change of the claim is looked at at once. */
const restInMs = 10 * 60_000

/** Has drivers grow volumes whose claims ask for more, as upstream's external-resizer does. */
export function csiResizer(drivers: ControllerDrivers): Controller {
  return {
    name: 'csi-resizer',
    watches: [on(PersistentVolumeClaim)],
    reads: [PersistentVolume, CSIDriver],
    writes: [PersistentVolume, PersistentVolumeClaim],
    concurrency: 10,
    periodic: {
      everyMs: 10_000,
      keys: lister =>
        lister(PersistentVolumeClaim)
          .list()
          .filter(({ spec, status }) => {
            const [wanted, present] = [spec.resources?.requests?.storage, status.capacity?.storage]
            return wanted !== undefined && present !== undefined && wanted !== present && value(wanted) > value(present)
          })
          .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    },
    async reconcile(context, key) {
      const { lister } = context
      const claim = lister(PersistentVolumeClaim).get(key)
      const volume = lister(PersistentVolume).get(claim?.spec.volumeName ?? '')
      const source = volume?.spec.csi
      const size = claim && volume && source ? wantedSize(claim, volume) : undefined
      if (!claim || !volume || !source || size === undefined) return
      const driver = drivers.find(source.driver, lister)
      if (!driver) return
      if (isResting(claim, size)) return { requeueAfterMs: restInMs }
      const [atController, atNode] = await Promise.all([driver.controllerCan('EXPAND_VOLUME'), driver.nodeCan('EXPAND_VOLUME')])
      if (atController || atNode) await grow(context, { claim, volume, driver, size, atController })
    },
  }
}

/** What can never be had is not asked for again, until the user asks for something else. */
function isResting({ status }: PersistentVolumeClaim, size: string): boolean {
  const { allocatedResources, allocatedResourceStatuses } = status
  return allocatedResourceStatuses?.storage === 'ControllerResizeInfeasible' && allocatedResources?.storage === size
}

interface Growing {
  readonly claim: PersistentVolumeClaim
  readonly volume: PersistentVolume
  readonly driver: CsiDriver
  readonly size: string
  readonly atController: boolean
}

async function grow(context: ReconcileContext, { claim, volume, driver, size, atController }: Growing): Promise<void> {
  const { client, events, clock } = context
  const now = timestamp(clock.now())
  const { name } = volume.metadata
  const tell = (status: PersistentVolumeClaim['status'], claim: PersistentVolumeClaim, text: string) =>
    client.updateStatus(PersistentVolumeClaim, { ...claim, status } as PersistentVolumeClaim, {
      note: { rule: 'csi-resizer', text },
    })

  const started = await tell(begun(claim.status, size, now), claim, `${driver.name} is asked for ${size}`)
  events.record(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${name}`)
  let answer: { capacityBytes?: number; nodeExpansionRequired?: boolean } = { nodeExpansionRequired: true }
  try {
    if (atController) answer = await expand(context, driver, volume, size)
  } catch (error) {
    const isForGood = error instanceof GrpcError && hopeless.has(error.code)
    const message = `resize volume "${name}" by resizer "${driver.name}" failed: ${messageOf(error)}`
    events.record(claim, 'Warning', 'VolumeResizeFailed', message)
    await tell(failed(started.status, messageOf(error), isForGood, now), started, message)
    if (isForGood) return
    throw error
  }
  const reached = answer.capacityBytes && answer.capacityBytes > value(size) ? binary(answer.capacityBytes) : size
  const capacity = { spec: { capacity: { storage: reached } } }
  const note = { rule: 'csi-resizer/volume', text: `${driver.name} has grown it to ${reached}` }
  await client.patch(PersistentVolume, { name }, 'merge', capacity, { note })
  if (answer.nodeExpansionRequired) {
    await tell(nodesTurn(started.status, now), started, 'its file system is for the node to grow')
    events.record(claim, 'Normal', 'FileSystemResizeRequired', 'Require file system resize of volume on node')
    return
  }
  await tell(finished(started.status, reached), started, `it has ${reached} now`)
  events.record(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded')
}

async function expand(context: ReconcileContext, driver: CsiDriver, { spec }: PersistentVolume, size: string) {
  const source = spec.csi
  return driver.call('Controller/ControllerExpandVolume', {
    volumeId: source?.volumeHandle ?? '',
    capacityRange: { requiredBytes: value(size) },
    secrets: await secretTexts(context, source?.controllerExpandSecretRef),
    volumeCapability: wholeCapability(
      { ...spec, fsType: source?.fsType },
      await driver.controllerCan('SINGLE_NODE_MULTI_WRITER'),
    ),
  })
}
