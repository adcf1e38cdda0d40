import type { Pod } from '../../api/core/pod.ts'
import { claimCalled, claimVolumes, classOf, notFound } from './claims.ts'
import { type Cluster, labelsOf, type ReferencePlugin, type Refusal } from './cluster.ts'

const name = 'VolumeZone'
const [oldZone, oldRegion] = ['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region']
const [zone, region] = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

const refuse = (reason: string): Refusal => ({ code: 'Unresolvable', plugin: name, reasons: [reason] })

interface Place {
  readonly key: string
  readonly values: readonly string[]
}

/** Where the labels of the pod's volumes say they are, or why that cannot be told. */
function placesOf(pod: Pod, cluster: Cluster): Place[] | Refusal {
  const places: Place[] = []
  for (const volume of claimVolumes(pod).filter(({ isEphemeral }) => !isEphemeral)) {
    const claim = claimCalled(volume.name, pod, cluster)
    if (!claim) return refuse(notFound('persistentvolumeclaim', volume.name))
    const { volumeName } = claim.spec
    if (!volumeName) {
      const className = classOf(claim)
      if (!className) return refuse('PersistentVolumeClaim had no pv name and storageClass name')
      const storageClass = cluster.storageClasses.find(({ metadata }) => metadata.name === className)
      if (!storageClass) return refuse(notFound('storageclass.storage.k8s.io', className))
      if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') continue
      return refuse('PersistentVolume had no name')
    }
    const found = cluster.volumes.find(({ metadata }) => metadata.name === volumeName)
    if (!found) return refuse(notFound('persistentvolume', volumeName))
    for (const key of [oldZone, oldRegion, zone, region]) {
      const value = labelsOf(found)[key]
      if (value !== undefined) places.push({ key, values: value.split('__') })
    }
  }
  return places
}

/** A pod goes where its volumes are; nodes that do not say where they are take everyone (plugins/volumezone). */
export const volumeZone: ReferencePlugin = {
  name,
  prepare(pod, cluster) {
    const places = placesOf(pod, cluster)
    if ('code' in places) return places
    return places.length === 0 ? 'skip' : undefined
  },
  filter(pod, node, { cluster }) {
    const labels = labelsOf(node)
    const places = placesOf(pod, cluster)
    if ('code' in places || ![oldZone, oldRegion, zone, region].some(key => labels[key] !== undefined)) return undefined
    const fits = places.every(({ key, values }) => {
      const newKey = key === oldZone ? zone : key === oldRegion ? region : key
      const actual = labels[key] ?? labels[newKey]
      return actual !== undefined && values.includes(actual)
    })
    return fits ? undefined : refuse('node(s) had no available volume zone')
  },
}
