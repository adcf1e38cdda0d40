import { keyOf } from '../../api/keys.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject, OwnerReference } from '../../api/transport.ts'
import type { Ref } from '../../client/client.ts'
import { groupOf } from '../../client/watches.ts'

/** Names any object of any kind in one word, for the queue: `apps/Deployment default/web`. */
export function objectKey(kind: AnyKind, object: { metadata: { name: string; namespace?: string | undefined } }): string {
  return `${kind.group}/${kind.kind} ${keyOf(object)}`
}

/** Finds kinds by the names that keys and owner references give them. */
export interface KindsByName {
  ofKey(key: string): { kind: AnyKind; key: string } | undefined
  ofOwner(reference: OwnerReference): AnyKind | undefined
}

export function kindsByName(kinds: readonly AnyKind[]): KindsByName {
  const byName = new Map(kinds.map(kind => [`${kind.group}/${kind.kind}`, kind]))
  return {
    ofKey(key) {
      const space = key.indexOf(' ')
      const kind = byName.get(key.slice(0, space))
      return kind && { kind, key: key.slice(space + 1) }
    },
    ofOwner: reference => byName.get(`${groupOf(reference)}/${reference.kind}`),
  }
}

/**
 * Where an owner must be: in its dependent's namespace, or in none. `undefined`: a dependent without a namespace cannot be owned by
 * something that lives in one.
 */
export function ownerRef(kind: AnyKind, reference: OwnerReference, dependent: KubeObject): Ref | undefined {
  const { namespace } = dependent.metadata
  if (!kind.namespaced) return { name: reference.name }
  return namespace ? { name: reference.name, namespace } : undefined
}
