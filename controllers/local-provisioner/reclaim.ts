import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { ignore } from '../../api/errors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { timestamp } from '../../lib/clock.ts'
import { provisionerProtection } from '../persistent-volume/names.ts'
import { reclaimStep } from './plan.ts'
import type { VolumeFolders } from './volume-folders.ts'

/** Takes care of a volume of ours: its folder goes before it does, and a folder that cannot be removed makes it Failed. */
export async function reclaim(context: ReconcileContext, folders: VolumeFolders, name: string): Promise<void> {
  const volume = context.lister(PersistentVolume).get(name)
  const step = volume ? reclaimStep(volume) : 'none'
  if (!volume || step === 'none') return
  if (step === 'remove') return remove(context, folders, volume)
  const others = (volume.metadata.finalizers ?? []).filter(finalizer => finalizer !== provisionerProtection)
  await setFinalizers(context, volume, step === 'guard' ? [...others, provisionerProtection] : others)
}

async function remove(context: ReconcileContext, folders: VolumeFolders, volume: PersistentVolume): Promise<void> {
  const { client, events } = context
  const { name, uid } = volume.metadata
  try {
    await folders.remove(name)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    events.record(volume, 'Warning', 'VolumeFailedDelete', message)
    await markFailed(context, volume, message)
    throw error
  }
  const note = { rule: 'local-provisioner/delete', text: 'its claim is gone, and so is its folder' }
  await client.delete(PersistentVolume, { name }, { preconditions: { uid }, note }).catch(ignore('NotFound', 'Conflict'))
  const left = await client.get(PersistentVolume, { name }).catch(ignore('NotFound'))
  if (left?.metadata.uid !== uid || !left.metadata.finalizers?.includes(provisionerProtection)) return
  const others = left.metadata.finalizers.filter(finalizer => finalizer !== provisionerProtection)
  await setFinalizers(context, left, others)
}

/** Says so on the volume; it is tried again all the same. */
async function markFailed({ client, clock }: ReconcileContext, volume: PersistentVolume, message: string): Promise<void> {
  if (volume.status.phase === 'Failed' && volume.status.message === message) return
  const status = { phase: 'Failed' as const, message, lastPhaseTransitionTime: timestamp(clock.now()) }
  const note = { rule: 'local-provisioner/failed', text: message }
  await client.updateStatus(PersistentVolume, { ...volume, status }, { note })
}

async function setFinalizers({ client }: ReconcileContext, volume: PersistentVolume, finalizers: string[]): Promise<void> {
  const text = finalizers.includes(provisionerProtection) ? 'its folder must go before it does' : 'no folder holds it any more'
  const note = { rule: 'local-provisioner/finalizer', text }
  await client
    .update(PersistentVolume, { ...volume, metadata: { ...volume.metadata, finalizers } }, { note })
    .catch(ignore('NotFound'))
}
