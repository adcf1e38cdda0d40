import type { Pod } from '../../api/core/pod.ts'

type Volume = NonNullable<Pod['spec']['volumes']>[number]

/** Whether a pod mounts disks that a node can mount once only, unless everybody merely reads. */
export function hasExclusiveDisks({ spec }: Pod): boolean {
  return spec.volumes?.some(one => one.gcePersistentDisk ?? one.awsElasticBlockStore ?? one.iscsi ?? one.rbd) ?? false
}

/** Whether two pods want the same such disk (plugins/volumerestrictions isVolumeConflict). */
export function disksConflict(pod: Pod, other: Pod): boolean {
  return pod.spec.volumes?.some(volume => other.spec.volumes?.some(used => conflict(volume, used))) ?? false
}

function conflict(a: Volume, b: Volume): boolean {
  const onlyRead = (one?: { readOnly?: boolean | undefined }, two?: { readOnly?: boolean | undefined }) =>
    (one?.readOnly ?? false) && (two?.readOnly ?? false)
  if (a.gcePersistentDisk && a.gcePersistentDisk.pdName === b.gcePersistentDisk?.pdName)
    return !onlyRead(a.gcePersistentDisk, b.gcePersistentDisk)
  if (a.awsElasticBlockStore) return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore?.volumeID
  if (a.iscsi && a.iscsi.iqn === b.iscsi?.iqn) return !onlyRead(a.iscsi, b.iscsi)
  if (!a.rbd || !b.rbd) return false
  const { monitors, pool, image } = b.rbd
  const isSame = a.rbd.pool === pool && a.rbd.image === image && a.rbd.monitors?.some(monitor => monitors?.includes(monitor))
  return !!isSame && !onlyRead(a.rbd, b.rbd)
}
