import { keyOf } from '../../api/keys.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Index, ListerOf } from '../../client/controller.ts'
import type { Change, Lister } from '../../client/informer.ts'
import { deepEqual } from '../../lib/json.ts'
import { type KindsByName, objectKey, ownerRef } from './object-keys.ts'
import { isOrphaning, isWaiting } from './plan.ts'

export interface Dependent {
  readonly kind: AnyKind
  readonly object: KubeObject
}

const indexName = 'owners'
const ownerUids = (object: KubeObject) => object.metadata.ownerReferences?.map(owner => owner.uid) ?? []

/** Files objects of a kind under the UIDs of all their owners: the graph, spread over the informers. */
export function ownersIndex(kind: AnyKind): Index {
  return { kind, name: indexName, values: ownerUids }
}

/** Everything that names an object as an owner, and is where the object may own it. */
export function dependentsOf(kinds: readonly AnyKind[], lister: ListerOf, owner: KubeObject): Dependent[] {
  const { uid, namespace } = owner.metadata
  return kinds.flatMap(kind => {
    const objects = (lister(kind) as Lister).by(indexName, uid)
    return objects.filter(object => !namespace || object.metadata.namespace === namespace).map(object => ({ kind, object }))
  })
}

/**
 * Whom a change of an object concerns: itself, when an owner seems to be gone; its dependents, when it is gone or about to be; its
 * owners, when they wait for it. Most changes concern nobody.
 */
export function concernedBy(
  { type, object, previous }: Change,
  kind: AnyKind,
  kinds: readonly AnyKind[],
  names: KindsByName,
  lister: ListerOf,
): readonly string[] {
  const concerned: string[] = []
  const dependents = () => {
    for (const dependent of dependentsOf(kinds, lister, object)) concerned.push(objectKey(dependent.kind, dependent.object))
  }
  const owners = object.metadata.ownerReferences
  const formerOwners = previous?.metadata.ownerReferences
  if (type === 'deleted') {
    dependents()
    wakeWaitingOwners(formerOwners)
    return concerned
  }
  if (isWaiting(object) && !(previous && isWaiting(previous))) dependents()
  if (isWaiting(object) || isOrphaning(object)) concerned.push(objectKey(kind, object))
  const ownersChanged = previous !== undefined && !deepEqual(owners ?? [], formerOwners ?? [])
  if (ownersChanged) wakeWaitingOwners(formerOwners)
  if (owners && (!previous || ownersChanged) && owners.some(owner => !isSound(owner))) concerned.push(objectKey(kind, object))
  return concerned

  function known(owner: NonNullable<typeof owners>[number]): { kind: AnyKind; object: KubeObject } | undefined {
    const ownerKind = names.ofOwner(owner)
    const ref = ownerKind && ownerRef(ownerKind, owner, object)
    const found = ref && ((lister(ownerKind) as Lister).get(keyOf({ metadata: ref })) as KubeObject | undefined)
    return found?.metadata.uid === owner.uid && ownerKind ? { kind: ownerKind, object: found } : undefined
  }
  function isSound(owner: NonNullable<typeof owners>[number]): boolean {
    const found = known(owner)
    return found !== undefined && !isWaiting(found.object)
  }
  function wakeWaitingOwners(references: typeof owners = []) {
    for (const reference of references) {
      const owner = known(reference)
      if (owner && isWaiting(owner.object)) concerned.push(objectKey(owner.kind, owner.object))
    }
  }
}
