import { keyOf } from '../../api/keys.ts'
import { type AnyKind, apiVersionOf, type ObjectOf } from '../../api/kind.ts'
import type { KubeObject, OwnerReference } from '../../api/transport.ts'
import type { Index, Watch } from '../../client/controller.ts'
import type { Lister } from '../../client/informer.ts'
import { controllerOf } from '../../client/watches.ts'

/** The reference that makes an object of a kind the controller of what carries it. */
export function controllerReference(kind: AnyKind, owner: KubeObject): OwnerReference {
  const { name, uid } = owner.metadata
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/** Files objects under the UID of their controller, and those without one under their namespace. */
export function controllerIndex(kind: AnyKind): Index {
  return { kind, name: indexName, values: controllerUid }
}
const indexName = 'controller'
const controllerUid = (object: KubeObject) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)]
const orphansOf = (namespace = '') => `orphans of ${namespace}`

/** The objects that an owner controls, as far as a cache with the controller index knows. */
export function controlledBy<T extends KubeObject>(lister: Lister<T>, owner: { metadata: { uid: string } }): readonly T[] {
  return lister.by(indexName, owner.metadata.uid)
}

/** The objects of a namespace that nobody controls. */
export function orphansIn<T extends KubeObject>(lister: Lister<T>, namespace: string | undefined): readonly T[] {
  return lister.by(indexName, orphansOf(namespace))
}

/** Wakes those of a kind that might adopt an object nobody controls. */
export function adopterKeys<K extends AnyKind>(
  kind: K,
  selects: (adopter: ObjectOf<K>, labels: Readonly<Record<string, string>>) => boolean,
): Watch['keys'] {
  return ({ type, object }, lister) => {
    if (type === 'deleted' || controllerOf(object)) return []
    const { namespace, labels = {} } = object.metadata
    const adopters = lister(kind).list(namespace) as readonly (ObjectOf<K> & KubeObject)[]
    return adopters.filter(adopter => selects(adopter, labels)).map(keyOf)
  }
}
