import { type Plugin, unresolvable } from '../framework.ts'
import { claimsOf, isOwnClaim, type StorageListers } from './pod-claims.ts'

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
  return {
    name,
    preFilter({ pod }) {
      if (pod.claims.length === 0) return 'skip'
      const claims = claimsOf(pod, storage)
      if (typeof claims === 'string') return { refusal: unresolvable(name, claims) }
      const places: Place[] = []
      for (const { spec } of claims) {
        const labels = storage.volumes.get(spec.volumeName ?? '')?.metadata.labels ?? {}
        for (const label in placeLabels) {
          const value = labels[label]
          if (value !== undefined) places.push({ label, values: value.split('__') })
        }
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
      storageClass: (_, { action }) => action === 'add',
      claim: (pod, { after }) => isOwnClaim(pod, after),
      volume: (_, { after }) => after !== undefined,
      node: (_, { action }) => action !== 'delete',
    },
  }
}
