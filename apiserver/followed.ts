import { isReason } from '../api/errors.ts'
import type { AnyKind, ObjectOf } from '../api/kind.ts'
import { keyOf } from '../api/meta.ts'
import type { KubeObject } from '../api/transport.ts'
import { users } from '../api/user.ts'
import { exponentialBackoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { deferred } from '../lib/deferred.ts'
import type { Log } from '../lib/log.ts'
import type { Run } from '../lib/run.ts'
import type { ApiRequest, Handle } from './request.ts'
import { visitInSlices } from './slices.ts'

/** All objects of a kind, at hand without waiting: what the server itself goes by. A moment old at most. */
export interface Followed<T extends KubeObject = KubeObject> {
  /** The kind's plural. */
  readonly name: string
  readonly byKey: ReadonlyMap<string, T>
  /** Goes up with every change. */
  readonly version: number
  readonly run: Run
  /** Resolves when all objects are in for the first time. */
  readonly synced: Promise<void>
}

export interface FollowOptions {
  readonly handle: Handle
  readonly clock: Clock
  readonly log: Log
}

type OnChange<T> = (key: string, now: T | undefined, before: T | undefined) => void

/** Lists and watches a kind through the pipeline, as the server itself. `onChange` keeps the caller's indexes. */
export function followed<K extends AnyKind>(
  kind: K,
  { handle, clock, log }: FollowOptions,
  onChange: OnChange<ObjectOf<K>> = () => {},
): Followed<ObjectOf<K>> {
  const byKey = new Map<string, ObjectOf<K>>()
  const request = { group: kind.group, version: kind.version, resource: kind.plural, user: users.apiServer } as const
  let version = 0
  const synced = deferred()

  function set(key: string, now: ObjectOf<K> | undefined): void {
    const before = byKey.get(key)
    if (now) byKey.set(key, now)
    else byKey.delete(key)
    version++
    onChange(key, now, before)
  }

  async function list(): Promise<string> {
    const response = await handle({ ...request, verb: 'list', options: {} } satisfies ApiRequest)
    if (response.type !== 'list') throw new Error(`a list of ${kind.plural} answered no list`)
    const gone = new Set(byKey.keys())
    await visitInSlices(response.items, clock, ({ object }) => {
      const key = keyOf(object)
      gone.delete(key)
      set(key, object as ObjectOf<K>)
    })
    for (const key of gone) set(key, undefined)
    synced.resolve()
    return response.resourceVersion
  }

  async function watch(since: string, signal: AbortSignal): Promise<string> {
    let resourceVersion = since
    const options = { resourceVersion, allowWatchBookmarks: true }
    const response = await handle({ ...request, verb: 'watch', options, signal })
    if (response.type !== 'watch') throw new Error(`a watch of ${kind.plural} answered no watch`)
    for await (const frames of response.events) {
      for (const { type, object } of frames) {
        if (type !== 'BOOKMARK') set(keyOf(object), type === 'DELETED' ? undefined : (object as ObjectOf<K>))
        resourceVersion = object.metadata.resourceVersion
      }
    }
    return resourceVersion
  }

  return {
    name: kind.plural,
    byKey,
    synced: synced.promise,
    get version() {
      return version
    },
    async run(signal) {
      const backoff = exponentialBackoff({ initialInMs: 50, maxInMs: 5_000 })
      let since: string | undefined
      while (!signal.aborted) {
        try {
          since = await watch(since ?? (await list()), signal)
          backoff.reset()
        } catch (err) {
          since = undefined
          if (isReason(err, 'Expired', 'Gone')) continue
          log.warn({ err, kind: kind.kind }, 'the server lost sight of a kind that it follows, and looks again')
          await clock.sleep(backoff.next(), signal)
        }
      }
    },
  }
}
