import type { AnyKind, ObjectOf } from '../../api/kind.ts'
import type { WatchEvent } from '../../api/transport.ts'
import type { Client, ListOptions } from '../../client/client.ts'
import { type EventuallyOptions, eventually } from './eventually.ts'

/** What a watch tells, from a list on. */
export interface Watching<T> extends AsyncDisposable {
  /** What was there when it began. */
  readonly items: readonly T[]
  /** All that has come since, oldest first. */
  readonly events: readonly WatchEvent<T>[]
  /** The first event that is meant, now or later. */
  seen(isMeant: (event: WatchEvent<T>) => boolean, options?: EventuallyOptions): Promise<WatchEvent<T>>
}

/** Lists and watches from there until disposed of. */
export async function watching<K extends AnyKind>(
  client: Client,
  kind: K,
  options: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>,
): Promise<Watching<ObjectOf<K>>> {
  const { items, metadata } = await client.list(kind, options)
  const events: WatchEvent<ObjectOf<K>>[] = []
  const stop = new AbortController()
  const { resourceVersion } = metadata
  const follow = async () => {
    for await (const batch of client.watch(kind, { ...options, resourceVersion }, stop.signal)) events.push(...batch)
  }
  const following = follow()
  following.catch(() => {}) // told to whoever disposes
  return {
    items,
    events,
    seen: (isMeant, waiting) =>
      eventually(
        () => {
          const found = events.find(isMeant)
          if (!found) throw new Error(`not seen among ${events.length} events: ${events.map(({ type }) => type).join(' ')}`)
          return found
        },
        { timeoutInMs: 60_000, ...waiting },
      ),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await following
    },
  }
}
