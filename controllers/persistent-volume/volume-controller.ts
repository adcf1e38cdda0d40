import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { ignore } from '../../api/errors.ts'
import { keyOf } from '../../api/keys.ts'
import type { Controller, ReconcileContext, Watch } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { setVolumePhase } from './binding.ts'
import { boundByController } from './names.ts'
import { planVolume, reclaimFault } from './volume-plan.ts'
import { volumeIndexes } from './wakes.ts'

/** A claim concerns the volume that it names or named, and those that name it. */
const volumesOfClaim: Watch['keys'] = ({ object, previous }, lister) => {
  const named = [object, previous].map(claim => (claim as PersistentVolumeClaim | undefined)?.spec.volumeName)
  const naming = lister(PersistentVolume).by('claim', keyOf(object))
  return [...new Set([...named, ...naming.map(({ metadata }) => metadata.name)])].filter(name => name !== undefined)
}

/** Keeps the phase of volumes, and has those released whose claim is gone (pv_controller.go syncVolume). */
export const volumePhases: Controller = {
  name: 'volume-binder',
  watches: [on(PersistentVolume), on(PersistentVolumeClaim, volumesOfClaim)],
  writes: [PersistentVolume],
  concurrency: 16,
  indexes: volumeIndexes,

  async reconcile(context, name) {
    const volume = context.lister(PersistentVolume).get(name)
    if (!volume) return
    const next = planVolume(volume, await claimOf(context, volume))
    switch (next.step) {
      case 'phase':
        await setVolumePhase(context, volume, next.phase, { rule: 'volume-binder/phase', text: next.text })
        return
      case 'release':
        return release(context, volume)
      case 'unbind':
        return unbind(context, volume)
      case 'wait':
    }
  },
}

/** The claim that a volume names. Before a volume is released the server has the last word: a cache that lags must not cost data. */
async function claimOf(
  { lister, client }: ReconcileContext,
  { spec, status }: PersistentVolume,
): Promise<PersistentVolumeClaim | undefined> {
  if (!spec.claimRef?.uid) return undefined
  const { namespace = '', name = '', uid } = spec.claimRef
  const cached = lister(PersistentVolumeClaim).get(`${namespace}/${name}`)
  if (cached?.metadata.uid === uid || status.phase === 'Released' || status.phase === 'Failed') return cached
  return client.get(PersistentVolumeClaim, { namespace, name }).catch(ignore('NotFound'))
}

/** The policy says what becomes of it. With Delete, whoever made it deletes it once it is Released. */
async function release(context: ReconcileContext, volume: PersistentVolume): Promise<void> {
  const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec
  const text = `claim ${claimRef?.namespace}/${claimRef?.name} does not have it any more; the policy is ${policy}`
  const note = { rule: 'volume-binder/release', text }
  const hasFailed = volume.status.phase === 'Failed'
  const released = hasFailed ? volume : await setVolumePhase(context, volume, 'Released', note)
  const fault = reclaimFault(released)
  if (!fault || hasFailed) return
  await setVolumePhase(context, released, 'Failed', { rule: 'volume-binder/reclaim', text: fault.message }, fault.message)
  context.events.record(volume, 'Warning', fault.reason, fault.message)
}

/** The claim went with another volume: one that we took for it is free again, one set aside by its owner stays so. */
async function unbind({ client }: ReconcileContext, volume: PersistentVolume): Promise<void> {
  const { [boundByController]: byUs, ...annotations } = volume.metadata.annotations ?? {}
  const { uid: _uid, resourceVersion: _version, ...reserved } = volume.spec.claimRef ?? {}
  const spec = { ...volume.spec, claimRef: byUs === undefined ? reserved : undefined }
  const note = { rule: 'volume-binder/unbind', text: 'its claim is bound to another volume' }
  await client.update(PersistentVolume, { ...volume, metadata: { ...volume.metadata, annotations }, spec }, { note })
}
