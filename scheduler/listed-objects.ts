import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Client } from '../client/client.ts'
import type { Informer, Informers } from '../client/informer.ts'
import { type ObjectCache, objectCache } from '../client/object-cache.ts'

const pageSize = 500

/** Tells what is in a cache, and never that anything changes. */
export function stillInformer(cache: ObjectCache<KubeObject>): Informer {
  return {
    lister: cache,
    run: async () => {},
    isSynced: true,
    synced: async () => {},
    revision: 0,
    reached: async () => {},
    moved: async () => {},
    subscribe: () => () => {},
    index: (name, values) => cache.index(name, values),
  }
}

/** What informers would know at one moment: listers of whatever is asked for, filled by one LIST of each kind. Nothing is watched. */
export function listedObjects(client: Client): { readonly informers: Informers; fill(): Promise<void> } {
  const known = new Map<AnyKind, { readonly informer: Informer; readonly cache: ObjectCache<KubeObject> }>()
  const make = () => {
    const cache = objectCache<KubeObject>()
    return { informer: stillInformer(cache), cache }
  }
  const fillOne = async (kind: AnyKind, cache: ObjectCache<KubeObject>) => {
    let token: string | undefined
    do {
      const page = await client.list(kind, { limit: pageSize, ...(token && { continue: token }) })
      for (const object of page.items) cache.set(object as unknown as KubeObject)
      token = page.metadata.continue
    } while (token)
    cache.isSynced = true
  }
  const informers: Informers = {
    of(kind) {
      const one = known.get(kind) ?? make()
      known.set(kind, one)
      return one.informer as never
    },
    forget: kind => void known.delete(kind),
    run: async () => {},
    synced: async () => {},
  }
  return {
    informers,
    async fill() {
      await Promise.all([...known].map(([kind, { cache }]) => fillOne(kind, cache)))
    },
  }
}
