import { type Plugin, unresolvable, unschedulable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { claimsOf, isOwnClaim, type StorageListers } from './pod-claims.ts'

const name = 'VolumeRestrictions'
const inUse = unschedulable(
  name,
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
)

/** How many other pods mount each of the pod's claims that only one pod may mount. */
type State = Map<string, number>

/** A claim with the access mode ReadWriteOncePod is for one pod in the whole cluster. */
export function volumeRestrictions(storage: StorageListers): Plugin<State> {
  const change = (state: State, other: PodInfo, by: 1 | -1) => {
    for (const claim of other.claims) {
      const key = `${other.namespace}/${claim}`
      const users = state.get(key)
      if (users !== undefined) state.set(key, users + by)
    }
  }
  return {
    name,
    preFilter({ pod, snapshot }) {
      if (pod.claims.length === 0) return 'skip'
      const claims = claimsOf(pod, storage)
      if (typeof claims === 'string') return { refusal: unresolvable(name, claims) }
      const exclusive = claims.filter(({ spec }) => spec.accessModes?.includes('ReadWriteOncePod'))
      if (exclusive.length === 0) return 'skip'
      const state: State = new Map()
      for (const { metadata } of exclusive) {
        const key = `${metadata.namespace}/${metadata.name}`
        const users = snapshot.nodes.reduce((sum, node) => sum + (node.claims.get(key) ?? 0), 0)
        state.set(key, users)
      }
      return { state }
    },
    filter(_, __, state) {
      for (const users of state.values()) if (users > 0) return inUse
      return undefined
    },
    copyState: state => new Map(state),
    podAdded: (state, other) => change(state, other, 1),
    podRemoved: (state, other) => change(state, other, -1),
    wakes: {
      assignedPod: (pod, { action, before }) =>
        action === 'delete' && before?.namespace === pod.namespace && before.claims.some(claim => pod.claims.includes(claim)),
      node: (_, { action }) => action === 'add',
      claim: (pod, { after }) => isOwnClaim(pod, after),
    },
  }
}
