import { type Plugin, unresolvable, unschedulable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { disksConflict, hasExclusiveDisks } from './disk-conflicts.ts'
import { isNamedClaim, type StorageListers } from './pod-claims.ts'

const name = 'VolumeRestrictions'
const noDisk = unschedulable(name, 'node(s) had no available disk')
const inUse = unschedulable(
  name,
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
)

/** How many other pods mount each of the pod's claims that only one pod may mount. */
type State = Map<string, number>

/** A claim with the access mode ReadWriteOncePod is for one pod in the whole cluster; some disks of old are for one of a node. */
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
      const hasDisks = pod.pod.spec.volumes !== undefined && hasExclusiveDisks(pod.pod)
      if (pod.claims.length === 0 && !hasDisks) return 'skip'
      const state: State = new Map()
      let isUsed = false
      for (const claimName of pod.claims) {
        if (!isNamedClaim(pod, claimName)) continue
        const key = `${pod.namespace}/${claimName}`
        const claim = storage.claims.get(key)
        if (!claim) return { refusal: unresolvable(name, `persistentvolumeclaim "${claimName}" not found`) }
        if (!claim.spec.accessModes?.includes('ReadWriteOncePod')) continue
        const users = snapshot.nodes.reduce((sum, node) => sum + (node.claims.get(key) ?? 0), 0)
        isUsed ||= users > 0
        state.set(key, users)
      }
      return hasDisks || isUsed ? { state } : 'skip'
    },
    filter({ pod }, node, state) {
      if (hasExclusiveDisks(pod) && node.pods.some(other => disksConflict(pod, other.pod))) return noDisk
      for (const users of state.values()) if (users > 0) return inUse
      return undefined
    },
    copyState: state => new Map(state),
    podAdded: (state, other) => change(state, other, 1),
    podRemoved: (state, other) => change(state, other, -1),
    wakes: {
      assignedPod: (pod, { action, before }) =>
        action === 'delete' &&
        before?.namespace === pod.namespace &&
        (disksConflict(pod.pod, before.pod) || before.claims.some(claim => isNamedClaim(pod, claim))),
      node: (_, { action }) => action === 'add',
      claim: (pod, { action, after }) =>
        action === 'add' && after?.metadata.namespace === pod.namespace && isNamedClaim(pod, after.metadata.name),
    },
  }
}
