import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { type Plugin, unresolvable } from '../framework.ts'
import { isNewOrRelabelled } from './changes.ts'
import { classNameOf, isNamedClaim, isOwnClaim, type StorageListers } from './pod-claims.ts'

const name = 'VolumeZone'
const refusal = unresolvable(name, 'node(s) had no available volume zone')

/** Labels that say where a volume is, and under which name of today a node may say the same. */
const placeLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
}

interface Place {
  readonly label: string
  readonly values: readonly string[]
}

/** A pod goes where its bound volumes are, as far as their labels tell. Nodes that do not say where they are always pass. */
export function volumeZone(storage: StorageListers): Plugin<readonly Place[]> {
  /** Where a claim's volume says it is; nothing while its volume is yet to be chosen; a sentence when that makes no sense. */
  const placesOf = (key: string, claimName: string): readonly Place[] | string => {
    const claim = storage.claims.get(key)
    if (!claim) return `persistentvolumeclaim "${claimName}" not found`
    const { volumeName } = claim.spec
    if (!volumeName) {
      const storageClassName = classNameOf(claim)
      if (!storageClassName) return 'PersistentVolumeClaim had no pv name and storageClass name'
      const mode = storage.classes.get(storageClassName)?.volumeBindingMode
      if (!storage.classes.get(storageClassName)) return `storageclass.storage.k8s.io "${storageClassName}" not found`
      return mode === 'WaitForFirstConsumer' ? [] : 'PersistentVolume had no name'
    }
    const volume = storage.volumes.get(volumeName)
    if (!volume) return `persistentvolume "${volumeName}" not found`
    return Object.keys(placeLabels).flatMap(label => {
      const value = volume.metadata.labels?.[label]
      return value === undefined ? [] : [{ label, values: value.split('__') }]
    })
  }
  return {
    name,
    preFilter({ pod }) {
      if (pod.claims.length === 0) return 'skip'
      const places: Place[] = []
      for (const claimName of pod.claims) {
        if (!isNamedClaim(pod, claimName)) continue
        const found = placesOf(`${pod.namespace}/${claimName}`, claimName)
        if (typeof found === 'string') return { refusal: unresolvable(name, found) }
        places.push(...found)
      }
      return places.length > 0 ? { state: places } : 'skip'
    },
    filter(_, { labels }, places) {
      if (!Object.keys(placeLabels).some(label => label in labels)) return undefined
      const fits = places.every(({ label, values }) => {
        const actual = labels[label] ?? labels[placeLabels[label] ?? '']
        return actual !== undefined && values.includes(actual)
      })
      return fits ? undefined : refusal
    },
    wakes: {
      storageClass: (_, { action, after }) => action === 'add' && after?.volumeBindingMode === 'WaitForFirstConsumer',
      claim: (pod, { after }) => after !== undefined && isOwnClaim(pod, after) && isNamedClaim(pod, after.metadata.name),
      volume: (_, { before, after }) => after !== undefined && !(before && samePlace(before, after)),
      node: (_, change) => isNewOrRelabelled(change),
    },
  }
}

function samePlace(before: PersistentVolume, after: PersistentVolume): boolean {
  return Object.keys(placeLabels).every(label => before.metadata.labels?.[label] === after.metadata.labels?.[label])
}
