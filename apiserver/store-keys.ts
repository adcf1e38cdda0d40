import type { AnyKind } from '../api/kind.ts'

type Kept = Pick<AnyKind, 'group' | 'plural' | 'storedAs'>

/** Made once for each kind: every request asks for some. */
const prefixes = new WeakMap<Kept, string>()

/** Where the store keeps a kind, whatever version of it: `/registry/apps/deployments/`, `/registry/core/pods/`. */
export function kindPrefix(kind: Kept): string {
  let known = prefixes.get(kind)
  if (known === undefined) {
    const { group, plural } = kind.storedAs?.kind ?? kind
    prefixes.set(kind, (known = `/registry/${group || 'core'}/${plural}/`))
  }
  return known
}

/** Everything of a kind, in one namespace if one is given. */
export function listPrefix(kind: AnyKind, namespace: string | undefined): string {
  return namespace ? `${kindPrefix(kind)}${namespace}/` : kindPrefix(kind)
}

/** The key of one object. */
export function storeKey(kind: Kept, namespace: string | undefined, name: string): string {
  return namespace ? `${kindPrefix(kind)}${namespace}/${name}` : kindPrefix(kind) + name
}

/** The kind's prefix that a key starts with. */
export function prefixOfKey(key: string): string {
  const group = key.indexOf('/', 1)
  const plural = key.indexOf('/', group + 1)
  return key.slice(0, key.indexOf('/', plural + 1) + 1)
}
