import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { amountOf } from '../../../api/placement/pod-requests.ts'
import type { Invariant } from '../story.ts'
import { said } from './words.ts'

/** Claims and volumes that are bound are bound to each other, and nobody says otherwise. */
export const boundOneToOne: Invariant = picture => {
  const complaints: string[] = []
  const holders = new Map<string, string>()
  for (const claim of picture.of(PersistentVolumeClaim)) {
    const { volumeName } = claim.spec
    if (claim.status.phase !== 'Bound' || !volumeName) continue
    const volume = picture.get(PersistentVolume, undefined, volumeName)
    if (volume?.spec.claimRef?.uid !== claim.metadata.uid)
      complaints.push(said(claim, `is bound to ${volumeName}, which is not its`))
    else if (volume.status.phase !== 'Bound')
      complaints.push(said(volume, `is ${volume.status.phase}, though a claim is bound to it`))
    const other = holders.get(volumeName)
    if (other !== undefined) complaints.push(said(claim, `is bound to ${volumeName}, as is ${other}`))
    holders.set(volumeName, claim.metadata.name)
  }
  for (const volume of picture.of(PersistentVolume)) {
    const { claimRef } = volume.spec
    const { phase } = volume.status
    const claim = claimRef?.uid ? picture.byUid(claimRef.uid) : undefined
    const isBound = claim !== undefined && (claim as PersistentVolumeClaim).spec.volumeName === volume.metadata.name
    // Nobody here can remove what is behind a path of a host.
    const isStuck = !volume.spec.local && volume.spec.persistentVolumeReclaimPolicy === 'Delete'
    const should = isBound ? 'Bound' : !claimRef?.uid ? 'Available' : isStuck ? 'Failed' : 'Released'
    if (phase !== should) complaints.push(said(volume, `is ${phase}, not ${should}`))
    if (phase === 'Released' && volume.spec.persistentVolumeReclaimPolicy === 'Delete' && volume.spec.local) {
      complaints.push(said(volume, 'should have been removed'))
    }
  }
  return complaints
}

/** No claim waits for a volume while one that would do is free. */
export const noVolumeIsOverlooked: Invariant = picture =>
  picture.of(PersistentVolumeClaim).flatMap(claim => {
    const { phase } = claim.status
    if (phase !== 'Pending' || claim.spec.storageClassName || claim.spec.volumeName) return []
    const { namespace, name, uid } = claim.metadata
    const free = picture.of(PersistentVolume).find(({ spec, status, metadata }) => {
      const { claimRef, accessModes = [], capacity, storageClassName = '' } = spec
      const isOurs =
        !claimRef || (claimRef.namespace === namespace && claimRef.name === name && (!claimRef.uid || claimRef.uid === uid))
      const isEnough =
        amountOf('storage', capacity?.storage ?? '0') >= amountOf('storage', claim.spec.resources?.requests?.storage ?? '0')
      const fits = (claim.spec.accessModes ?? []).every(mode => accessModes.includes(mode)) && storageClassName === ''
      return status.phase === 'Available' && !metadata.deletionTimestamp && isOurs && isEnough && fits
    })
    return free ? [said(claim, `waits, though ${free.metadata.name} is free`)] : []
  })
