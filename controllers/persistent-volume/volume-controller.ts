import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { isReason } from '../../api/errors.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'
import { on } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { boundByController, provisionedBy } from './names.ts'

type Phase = PersistentVolume['status']['phase']

/** Keeps the phase of volumes, and has those released whose claim is gone (pv_controller.go syncVolume). */
export const volumePhases: Controller = {
  name: 'volume-binder',
  watches: [on(PersistentVolume), on(PersistentVolumeClaim, volumeOfClaim)],
  writes: [PersistentVolume],

  async reconcile(context, name) {
    const volume = context.lister(PersistentVolume).get(name)
    if (!volume) return
    const { claimRef } = volume.spec
    if (!claimRef?.uid) return setPhase(context, volume, 'Available', 'no claim has it')
    const claim = await claimOf(context, volume)
    if (!claim || claim.metadata.uid !== claimRef.uid) return release(context, volume)
    if (claim.spec.volumeName === name)
      return setPhase(context, volume, 'Bound', `claim ${claimRef.namespace}/${claimRef.name} has it`)
    // Until the claim names a volume, the binder is on its way.
    if (claim.spec.volumeName) await unbind(context, volume)
  },
}

function volumeOfClaim({ object, previous }: Change): readonly string[] {
  const names = [object, previous].flatMap(claim => (claim as PersistentVolumeClaim | undefined)?.spec.volumeName ?? [])
  return [...new Set(names)]
}

/** The claim that a volume names, asked of the server when the cache does not have it: nothing is released on hearsay. */
async function claimOf(
  { lister, client }: ReconcileContext,
  { spec }: PersistentVolume,
): Promise<PersistentVolumeClaim | undefined> {
  const { namespace = '', name = '', uid } = spec.claimRef ?? {}
  const cached = lister(PersistentVolumeClaim).get(`${namespace}/${name}`)
  if (cached?.metadata.uid === uid) return cached
  return client.get(PersistentVolumeClaim, { namespace, name }).catch((error: unknown) => {
    if (!isReason(error, 'NotFound')) throw error
    return undefined
  })
}

async function setPhase(
  { client, clock }: ReconcileContext,
  volume: PersistentVolume,
  phase: Phase,
  text: string,
  message?: string,
): Promise<void> {
  if (volume.status.phase === phase && (message === undefined || volume.status.message === message)) return
  const status = { phase, lastPhaseTransitionTime: timestamp(clock.now()), ...(message && { message }) }
  await client.updateStatus(PersistentVolume, { ...volume, status }, { note: { rule: 'volume-binder/phase', text } })
}

/** Its claim is gone: the policy says what becomes of it. With Delete, whoever made it deletes it once it is Released. */
async function release(context: ReconcileContext, volume: PersistentVolume): Promise<void> {
  const { namespace, name } = volume.spec.claimRef ?? {}
  const policy = volume.spec.persistentVolumeReclaimPolicy
  if (volume.status.phase !== 'Released' && volume.status.phase !== 'Failed') {
    await setPhase(context, volume, 'Released', `claim ${namespace}/${name} is gone; the policy is ${policy}`)
  }
  if (policy === 'Recycle') {
    const message = 'no volume plugin matched: recycling is not supported'
    context.events.record(volume, 'Warning', 'VolumeFailedRecycle', message)
    await setPhase(context, volume, 'Failed', message, message)
  }
  if (policy === 'Delete' && !volume.metadata.annotations?.[provisionedBy]) {
    const message = 'error getting deleter volume plugin: no provisioner made this volume'
    context.events.record(volume, 'Warning', 'VolumeFailedDelete', message)
    await setPhase(context, volume, 'Failed', message, message)
  }
}

/** The claim went with another volume: this one is free again, or, made for it, no longer of use. */
async function unbind(context: ReconcileContext, volume: PersistentVolume): Promise<void> {
  const annotations = { ...volume.metadata.annotations }
  if (annotations[provisionedBy] && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return release(context, volume)
  const byUs = annotations[boundByController] !== undefined
  delete annotations[boundByController]
  const { uid: _uid, resourceVersion: _version, ...reserved } = volume.spec.claimRef ?? {}
  const spec = { ...volume.spec, claimRef: byUs ? undefined : reserved }
  const note = { rule: 'volume-binder/unbind', text: 'its claim is bound to another volume' }
  await context.client.update(PersistentVolume, { ...volume, metadata: { ...volume.metadata, annotations }, spec }, { note })
}
