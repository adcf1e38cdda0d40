import type { AnyKind, ObjectOf } from '../../../api/kind.ts'
import type { Watch } from '../../../client/controller.ts'
import { controllerOf, either, ownerKeys } from '../../../client/watches.ts'
import { adopterKeys } from '../owner-references.ts'

/** A revision wakes its owner when it changes or goes, and those that might adopt it when nobody owns it. Its birth is no news. */
export function revisionKeys<K extends AnyKind>(
  kind: K,
  selects: (owner: ObjectOf<K>, labels: Readonly<Record<string, string>>) => boolean,
): Watch['keys'] {
  const keys = either(ownerKeys(kind), adopterKeys(kind, selects))
  return (change, lister) => (change.type === 'added' && controllerOf(change.object) ? [] : keys(change, lister))
}
