import { type Changes, compare, withoutChanges } from './compare.ts'
import { type Conflict, conflictsWith } from './conflicts.ts'
import { difference, type FieldSet, intersection, isEmptySet, setOf, union, withoutTrees } from './field-set.ts'
import type { FieldType } from './field-type.ts'
import { capUpdateManagers, dropEmpty, entry, fieldsOf, type Identity, identityOf, type Managers, withFields } from './managed.ts'
import { fieldElement } from './path-element.ts'

/** An object in one version of its kind. */
export interface Version {
  readonly type: FieldType
  readonly apiVersion: string
  /** What the endpoint that is written through resets: nobody owns it there, whatever is sent. */
  readonly reset: FieldSet
}

/** A version of the kind, and how objects get there from the version that is written now, and back. */
export interface OtherVersion extends Version {
  to(object: object): object | Promise<object>
  from(object: object): object | Promise<object>
}

/** What has to be known about a kind to say who owns what. */
export interface Ownership {
  readonly version: Version
  /** The version of another name; undefined: there is no such version any more. */
  readonly otherVersion: (apiVersion: string) => OtherVersion | undefined
}

/** The version in which an entry names its fields, be it the one that is written now. */
export function versionOf({ version, otherVersion }: Ownership, apiVersion: string): OtherVersion | undefined {
  const same = (object: object) => object
  return apiVersion === version.apiVersion ? { ...version, to: same, from: same } : otherVersion(apiVersion)
}

/** What nobody ever owns (apimachinery managedfields/internal/stripmeta.go). */
const strippedNames = 'name namespace creationTimestamp selfLink uid clusterName generation managedFields resourceVersion'
const stripped = setOf(
  [fieldElement('apiVersion')],
  [fieldElement('kind')],
  [fieldElement('metadata')],
  ...strippedNames.split(' ').map(name => [fieldElement('metadata'), fieldElement(name)]),
)

/** The fields that can be owned. */
export const withoutStripped = (fields: FieldSet) => difference(fields, stripped)

/** The changes from one state to another, in each version that owners speak in. */
export async function changesByVersion(
  { version, otherVersion }: Ownership,
  managers: Managers,
  before: object,
  after: object,
): Promise<Map<string, Changes>> {
  const own = withoutChanges(compare(version.type, before, after), version.reset)
  const changes = new Map([[version.apiVersion, own]])
  for (const { apiVersion } of managers.values()) {
    if (changes.has(apiVersion)) continue
    const other = otherVersion(apiVersion)
    if (!other) continue
    const there = compare(other.type, await other.to(before), await other.to(after))
    changes.set(apiVersion, withoutChanges(there, other.reset))
  }
  return changes
}

const isUnchanged = ({ added, modified, removed }: Changes) => isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed)

/** Takes what changed away from all but one; answers who lost something that is still there. Changes the map. */
export function dispossess(managers: Managers, changes: ReadonlyMap<string, Changes>, except?: string): Conflict[] {
  const conflicts: Conflict[] = []
  for (const [identity, owner] of managers) {
    if (identity === except) continue
    const change = changes.get(owner.apiVersion)
    if (!change)
      managers.delete(identity) // of a version that is gone
    else if (!isUnchanged(change)) {
      const fields = fieldsOf(owner)
      const lost = intersection(fields, union(change.modified, change.added))
      const gone = intersection(fields, change.removed)
      if (!isEmptySet(lost)) conflicts.push(...conflictsWith(owner, lost))
      const taken = union(lost, gone)
      if (!isEmptySet(taken)) managers.set(identity, withFields(owner, difference(fields, taken)))
    }
  }
  return conflicts
}

interface Booking {
  readonly before: object
  readonly after: object
  readonly identity: Identity
  readonly time: string
}

/**
 * Books what a write other than an apply changed on whoever wrote it. Changes the map (sigs.k8s.io/structured-merge-diff,
 * merge/update.go, with apimachinery's managedfieldsupdater and capmanagers around it).
 */
export async function bookUpdate(
  ownership: Ownership,
  managers: Managers,
  { before, after, identity, time }: Booking,
): Promise<void> {
  const { version } = ownership
  const changes = await changesByVersion(ownership, managers, before, after)
  const { added, modified } = changes.get(version.apiVersion) ?? { added: {}, modified: {} }
  dispossess(managers, changes)
  dropEmpty(managers)
  const changed = withoutStripped(withoutTrees(union(modified, added), version.reset))
  if (!isEmptySet(changed)) {
    const id = identityOf(identity)
    const earlier = managers.get(id)
    managers.set(id, entry(identity, time, earlier ? union(changed, fieldsOf(earlier)) : changed))
  }
  capUpdateManagers(managers)
}
