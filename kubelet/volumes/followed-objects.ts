import type { AnyKind, ObjectOf } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Client } from '../../client/client.ts'
import { exponentialBackoff } from '../../lib/backoff.ts'
import type { Clock } from '../../lib/clock.ts'

/**
 * Single objects that pods mount, each read once and then watched for as long as a pod on this node mounts it
 * (configMapAndSecretChangeDetectionStrategy Watch). Immutable ones are not watched.
 */
export interface FollowedObjects {
  /** The object as it is now; `undefined`: there is none. Rejects with an ApiError. */
  get<K extends AnyKind>(kind: K, ref: { namespace: string; name: string }, podUid: string): Promise<ObjectOf<K> | undefined>
  /** A pod needs nothing any more. */
  release(podUid: string): void
  /** Ends all watches. */
  stop(): void
}

interface Entry {
  /** Absent while nothing is known for sure: before the first answer and while the watch is down. */
  known: { readonly object: KubeObject | undefined } | undefined
  readonly first: Promise<unknown>
  readonly pods: Set<string>
  readonly stop: AbortController
}

const retry = { initialInMs: 800, maxInMs: 30_000 }
const healthyAfterMs = 1000

/** `onChange` hears of every pod that mounts what has changed. */
export function followedObjects({
  client,
  clock,
  onChange,
}: {
  client: Client
  clock: Clock
  onChange: (podUids: readonly string[]) => void
}): FollowedObjects {
  const entries = new Map<string, Entry>()

  const begin = (kind: AnyKind, { namespace, name }: { namespace: string; name: string }): Entry => {
    const stop = new AbortController()
    const { signal } = stop
    const selection = { namespace, fieldSelector: `metadata.name=${name}` }
    let lastVersion: string | undefined

    const learn = (object: KubeObject | undefined) => {
      const version = object?.metadata.resourceVersion ?? ''
      const isNews = lastVersion !== undefined && lastVersion !== version
      lastVersion = version
      entry.known = { object }
      if (isNews) onChange([...entry.pods])
    }
    const list = async () => {
      const { items, metadata } = await client.list(kind, selection)
      if (!signal.aborted) learn(items[0])
      return metadata.resourceVersion
    }
    const isSettled = () => (entry.known?.object as { immutable?: boolean } | undefined)?.immutable === true

    const watch = async (resourceVersion: string) => {
      for await (const events of client.watch(kind, { ...selection, resourceVersion }, signal))
        for (const event of events)
          if (event.type === 'DELETED') learn(undefined)
          else if (event.type !== 'BOOKMARK') learn(event.object)
    }
    const follow = async (from: Promise<string>) => {
      const backoff = exponentialBackoff(retry)
      let listed: Promise<string> | undefined = from
      while (!signal.aborted) {
        const startedAt = clock.monotonic()
        try {
          const resourceVersion = await (listed ?? list())
          listed = undefined
          if (isSettled()) return
          await watch(resourceVersion)
        } catch {
          // Whoever asks meanwhile asks the API server, and hears from it why.
          listed = undefined
        }
        entry.known = undefined
        if (clock.monotonic() - startedAt >= healthyAfterMs) backoff.reset()
        if (!signal.aborted) await clock.sleep(backoff.next(), signal)
      }
    }
    const first = Promise.resolve().then(list)
    const entry: Entry = { known: undefined, first, pods: new Set(), stop }
    void follow(first)
    return entry
  }

  return {
    async get(kind, ref, podUid) {
      const key = `${kind.group}/${kind.kind}/${ref.namespace}/${ref.name}`
      let entry = entries.get(key)
      if (!entry) entries.set(key, (entry = begin(kind, ref)))
      entry.pods.add(podUid)
      await entry.first.catch(() => {})
      if (entry.known) return entry.known.object as never
      const { items } = await client.list(kind, { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` })
      return items[0]
    },
    release(podUid) {
      for (const [key, entry] of entries)
        if (entry.pods.delete(podUid) && entry.pods.size === 0) {
          entries.delete(key)
          entry.stop.abort()
        }
    },
    stop() {
      for (const { stop } of entries.values()) stop.abort()
      entries.clear()
    },
  }
}
