import { deepEqual } from '../../lib/json.ts'
import { type Conflict, conflictError } from './conflicts.ts'
import { fieldSetOf } from './extract.ts'
import { difference, type FieldSet, hasPath, intersection, isEmptySet, union, withoutTrees } from './field-set.ts'
import type { FieldType } from './field-type.ts'
import { dropEmpty, entry, fieldsOf, type Identity, identityOf, type ManagedEntry, type Managers } from './managed.ts'
import { merge } from './merge.ts'
import { changesByVersion, dispossess, type Ownership, versionOf, withoutStripped } from './ownership.ts'
import { withNamedFields, withoutItems } from './remove.ts'

/** What an applier says. */
export interface Intent {
  /** The object as it is. */
  readonly live: object
  /** The part of it that somebody wants. */
  readonly wanted: object
  readonly identity: Identity
  /** Takes fields from those who own them. */
  readonly force: boolean
  /** Fields that may be taken without force. */
  readonly allowed?: FieldSet | undefined
  readonly time: string
}

/**
 * Server-side apply: what somebody wants on top of what is there, without what they wanted before and want no longer. Answers the
 * new object; `managers` comes to say who owns what. Throws a Conflict if others own what would change
 * (sigs.k8s.io/structured-merge-diff, merge/update.go).
 */
export async function apply(ownership: Ownership, managers: Managers, intent: Intent): Promise<object> {
  const { version } = ownership
  const { live, wanted, identity, time } = intent
  const id = identityOf(identity)
  const last = managers.get(id)
  const fields = withoutTrees(fieldSetOf(version.type, wanted), version.reset)
  const owners: Managers = new Map(managers).set(id, entry(identity, last?.time, fields))
  const merged = merge(version.type, live, wanted) as object
  const next = last ? await pruned(ownership, owners, merged, last) : merged
  const changes = await changesByVersion(ownership, owners, live, next)
  const conflicts = dispossess(owners, changes, id)
  refuse(conflicts, intent)
  const kept = withoutStripped(fields)
  const hasChanged = !deepEqual(live, next)
  owners.set(id, entry(identity, hasChanged ? time : last?.time, kept))
  dropEmpty(owners)
  managers.clear()
  for (const [owner, each] of owners) managers.set(owner, each)
  return hasChanged ? next : live
}

/** Conflicts are fine with force, or as far as they are allowed. */
function refuse(conflicts: readonly Conflict[], { force, allowed }: Intent): void {
  if (force || conflicts.length === 0) return
  const left = allowed ? conflicts.filter(({ path }) => !hasPath(allowed, path)) : conflicts
  if (left.length > 0) throw conflictError(left)
}

/**
 * Without what its applier wanted last time and wants no longer, as far as nobody else owns it. It is told in the version in which
 * it was wanted then.
 */
async function pruned(ownership: Ownership, owners: Managers, merged: object, last: ManagedEntry): Promise<object> {
  const before = fieldsOf(last)
  const then = versionOf(ownership, last.apiVersion)
  if (isEmptySet(before) || !then) return merged
  const { type } = then
  const whole = await then.to(merged)
  let cut = itemsRemoved(type, whole, withNamedFields(type, before))
  for (const [apiVersion, claimed] of claimsByVersion(owners, last.apiVersion)) {
    const there = versionOf(ownership, apiVersion)
    if (!there) continue
    const kept = keepOwned(there.type, await there.to(merged), await there.to(await then.from(cut)), claimed)
    cut = await then.to(await there.from(kept))
  }
  return then.from(keepUnowned(type, whole, cut, before))
}

const itemsRemoved = (type: FieldType, value: object, set: FieldSet) => (withoutItems(type, value, set) ?? {}) as object

/** What anybody owns, by the version they name it in; the given version first. */
function claimsByVersion(owners: Managers, first: string): Map<string, FieldSet> {
  const claims = new Map<string, FieldSet>([[first, {}]])
  for (const owner of owners.values()) {
    claims.set(owner.apiVersion, union(claims.get(owner.apiVersion) ?? {}, fieldsOf(owner)))
  }
  return claims
}

/** Takes away again only what nobody claims. */
function keepOwned(type: FieldType, whole: object, cut: object, claimed: FieldSet): object {
  const named = (set: FieldSet) => withNamedFields(type, set)
  const left = union(named(fieldSetOf(type, cut)), named(claimed))
  return itemsRemoved(type, whole, difference(named(fieldSetOf(type, whole)), left))
}

/** What goes must have been the applier's own: anything else comes back. */
function keepUnowned(type: FieldType, whole: object, cut: object, before: FieldSet): object {
  const named = (set: FieldSet) => withNamedFields(type, set)
  const gone = difference(named(fieldSetOf(type, whole)), named(fieldSetOf(type, cut)))
  return itemsRemoved(type, whole, intersection(gone, named(before)))
}
