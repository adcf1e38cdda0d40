import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { Compacted, type Store } from '../storage/store.ts'
import { decode } from './codec.ts'
import { fromStore } from './store-errors.ts'
import { listPrefix, storeKey } from './store-keys.ts'

/** An object as it was when it went. */
export interface DeletedObject {
  /** Milliseconds since the epoch. */
  readonly deletedAt: number
  readonly object: KubeObject
}

interface Wanted {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  /** Milliseconds since the epoch: what went earlier is left out. */
  readonly since: number
}

/** The objects of a kind that were deleted, the last one first: read from the store's log, as far back as that reaches. */
export async function deletedObjects(store: Store, kind: AnyKind, { namespace, name, since }: Wanted): Promise<DeletedObject[]> {
  const prefix = listPrefix(kind, namespace)
  const isWanted = (key: string) =>
    name === undefined || namespace === undefined ? key.startsWith(prefix) : key === storeKey(kind, namespace, name)
  const head = await fromStore(store.revision())
  const from = await revisionBefore(store, since, head)
  const found: DeletedObject[] = []
  if (from >= head) return found
  const stop = new AbortController()
  try {
    // All keys, so that the newest revision is sure to come by: that is the end.
    for await (const events of store.watch('', from, stop.signal)) {
      for (const { type, entry, time } of events) {
        if (type === 'delete' && time >= since && isWanted(entry.key))
          found.push({ deletedAt: time, object: decode(entry.value) })
      }
      if ((events.at(-1)?.entry.revision ?? 0) >= head) break
    }
  } catch (error) {
    // Compaction overtook us: what it left is what there is.
    if (!(error instanceof Compacted)) throw error
  } finally {
    stop.abort()
  }
  const isNamed = ({ object: { metadata } }: DeletedObject) => name === undefined || metadata.name === name
  return found.filter(isNamed).reverse()
}

/** A revision that was committed before a time, or the oldest there is. */
async function revisionBefore(store: Store, time: number, head: number): Promise<number> {
  let low = await fromStore(store.compactedRevision())
  let high = head
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const event = await fromStore(store.at(middle))
    if (event && event.time >= time) high = middle - 1
    else low = middle
  }
  return low
}
