import type { Node } from '../../api/core/node.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import { claimCalled, claimVolumes, classOf } from './claims.ts'
import { type Cluster, podsOn, type ReferencePlugin } from './cluster.ts'

const name = 'NodeVolumeLimits'

/** The storage driver of a claim's volume, or the one that would make it, and what tells the volume apart. */
function driverVolume(claim: PersistentVolumeClaim, cluster: Cluster): { driver: string; id: string } | undefined {
  const volume = cluster.volumes.find(({ metadata }) => metadata.name === claim.spec.volumeName)
  if (volume) {
    const { csi } = volume.spec
    return csi && { driver: csi.driver, id: `${csi.driver}/${csi.volumeHandle}` }
  }
  const storageClass = cluster.storageClasses.find(({ metadata }) => metadata.name === classOf(claim))
  if (!storageClass?.provisioner) return undefined
  const { namespace, name: claimName } = claim.metadata
  return { driver: storageClass.provisioner, id: `${storageClass.provisioner}/to be made for ${namespace}/${claimName}` }
}

function driverVolumes(pod: Pod, cluster: Cluster): Map<string, string> {
  const found = new Map<string, string>()
  for (const volume of claimVolumes(pod)) {
    const claim = claimCalled(volume.name, pod, cluster)
    const one = claim && driverVolume(claim, cluster)
    if (one) found.set(one.id, one.driver)
  }
  return found
}

/** What the cluster says is attached to a node, whoever uses it. */
function attachedTo({ metadata }: Node, { attachments, volumes }: Cluster): Map<string, string> {
  const found = new Map<string, string>()
  for (const { spec } of attachments) {
    const csi = volumes.find(volume => volume.metadata.name === spec.source.persistentVolumeName)?.spec.csi
    if (spec.nodeName === metadata.name && csi) found.set(`${spec.attacher}/${csi.volumeHandle}`, spec.attacher)
  }
  return found
}

/** As many volumes of a driver as the CSINode allows; what is there already counts once (plugins/nodevolumelimits/csi.go). */
export const nodeVolumeLimits: ReferencePlugin = {
  name,
  prepare: pod => (claimVolumes(pod).length === 0 ? 'skip' : undefined),
  filter(pod, node, world) {
    const { cluster } = world
    const drivers = cluster.csiNodes.find(({ metadata }) => metadata.name === node.metadata.name)?.spec.drivers ?? []
    const used = new Map(podsOn(node, world).flatMap(other => [...driverVolumes(other, cluster)]))
    const attached = new Map([...used, ...attachedTo(node, cluster)])
    const added = [...driverVolumes(pod, cluster)].filter(([id]) => !used.has(id))
    const isTooMuch = drivers.some(({ name: driver, allocatable }) => {
      const ofDriver = (volumes: Iterable<readonly [string, string]>) => [...volumes].filter(([, one]) => one === driver).length
      const more = ofDriver(added)
      return allocatable?.count !== undefined && more > 0 && ofDriver(attached) + more > allocatable.count
    })
    return isTooMuch ? { code: 'Unschedulable', plugin: name, reasons: ['node(s) exceed max volume count'] } : undefined
  },
}
