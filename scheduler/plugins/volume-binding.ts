import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { keyOf } from '../../api/meta.ts'
import { value } from '../../api/quantity.ts'
import type { CSINode } from '../../api/storage/csi-node.ts'
import type { CSIStorageCapacity } from '../../api/storage/csi-storage-capacity.ts'
import { deepEqual } from '../../lib/json.ts'
import { type Cycle, type Plugin, type Refusal, unresolvable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { isNewOrRelabelled } from './changes.ts'
import {
  claimsOf,
  classNameOf,
  isFullyBound,
  isNamedClaim,
  isOwnClaim,
  missingClaim,
  type StorageListers,
  selectedNode,
  waitsForConsumer,
} from './pod-claims.ts'
import type { HasRoom } from './storage-capacity.ts'
import { isProvisionable, isReachable, matchingVolume, sizeOf } from './volume-matching.ts'
import type { BindVolumes } from './volume-writes.ts'

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

/** To which claims volumes were promised whose binding is not through yet, by the volumes' names. All profiles share them. */
export type VolumePromises = Map<string, string>

interface State {
  readonly bound: readonly PersistentVolumeClaim[]
  /** Those with a node first; smallest first, so that large volumes are left for large claims. */
  readonly waiting: readonly PersistentVolumeClaim[]
  readonly plans: Map<string, VolumePlan>
}

/**
 * Bound claims keep a pod near their volumes; claims that wait for their first consumer get a volume together with the pod: chosen by
 * the filter, promised by reserve, written by preBind, which then waits for the volume controller (plugins/volumebinding, semantics A5).
 */
export function volumeBinding(
  storage: StorageListers,
  bindVolumes: BindVolumes,
  hasRoom: HasRoom = () => true,
  promised: VolumePromises = new Map(),
): Plugin<State> {
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
    if (waiting.some(claim => nodeOf(claim) !== undefined && nodeOf(claim) !== node.name)) return undefined
    for (const claim of waiting) {
      const isTaken = (volume: string) =>
        (promised.get(volume) ?? keyOf(claim)) !== keyOf(claim) || bindings.some(other => other.volume.metadata.name === volume)
      const volume = nodeOf(claim) === undefined ? matchingVolume(claim, node, storage.volumes.list(), isTaken) : undefined
      if (volume) bindings.push({ claim, volume })
      else provisions.push(claim)
    }
    for (const claim of provisions) {
      const storageClass = storage.classes.get(classNameOf(claim))
      if (!isProvisionable(storageClass, node)) return undefined
      if (!hasRoom(claim, storageClass, node)) return 'full'
    }
    return { bindings, provisions }
  }
  const planOf = (cycle: Cycle, nodeName: string) => plansOf.get(cycle)?.get(nodeName)

  return {
    name,
    preFilter(cycle) {
      const { pod } = cycle
      if (pod.claims.length === 0) return 'skip'
      for (const claimName of pod.claims) {
        const problem = problemWith(storage.claims.get(`${pod.namespace}/${claimName}`), pod, claimName)
        if (problem) return { refusal: unresolvable(name, problem) }
      }
      const claims = claimsOf(pod, storage)
      const bound = claims.filter(isFullyBound)
      const unbound = claims.filter(claim => !isFullyBound(claim))
      if (unbound.some(claim => claim.spec.volumeName || !waitsForConsumer(claim, storage))) return { refusal: unboundImmediate }
      const waiting = unbound.sort(bySelectionAndSize)
      const plans = new Map<string, VolumePlan>()
      plansOf.set(cycle, plans)
      return { state: { bound, waiting, plans } }
    },
    filter(_, node, state) {
      const bound = boundProblem(state.bound, node, storage)
      const plan = planFor(state, node)
      const reasons: string[] = []
      if (bound === outOfReach) reasons.push(bound)
      if (!plan) reasons.push(nothingToBind)
      if (plan === 'full') reasons.push(noRoom)
      if (bound === volumeGone) reasons.push(bound)
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
      storageClass: (_, { before, after }) =>
        after !== undefined && !(before && deepEqual(before.allowedTopologies, after.allowedTopologies)),
      claim: (pod, { after }) => isOwnClaim(pod, after),
      volume: (_, { after }) => after !== undefined,
      node: (_, change) => isNewOrRelabelled(change),
      csiNode: (_, { before, after }) => after !== undefined && !(before && migrated(before) === migrated(after)),
      csiDriver: (_, { before, after }) => !!before?.spec.storageCapacity && !!after && !after.spec.storageCapacity,
      storageCapacity: (_, { before, after }) => after !== undefined && (!before || limitOf(after) > limitOf(before)),
    },
  }
}

/** What a driver does in place of the program: a node that changes its mind may reach other volumes. */
const migrated = ({ metadata }: CSINode) => metadata.annotations?.['storage.alpha.kubernetes.io/migrated-plugins']

const limitOf = ({ maximumVolumeSize, capacity }: CSIStorageCapacity) => value(maximumVolumeSize ?? capacity ?? '0')

const sizeOfClaim = ({ spec }: PersistentVolumeClaim) => sizeOf(spec.resources?.requests)
const nodeOf = ({ metadata }: PersistentVolumeClaim) => metadata.annotations?.[selectedNode]
const rank = (claim: PersistentVolumeClaim) => (nodeOf(claim) === undefined ? 1 : 0)

function bySelectionAndSize(a: PersistentVolumeClaim, b: PersistentVolumeClaim): number {
  return rank(a) - rank(b) || sizeOfClaim(a) - sizeOfClaim(b)
}

/** Why the bound claims keep a pod from a node; the first in the way decides. */
function boundProblem(claims: readonly PersistentVolumeClaim[], node: NodeInfo, { volumes }: StorageListers): string | undefined {
  for (const { spec } of claims) {
    const volume = volumes.get(spec.volumeName ?? '')
    if (!volume) return volumeGone
    if (!isReachable(volume, node)) return outOfReach
  }
  return undefined
}

function problemWith(claim: PersistentVolumeClaim | undefined, pod: PodInfo, name: string): string | undefined {
  if (!claim) return missingClaim(pod, name)
  const { metadata, spec, status } = claim
  if (status.phase === 'Lost')
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${spec.volumeName ?? ''}"`
  if (metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`
  const isOwned = metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === pod.uid)
  if (isOwned || isNamedClaim(pod, name)) return undefined
  return `PVC ${metadata.namespace}/${name} was not created for pod ${pod.key} (pod is not owner)`
}
