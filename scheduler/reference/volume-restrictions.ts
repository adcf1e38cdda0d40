import type { Pod } from '../../api/core/pod.ts'
import { claimCalled, claimVolumes, notFound } from './claims.ts'
import { asFound, type Cluster, podsOn, type ReferencePlugin, type World } from './cluster.ts'

const name = 'VolumeRestrictions'
const inUse = 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'

type Volume = NonNullable<Pod['spec']['volumes']>[number]

/** Disks of old that two pods of a node cannot share, unless both only read. */
function conflict(a: Volume, b: Volume): boolean {
  const [gce, otherGce] = [a.gcePersistentDisk, b.gcePersistentDisk]
  if (gce && otherGce && gce.pdName === otherGce.pdName && !(gce.readOnly && otherGce.readOnly)) return true
  const [aws, otherAws] = [a.awsElasticBlockStore, b.awsElasticBlockStore]
  if (aws && otherAws && aws.volumeID === otherAws.volumeID) return true
  const [iscsi, otherIscsi] = [a.iscsi, b.iscsi]
  if (iscsi && otherIscsi && iscsi.iqn === otherIscsi.iqn && !(iscsi.readOnly && otherIscsi.readOnly)) return true
  const [rbd, otherRbd] = [a.rbd, b.rbd]
  if (!rbd || !otherRbd || (rbd.readOnly && otherRbd.readOnly)) return false
  const isSameImage = rbd.pool === otherRbd.pool && rbd.image === otherRbd.image
  return isSameImage && (rbd.monitors ?? []).some(monitor => otherRbd.monitors?.includes(monitor))
}

const isDisk = (volume: Volume) => !!(volume.gcePersistentDisk ?? volume.awsElasticBlockStore ?? volume.iscsi ?? volume.rbd)

/** The pod's claims that only one pod of the cluster may use. */
function exclusiveClaims(pod: Pod, cluster: Cluster): string[] {
  const named = claimVolumes(pod).filter(({ isEphemeral }) => !isEphemeral)
  return named
    .map(volume => volume.name)
    .filter(claim => claimCalled(claim, pod, cluster)?.spec.accessModes?.includes('ReadWriteOncePod'))
}

function isInUse(pod: Pod, world: World): boolean {
  const claims = exclusiveClaims(pod, world.cluster)
  const others = world.cluster.nodes.flatMap(node => podsOn(node, world))
  return others.some(
    other =>
      other.metadata.namespace === pod.metadata.namespace && claimVolumes(other).some(volume => claims.includes(volume.name)),
  )
}

/** Volumes that cannot be shared (plugins/volumerestrictions). */
export const volumeRestrictions: ReferencePlugin = {
  name,
  prepare(pod, cluster) {
    for (const volume of claimVolumes(pod))
      if (!volume.isEphemeral && !claimCalled(volume.name, pod, cluster))
        return { code: 'Unresolvable', plugin: name, reasons: [notFound('persistentvolumeclaim', volume.name)] }
    const hasDisks = (pod.spec.volumes ?? []).some(isDisk)
    return hasDisks || isInUse(pod, asFound(cluster)) ? undefined : 'skip'
  },
  filter(pod, node, world) {
    const disks = (pod.spec.volumes ?? []).filter(isDisk)
    const there = podsOn(node, world).flatMap(({ spec }) => spec.volumes ?? [])
    if (disks.some(disk => there.some(other => conflict(disk, other))))
      return { code: 'Unschedulable', plugin: name, reasons: ['node(s) had no available disk'] }
    return isInUse(pod, world) ? { code: 'Unschedulable', plugin: name, reasons: [inUse] } : undefined
  },
}
