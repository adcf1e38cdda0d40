import { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { type AnyKind, apiVersionOf } from '../../api/kind.ts'
import type { KubeObject, OwnerReference } from '../../api/transport.ts'
import { controllerReference } from '../shared/owner-references.ts'
import { isInRange, podName } from './names.ts'

/** Whose claims they are: a place in the set, and the pod in it, if there is one. */
export interface Holder {
  readonly ordinal: number
  readonly pod?: Pod | undefined
}

type Claim = Pick<PersistentVolumeClaim, 'metadata'>

const ownersOf = ({ metadata }: Claim): readonly OwnerReference[] => metadata.ownerReferences ?? []
const namesKind = (owner: OwnerReference, kind: AnyKind) => owner.kind === kind.kind && owner.apiVersion === apiVersionOf(kind)

/** Whether an owner goes by the name of the set or of its pod, whatever its UID. */
const isNamedLikeSet = (owner: OwnerReference, set: StatefulSet) =>
  namesKind(owner, StatefulSet) && owner.name === set.metadata.name
const isNamedLikePod = (owner: OwnerReference, set: StatefulSet, { ordinal }: Holder) =>
  namesKind(owner, Pod) && owner.name === podName(set, ordinal)

/** Whom the policy wants to own a claim: what it is deleted with. Nobody, for a claim that is kept. */
function wantedOwners(set: StatefulSet, { ordinal, pod }: Holder): { set: boolean; pod: boolean } {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  const goesWithPod = whenScaled === 'Delete' && pod !== undefined && !isInRange(set, ordinal)
  return { set: whenDeleted === 'Delete' && !goesWithPod, pod: goesWithPod }
}

/** Whether a claim waits for the removal together with an earlier pod of that name: no new pod may use it. */
export function isStale(claim: Claim, set: StatefulSet, holder: Holder): boolean {
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return false
  return ownersOf(claim).some(owner => isNamedLikePod(owner, set, holder) && owner.uid !== holder.pod?.metadata.uid)
}

/**
 * Whether somebody else manages a claim, so that the policy must not touch it: another controller, or a set or pod of the same name
 * that is not ours (pkg/controller/statefulset/stateful_set_utils.go, hasUnexpectedController).
 */
export function hasForeignController(claim: Claim, set: StatefulSet, holder: Holder): boolean {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  if (whenDeleted !== 'Delete' && whenScaled !== 'Delete') return false
  return ownersOf(claim).some(owner => {
    if (isNamedLikeSet(owner, set)) return owner.uid !== set.metadata.uid
    if (isNamedLikePod(owner, set, holder)) return owner.uid !== holder.pod?.metadata.uid
    return owner.controller === true
  })
}

/** Whether a claim has the owners that the policy wants, or is none of our business (isClaimOwnerUpToDate). */
export function isUpToDate(claim: Claim, set: StatefulSet, holder: Holder): boolean {
  const owners = ownersOf(claim)
  const isOf = (owner: KubeObject | undefined) => (reference: OwnerReference) => reference.uid === owner?.metadata.uid
  const isFromBefore = owners.some(
    owner =>
      (isNamedLikeSet(owner, set) && !isOf(set)(owner)) || (isNamedLikePod(owner, set, holder) && !isOf(holder.pod)(owner)),
  )
  if (isFromBefore) return true
  const [ofSet, ofPod] = [owners.find(isOf(set)), holder.pod && owners.find(isOf(holder.pod))]
  if (hasForeignController(claim, set, holder)) return !ofSet && !ofPod
  if ([ofSet, ofPod].some(owner => owner && !owner.controller)) return false
  const wanted = wantedOwners(set, holder)
  return Boolean(ofSet) === wanted.set && Boolean(ofPod) === wanted.pod
}

/** The owners a claim should have instead of those it has: others' stay, ours are as the policy wants, none beside a foreign controller. */
export function claimOwners(set: StatefulSet, holder: Holder, present: readonly OwnerReference[]): OwnerReference[] {
  const claim = { metadata: { ownerReferences: present } } as unknown as Claim
  const others = present.filter(owner => !isNamedLikeSet(owner, set) && !isNamedLikePod(owner, set, holder))
  if (hasForeignController(claim, set, holder)) return others
  const wanted = wantedOwners(set, holder)
  if (wanted.set) others.push(controllerReference(StatefulSet, set))
  if (wanted.pod && holder.pod) others.push(controllerReference(Pod, holder.pod))
  return others
}
