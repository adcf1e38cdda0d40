import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { ignore } from '../../../api/errors.ts'
import { VolumeAttachment } from '../../../api/storage/volume-attachment.ts'
import type { ReconcileContext } from '../../../client/controller.ts'
import { timestamp } from '../../../lib/clock.ts'
import { messageOf } from '../../sync/sync-error.ts'
import type { CsiDriver } from '../driver.ts'
import type { ControllerDrivers } from './drivers.ts'
import { setFinalizer } from './finalizers.ts'
import { deletionSecretOf, provisionerFinalizer, reclaimStep } from './provision-plan.ts'
import { secretTexts } from './secrets.ts'

/** Takes care of a volume that a driver made: what is behind it goes before it does. */
export async function reclaim(context: ReconcileContext, drivers: ControllerDrivers, name: string): Promise<void> {
  const volume = context.lister(PersistentVolume).get(name)
  const step = volume ? reclaimStep(volume) : 'none'
  const driver = volume?.spec.csi && step !== 'none' ? drivers.find(volume.spec.csi.driver, context.lister) : undefined
  if (!volume || !driver) return
  if (step === 'remove') return remove(context, driver, volume)
  await setGuard(context, volume, step === 'guard')
}

async function remove(context: ReconcileContext, driver: CsiDriver, volume: PersistentVolume): Promise<void> {
  const { client, events } = context
  const { name, uid } = volume.metadata
  const note = { rule: 'csi-provisioner/delete', text: `its claim is gone, and so is the volume of ${driver.name}` }
  try {
    const { items } = await client.list(VolumeAttachment)
    const attached = items.find(({ spec }) => spec.source.persistentVolumeName === name)
    if (attached) throw new Error(`persistentvolume ${name} is still attached to node ${attached.spec.nodeName}`)
    const secrets = await secretTexts(context, deletionSecretOf(volume))
    await driver.call('Controller/DeleteVolume', { volumeId: volume.spec.csi?.volumeHandle ?? '', secrets })
  } catch (error) {
    const message = messageOf(error)
    events.record(volume, 'Warning', 'VolumeFailedDelete', message)
    await markFailed(context, volume, message)
    throw error
  }
  await client.delete(PersistentVolume, { name }, { preconditions: { uid }, note }).catch(ignore('NotFound', 'Conflict'))
  const left = await client.get(PersistentVolume, { name }).catch(ignore('NotFound'))
  if (left?.metadata.uid === uid && left.metadata.finalizers?.includes(provisionerFinalizer)) await setGuard(context, left, false)
}

/** Says so on the volume; it is tried again all the same. */
async function markFailed({ client, clock }: ReconcileContext, volume: PersistentVolume, message: string): Promise<void> {
  if (volume.status.phase === 'Failed' && volume.status.message === message) return
  const status = { phase: 'Failed' as const, message, lastPhaseTransitionTime: timestamp(clock.now()) }
  const note = { rule: 'csi-provisioner/failed', text: message }
  await client.updateStatus(PersistentVolume, { ...volume, status }, { note }).catch(ignore('Conflict', 'NotFound'))
}

function setGuard(context: ReconcileContext, volume: PersistentVolume, isWanted: boolean): Promise<void> {
  const text = isWanted ? 'what is behind it must go first' : 'nothing is behind it any more'
  const note = { rule: 'csi-provisioner/finalizer', text }
  return setFinalizer(context, PersistentVolume, volume, { finalizer: provisionerFinalizer, isWanted, note })
}
