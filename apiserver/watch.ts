import type { AnyKind } from '../api/kind.ts'
import type { CallOptions } from '../api/transport.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Store } from '../storage/store.ts'
import { candidates, prepareIndex } from './candidates.ts'
import { bookmarkFrame, changeOf, frame, frameFor } from './change.ts'
import type { KindCache } from './kind-cache.ts'
import type { Stored, WatchFrame } from './request.ts'
import { type Selection, selectionOf } from './selection.ts'
import { storeError, watchExpired } from './store-errors.ts'
import { type WatchStart, watchStart } from './versions.ts'
import type { WatchCache } from './watch-cache.ts'
import { type Watcher, watcher } from './watcher.ts'

type Frames = AsyncIterable<readonly WatchFrame[]>

interface Dependencies {
  readonly store: Store
  readonly cache: WatchCache
  readonly clock: Clock
  readonly random: Random
}

/** Frames of the initial state are handed out in pieces of this many. */
const piece = 500

/** How a WATCH is answered. Bad parameters throw at once; what goes wrong later is thrown by the iterator. */
export function watches({ store, cache, clock, random }: Dependencies) {
  return function watch(kind: AnyKind, namespace: string | undefined, options: CallOptions, signal: AbortSignal): Frames {
    const selection = selectionOf(kind, namespace, options)
    const start = watchStart(options)
    return follow(kind, selection, start, options, signal)
  }

  async function* follow(
    kind: AnyKind,
    selection: Selection,
    start: WatchStart,
    { allowWatchBookmarks = false, timeoutSeconds }: CallOptions,
    signal: AbortSignal,
  ): Frames {
    const known = await freshEnough(kind, start)
    if ('initial' in start) await prepareIndex(known, selection, clock)
    // From here until the watcher is registered nothing may be awaited: not one change may fall between.
    const since = 'initial' in start || start.after === 'newest' ? cache.revision : start.after
    const own = watcher(selection, since, allowWatchBookmarks)
    const replay =
      'initial' in start
        ? initial(candidates(known, selection), selection)
        : missed(known, selection, since, cache.revision, signal)
    const stop = limit(own, kind, timeoutSeconds ?? 1800 + random.below(1800), signal)
    known.addWatcher(own)
    try {
      yield* replay
      if ('initial' in start && start.sendsEnd) yield [bookmarkFrame(kind, since, true)]
      for (let frames = await own.next(); frames && !signal.aborted; frames = await own.next()) yield frames
    } finally {
      known.removeWatcher(own)
      stop()
    }
  }

  async function freshEnough(kind: AnyKind, start: WatchStart): Promise<KindCache> {
    if ('after' in start) return start.after === 'newest' ? cache.latest(kind) : cache.of(kind)
    if (typeof start.initial === 'number') await cache.reached(start.initial)
    return start.initial === 'any' ? cache.of(kind) : cache.latest(kind)
  }

  /** Ends a watch when its time is up, with a bookmark two seconds before. Answers how to forget about it. */
  function limit(own: Watcher, kind: AnyKind, seconds: number, signal: AbortSignal): () => void {
    const end = () => own.end()
    const lastWord = () => own.wantsBookmarks && own.push(bookmarkFrame(kind, cache.revision))
    const cancelEnd = clock.after(seconds * 1000, end)
    const cancelBookmark = seconds > 2 ? clock.after((seconds - 2) * 1000, lastWord) : () => {}
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    return () => {
      cancelEnd()
      cancelBookmark()
      signal.removeEventListener('abort', end)
    }
  }

  /** What changed after a revision, up to now: from memory, or from the store's log when that was long ago. */
  function missed(known: KindCache, selection: Selection, since: number, until: number, signal: AbortSignal): Frames {
    const recent = known.changesSince(since)
    if (!recent) return fromLog(selection, since, until, signal)
    return once(recent.flatMap(change => frameFor(change, selection) ?? []))
  }

  async function* fromLog(selection: Selection, since: number, until: number, signal: AbortSignal): Frames {
    try {
      for await (const events of store.watch('', since, signal)) {
        const relevant = events.filter(({ entry }) => entry.revision <= until && entry.key.startsWith(selection.prefix))
        const frames = relevant.flatMap(event => frameFor(changeOf(event), selection) ?? [])
        if (frames.length > 0) yield frames
        if ((events.at(-1)?.entry.revision ?? 0) >= until) return
      }
    } catch (error) {
      throw storeError(error, oldest => watchExpired(since, oldest))
    }
  }
}

async function* once(frames: readonly WatchFrame[]): Frames {
  if (frames.length > 0) yield frames
}

/** Everything there is now, as if it had just been added. */
async function* initial(objects: Iterable<[string, Stored]>, { matches }: Selection): Frames {
  let frames: WatchFrame[] = []
  for (const [, object] of objects) {
    if (matches && !matches(object)) continue
    frames.push(frame('ADDED', object))
    if (frames.length < piece) continue
    yield frames
    frames = []
  }
  if (frames.length > 0) yield frames
}
