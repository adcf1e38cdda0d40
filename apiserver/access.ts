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
  /** Every object of a kind, in key order. */
  all(kind: AnyKind): Promise<readonly KubeObject[]>
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
  return {
    stored: read,
    async get(kind, namespace, name) {
      return (await read(kind, namespace, name))?.object
    },
    atHand(kind, namespace, name) {
      const kept = cache.current(kind)?.objects.get(storeKey(kind, namespace, name))
      return kept && servedNow(kind, kept)?.object
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
