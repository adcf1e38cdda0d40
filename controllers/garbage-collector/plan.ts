import type { DeletionPropagation, KubeObject, OwnerReference } from '../../api/transport.ts'

/** What there is to say about an owner. */
export type OwnerState =
  /** It is there, or cannot be asked about: its dependents stay. */
  | 'solid'
  /** It is not there, or another object has its name. */
  | 'absent'
  /** It is there and being deleted in the foreground: it waits for its dependents. */
  | 'waiting'

export type Decision =
  | { readonly type: 'keep' }
  /** Some owners remain: forget the others. */
  | { readonly type: 'forget'; readonly uids: readonly string[] }
  | { readonly type: 'delete'; readonly propagation: DeletionPropagation; readonly unblock: boolean; readonly because: string }

export const foreground = 'foregroundDeletion'
export const orphan = 'orphan'

/**
 * What becomes of an object with owners (pkg/controller/garbagecollector, attemptToDeleteItem). `dependents` are its own.
 */
export function plan(
  object: KubeObject,
  stateOf: (owner: OwnerReference) => OwnerState,
  dependents: readonly KubeObject[],
): Decision {
  const owners = object.metadata.ownerReferences ?? []
  if (owners.length === 0 || object.metadata.deletionTimestamp) return { type: 'keep' }
  const states = owners.map(stateOf)
  const named = (state: OwnerState) => owners.filter((_, i) => states[i] === state)
  if (states.includes('solid')) {
    const gone = owners.filter((_, i) => states[i] !== 'solid').map(owner => owner.uid)
    return gone.length > 0 ? { type: 'forget', uids: gone } : { type: 'keep' }
  }
  const [waiting] = named('waiting')
  if (waiting && dependents.length > 0) {
    // A dependent that itself waits in the foreground may wait for this very object: a circle, unless this one blocks nobody.
    const unblock = dependents.some(dependent => isWaiting(dependent))
    const because = `its owner ${waiting.kind} ${waiting.name} waits for its dependents to go`
    return { type: 'delete', propagation: 'Foreground', unblock, because }
  }
  const [owner] = owners
  const because = waiting
    ? `its owner ${waiting.kind} ${waiting.name} waits for its dependents to go`
    : `its owner ${owner?.kind} ${owner?.name} is gone`
  return { type: 'delete', propagation: ownPropagation(object), unblock: false, because }
}

/** What the object's own finalizers ask for, for its own dependents. */
function ownPropagation({ metadata }: KubeObject): DeletionPropagation {
  if (metadata.finalizers?.includes(orphan)) return 'Orphan'
  return metadata.finalizers?.includes(foreground) ? 'Foreground' : 'Background'
}

/** Whether an object is being deleted and waits for its dependents. */
export function isWaiting({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(foreground) ?? false)
}

/** Whether an object is being deleted and its dependents are to lose it as an owner. */
export function isOrphaning({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(orphan) ?? false)
}

/** Whether a dependent keeps its owner from vanishing in the foreground. */
export function blocks(dependent: KubeObject, ownerUid: string): boolean {
  return dependent.metadata.ownerReferences?.some(owner => owner.uid === ownerUid && owner.blockOwnerDeletion === true) ?? false
}
