import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { value } from '../../api/quantity.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import { CSIDriver } from '../../api/storage/csi-driver.ts'
import { CSIStorageCapacity } from '../../api/storage/csi-storage-capacity.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import type { Informers } from '../../client/informer.ts'
import type { NodeInfo } from '../node-info.ts'

/** Whether a claim's volume, if made for a node, finds room there, as far as its driver tells (volumebinding hasEnoughCapacity). */
export type HasRoom = (claim: PersistentVolumeClaim, storageClass: StorageClass | undefined, node: NodeInfo) => boolean

/** Drivers whose object does not say `storageCapacity` always have room. */
export function storageCapacity(informers: Informers): HasRoom {
  const drivers = informers.of(CSIDriver).lister
  const capacities = informers.of(CSIStorageCapacity).lister
  return (claim, storageClass, node) => {
    if (!storageClass || !drivers.get(storageClass.provisioner)?.spec.storageCapacity) return true
    if (claim.spec.resources?.requests?.storage === undefined) return true
    const wanted = value(claim.spec.resources.requests.storage)
    return capacities.list().some(({ storageClassName, capacity, maximumVolumeSize, nodeTopology }) => {
      if (storageClassName !== storageClass.metadata.name || !nodeTopology) return false
      const room = maximumVolumeSize ?? capacity
      return room !== undefined && value(room) >= wanted && matchesLabels(fromLabelSelector(nodeTopology), node.labels)
    })
  }
}
