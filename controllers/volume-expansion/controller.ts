import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { value } from '../../api/quantity.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'

/** Whether a claim asks for more than it has, of the volume that it is bound to. */
export function isGrowing(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): boolean {
  const wanted = claim.spec.resources?.requests?.storage
  const present = claim.status.capacity?.storage
  if (!wanted || !present || claim.status.phase !== 'Bound' || volume?.spec.claimRef?.uid !== claim.metadata.uid) return false
  return value(wanted) > value(present)
}

/**
 * Says of a claim that is to grow who is being waited for (pkg/controller/volume/expand). No kind of volume is grown by this controller
 * itself: drivers' resizers do that, and nodes their file systems.
 */
export const volumeExpansion: Controller = {
  name: 'volume-expand',
  watches: [on(PersistentVolumeClaim)],
  reads: [PersistentVolume],
  writes: [],
  async reconcile({ lister, events }, key) {
    const claim = lister(PersistentVolumeClaim).get(key)
    if (!claim || claim.status.allocatedResourceStatuses?.storage !== undefined) return
    if (!isGrowing(claim, lister(PersistentVolume).get(claim.spec.volumeName ?? ''))) return
    events.record(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC')
  },
}
