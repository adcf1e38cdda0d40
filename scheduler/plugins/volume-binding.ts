import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { keyOf } from '../../api/meta.ts'
import { type Cycle, type Plugin, type Refusal, unresolvable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { claimsOf, isFullyBound, isOwnClaim, selectedNode, type StorageListers, waitsForConsumer } from './pod-claims.ts'
import type { HasRoom } from './storage-capacity.ts'
import type { BindVolumes } from './volume-writes.ts'
import { isProvisionable, isReachable, matchingVolume, sizeOf } from './volume-matching.ts'

const name = 'VolumeBinding'
const unboundImmediate = unresolvable(name, 'pod has unbound immediate PersistentVolumeClaims')
const outOfReach = "node(s) didn't match PersistentVolume's node affinity"
const nothingToBind = "node(s) didn't find available persistent volumes to bind"
const noRoom = 'node(s) did not have enough free storage'
const volumeGone = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

/** What has to happen for a pod's claims if it goes to a certain node. */
export interface VolumePlan {
  readonly bindings: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[]
  readonly provisions: readonly PersistentVolumeClaim[]
}

interface State {
  readonly bound: readonly PersistentVolumeClaim[]
  /** Smallest first, so that large volumes are left for large claims. */
  readonly waiting: readonly PersistentVolumeClaim[]
  readonly plans: Map<string, VolumePlan>
}

/**
 * Bound claims keep a pod near their volumes; claims that wait for their first consumer get a volume together with the pod: chosen by
 * the filter, promised by reserve, written by preBind, which then waits for the volume controller (plugins/volumebinding, semantics A5).
 */
export function volumeBinding(storage: StorageListers, bindVolumes: BindVolumes, hasRoom: HasRoom = () => true): Plugin<State> {
  /** Volumes and claims that were promised to pods whose binding is not through yet. */
  const promised = new Map<string, string>()
  const plansOf = new WeakMap<Cycle, Map<string, VolumePlan>>()
  const refusals = new Map<string, Refusal>()

  const refusalFor = (reasons: string[]): Refusal => {
    const id = reasons.join()
    const refusal = refusals.get(id) ?? unresolvable(name, ...reasons)
    refusals.set(id, refusal)
    return refusal
  }
  const planFor = ({ waiting }: State, node: NodeInfo): VolumePlan | 'full' | undefined => {
    const bindings: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = []
    const provisions: PersistentVolumeClaim[] = []
    for (const claim of waiting) {
      const selected = claim.metadata.annotations?.[selectedNode]
      if (selected && selected !== node.name) return undefined
      const isTaken = (volume: string) =>
        (promised.get(volume) ?? keyOf(claim)) !== keyOf(claim) || bindings.some(other => other.volume.metadata.name === volume)
      const volume = selected ? undefined : matchingVolume(claim, node, storage.volumes.list(), isTaken)
      const storageClass = storage.classes.get(claim.spec.storageClassName ?? '')
      if (volume) bindings.push({ claim, volume })
      else if (!isProvisionable(storageClass, node)) return undefined
      else if (!hasRoom(claim, storageClass, node)) return 'full'
      else provisions.push(claim)
    }
    return { bindings, provisions }
  }
  const planOf = (cycle: Cycle, nodeName: string) => plansOf.get(cycle)?.get(nodeName)

  return {
    name,
    preFilter(cycle) {
      const { pod } = cycle
      if (pod.claims.length === 0) return 'skip'
      const claims = claimsOf(pod, storage)
      const problem = typeof claims === 'string' ? claims : problemWith(claims)
      if (typeof claims === 'string' || problem) return { refusal: unresolvable(name, problem ?? '') }
      const bound = claims.filter(isFullyBound)
      const unbound = claims.filter(claim => !isFullyBound(claim))
      if (unbound.some(claim => claim.spec.volumeName || !waitsForConsumer(claim, storage))) return { refusal: unboundImmediate }
      const waiting = unbound.sort((a, b) => sizeOf(a.spec.resources?.requests) - sizeOf(b.spec.resources?.requests))
      const plans = new Map<string, VolumePlan>()
      plansOf.set(cycle, plans)
      return { state: { bound, waiting, plans } }
    },
    filter(_, node, state) {
      const volumes = state.bound.map(({ spec }) => storage.volumes.get(spec.volumeName ?? ''))
      const plan = planFor(state, node)
      const reasons: string[] = []
      if (volumes.some(volume => volume && !isReachable(volume, node))) reasons.push(outOfReach)
      if (!plan) reasons.push(nothingToBind)
      if (plan === 'full') reasons.push(noRoom)
      if (volumes.includes(undefined)) reasons.push(volumeGone)
      if (plan && plan !== 'full') state.plans.set(node.name, plan)
      return reasons.length > 0 ? refusalFor(reasons) : undefined
    },
    reserve(cycle, nodeName) {
      for (const { claim, volume } of planOf(cycle, nodeName)?.bindings ?? []) promised.set(volume.metadata.name, keyOf(claim))
    },
    unreserve(cycle, nodeName) {
      for (const { volume } of planOf(cycle, nodeName)?.bindings ?? []) promised.delete(volume.metadata.name)
    },
    async preBind(cycle, nodeName, signal) {
      const plan = planOf(cycle, nodeName)
      if (!plan || plan.bindings.length + plan.provisions.length === 0) return
      await bindVolumes(cycle.pod, plan, nodeName, signal)
      for (const { volume } of plan.bindings) promised.delete(volume.metadata.name)
    },
    wakes: {
      storageClass: (_, { after }) => after !== undefined,
      claim: (pod, { after }) => isOwnClaim(pod, after),
      volume: (_, { after }) => after !== undefined,
      node: (_, { action }) => action !== 'delete',
    },
  }
}

function problemWith(claims: readonly PersistentVolumeClaim[]): string | undefined {
  for (const { metadata, spec, status } of claims) {
    if (status.phase === 'Lost')
      return `persistentvolumeclaim "${metadata.name}" bound to non-existent persistentvolume "${spec.volumeName}"`
    if (metadata.deletionTimestamp) return `persistentvolumeclaim "${metadata.name}" is being deleted`
  }
  return undefined
}
