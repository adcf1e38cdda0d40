import type { ApiError } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import { type Bell, bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { deferred } from '../lib/deferred.ts'
import type { Log } from '../lib/log.ts'
import type { Run } from '../lib/run.ts'
import type { Store, StoreEvent } from '../storage/store.ts'
import { bookmarkFrame } from './change.ts'
import { type KindCache, kindCache } from './kind-cache.ts'
import { selectableValue } from './selection.ts'
import { expired, fromStore, tooLargeRevision } from './store-errors.ts'
import { kindPrefix, prefixOfKey } from './store-keys.ts'

/**
 * What is in the store, in memory, kept up to date by one watch over everything. A kind is loaded when someone first asks for
 * it, as bytes; objects are decoded when someone looks.
 */
export interface WatchCache {
  readonly run: Run
  /** Resolves when `run` has begun to follow the store. */
  readonly started: Promise<void>
  /** Every commit up to this revision is in. */
  readonly revision: number
  /** The cache of a kind as it stands; loads it on first use. */
  of(kind: AnyKind): Promise<KindCache>
  /** As `of`, not older than the newest commit at the time of the call. */
  latest(kind: AnyKind): Promise<KindCache>
  /** The cache of a kind if it is there and lacks nothing that this server has committed. */
  current(kind: AnyKind): KindCache | undefined
  /** Tells that this server has committed a revision: from now on `current` is not older. */
  committed(revision: number): void
  /** Resolves when every commit up to a revision is in; Timeout after three seconds. */
  reached(revision: number): Promise<void>
  /** Forgets the kinds that come and go and are not among these any more; their watches end, to be begun again. */
  keepOnly(kinds: readonly AnyKind[]): void
}

interface Options {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

interface Slot {
  readonly kind: AnyKind
  cache?: KindCache
  loading?: Promise<KindCache>
  /** What came while the kind was being loaded. */
  readonly missed: StoreEvent[]
}

const longestWaitInMs = 3_000
const bookmarkEveryMs = 60_000
const retryInMs = 500

export function watchCache({ store, clock, log }: Options): WatchCache {
  const slots = new Map<string, Slot>()
  const moved: Bell = bell()
  let revision = -1 // nothing is in before the first look at the store
  let newestCommit = 0
  const started = deferred()

  function take(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const slot = slots.get(prefixOfKey(event.entry.key))
      if (slot?.cache) slot.cache.apply(event)
      else slot?.missed.push(event)
    }
    revision = events.at(-1)?.entry.revision ?? revision
    moved.ring()
  }

  async function load(kind: AnyKind, slot: Slot): Promise<KindCache> {
    const { entries, revision: loadedAt } = await fromStore(store.list(kindPrefix(kind)))
    await reached(loadedAt)
    if (slots.get(kindPrefix(kind)) !== slot) return of(kind) // everything was forgotten meanwhile
    const cache = kindCache(entries, loadedAt, (field, item) => selectableValue(slot.kind, field, item.object))
    for (const event of slot.missed) cache.apply(event)
    slot.missed.length = 0
    slot.cache = cache
    return cache
  }

  function of(kind: AnyKind): Promise<KindCache> {
    const prefix = kindPrefix(kind)
    let slot = slots.get(prefix)
    if (!slot) slots.set(prefix, (slot = { kind: kind.storedAs?.kind ?? kind, missed: [] }))
    const known = slot
    known.loading ??= load(kind, known).catch((error: unknown) => {
      if (slots.get(prefix) === known) slots.delete(prefix)
      throw error
    })
    return known.loading
  }

  async function reached(wanted: number): Promise<void> {
    if (revision >= wanted) return
    const timeout = new AbortController()
    const cancel = clock.after(longestWaitInMs, () => timeout.abort())
    while (revision < wanted && !timeout.signal.aborted) await moved.wait(timeout.signal)
    cancel()
    if (revision < wanted) throw tooLargeRevision(wanted, revision)
  }

  /** Forgets everything. Watchers are told why if they have to list again, or just end. */
  function forget(reason?: ApiError): void {
    for (const { cache } of slots.values()) for (const watcher of cache?.watchers ?? []) watcher.end(reason)
    slots.clear()
  }

  function keepOnly(kinds: readonly AnyKind[]): void {
    const kept = new Set(kinds.map(kind => kind.storedAs?.kind ?? kind))
    for (const [prefix, { kind, cache }] of slots) {
      if (!kind.dynamic || kept.has(kind)) continue
      slots.delete(prefix)
      cache?.close()
    }
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        revision = await store.revision()
        started.resolve()
        moved.ring()
        for await (const events of store.watch('', revision, signal)) take(events)
        forget()
        await clock.sleep(retryInMs, signal) // the store has ended the watch: it is closed, and would end the next one at once
      } catch (err) {
        log.error({ err }, 'the watch cache lost the store and starts over')
        forget(expired('the watch cache was rebuilt; list again'))
        await clock.sleep(retryInMs, signal)
      }
    }
  }

  async function sendBookmarks(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(bookmarkEveryMs, signal)
      for (const { kind, cache } of slots.values()) {
        const frame = bookmarkFrame(kind, revision)
        for (const watcher of cache?.watchers ?? []) if (watcher.wantsBookmarks) watcher.push(frame)
      }
    }
  }

  return {
    started: started.promise,
    get revision() {
      return revision
    },
    of,
    async latest(kind) {
      const cache = await of(kind)
      const newest = await fromStore(store.revision())
      if (newest > revision) await reached(newest)
      return cache
    },
    current: kind => (revision >= newestCommit ? slots.get(kindPrefix(kind))?.cache : undefined),
    committed(at) {
      newestCommit = Math.max(newestCommit, at)
    },
    reached,
    keepOnly,
    async run(signal) {
      await Promise.all([follow(signal), sendBookmarks(signal)])
    },
  }
}
