import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Stored } from './request.ts'
import { storeKey } from './store-keys.ts'
import type { WatchCache } from './watch-cache.ts'

/** Reading single objects, never older than the newest commit. */
export interface Access {
  stored(kind: AnyKind, namespace: string | undefined, name: string): Promise<Stored | undefined>
  get(kind: AnyKind, namespace: string | undefined, name: string): Promise<KubeObject | undefined>
  /** Every object of a kind, in key order. */
  all(kind: AnyKind): Promise<readonly KubeObject[]>
}

export function access(cache: WatchCache): Access {
  const read: Access['stored'] = async (kind, namespace, name) => {
    const { objects } = await cache.latest(kind)
    return objects.get(storeKey(kind, namespace, name))
  }
  return {
    stored: read,
    async get(kind, namespace, name) {
      return (await read(kind, namespace, name))?.object
    },
    async all(kind) {
      const { objects } = await cache.latest(kind)
      return objects.valuesArray().map(({ object }) => object)
    },
  }
}
