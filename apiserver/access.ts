import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Stored } from './request.ts'
import { allServed, served, servedNow } from './served.ts'
import { listPrefix, storeKey } from './store-keys.ts'
import type { WatchCache } from './watch-cache.ts'

/** Reading single objects in the version of the kind that is asked for, never older than the newest commit. */
export interface Access {
  stored(kind: AnyKind, namespace: string | undefined, name: string): Promise<Stored | undefined>
  get(kind: AnyKind, namespace: string | undefined, name: string): Promise<KubeObject | undefined>
  /** As `get`, if that can be told without waiting; undefined: look. */
  atHand(kind: AnyKind, namespace: string | undefined, name: string): KubeObject | undefined
  /** Goes on with what `get` answers: at once, wherever the object is at hand. */
  lookUp<T>(
    kind: AnyKind,
    namespace: string | undefined,
    name: string,
    goOn: (object: KubeObject | undefined) => T | Promise<T>,
  ): T | Promise<T>
  /** Every object of a kind, in key order. */
  all(kind: AnyKind): Promise<readonly KubeObject[]>
  /** As `all`, if that can be told without waiting; undefined: look. */
  allAtHand(kind: AnyKind): readonly KubeObject[] | undefined
  /** Those of one namespace. */
  inNamespace(kind: AnyKind, namespace: string): Promise<readonly Stored[]>
  /** Whether there certainly is no object of a kind, known without waiting; false: look. */
  hasNone(kind: AnyKind): boolean
}

export function access(cache: WatchCache): Access {
  const read: Access['stored'] = async (kind, namespace, name) => {
    const { objects } = await cache.latest(kind)
    const kept = objects.get(storeKey(kind, namespace, name))
    return kept && served(kind, kept)
  }
  const get: Access['get'] = async (kind, namespace, name) => (await read(kind, namespace, name))?.object
  const atHand: Access['atHand'] = (kind, namespace, name) => {
    const kept = cache.current(kind)?.objects.get(storeKey(kind, namespace, name))
    return kept && servedNow(kind, kept)?.object
  }
  return {
    stored: read,
    get,
    atHand,
    lookUp(kind, namespace, name, goOn) {
      const found = atHand(kind, namespace, name)
      return found ? goOn(found) : get(kind, namespace, name).then(goOn)
    },
    allAtHand(kind) {
      const { objects } = cache.current(kind) ?? {}
      return kind.storedAs ? undefined : objects?.valuesArray().map(({ object }) => object)
    },
    async all(kind) {
      const { objects } = await cache.latest(kind)
      return (await allServed(kind, objects.valuesArray())).map(({ object }) => object)
    },
    hasNone: kind => cache.current(kind)?.objects.size === 0,
    async inNamespace(kind, namespace) {
      const { objects } = await cache.latest(kind)
      if (objects.size === 0) return []
      const prefix = listPrefix(kind, namespace)
      const found: Stored[] = []
      for (const [key, stored] of objects.entries(prefix)) {
        if (!key.startsWith(prefix)) break
        found.push(stored)
      }
      return allServed(kind, found)
    },
  }
}
