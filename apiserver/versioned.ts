import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { copy, deepEqual } from '../lib/json.ts'
import type { Admission, Attempt } from './admission.ts'
import { bookmarkFrame, frame } from './change.ts'
import { stored } from './codec.ts'
import type { Commits } from './commit.ts'
import type { lister } from './list.ts'
import type { Stored, WatchFrame } from './request.ts'
import { needsServedObject, selectionOf } from './selection.ts'
import { allServed, originOf, served } from './served.ts'
import { keptObject, replaceWith } from './stored-rules.ts'
import type { watches } from './watch.ts'

/**
 * Kinds that are served in another version than the one they are kept in (`storedAs`). Everything between here and the client sees
 * objects in the version that is served; the store, its cache and its selections see them as they are kept. What is below converts
 * at that border, and lets kinds that are kept as they are pass untouched.
 */

/** Writes in the version that is kept; what would change nothing there is not written. */
export function versionedCommits(inner: Commits): Commits {
  const write = (operation: 'put' | 'remove'): Commits['put'] => {
    const convert: Commits['put'] = async (request, kind, draft, old) => {
      const origin = old && originOf(old)
      const kept = await keptObject(kind, draft)
      if (origin && operation === 'put' && deepEqual(kept, origin.object)) return old
      const written = await inner[operation](request, kind.storedAs?.kind ?? kind, kept, origin as Stored)
      return written && served(kind, written)
    }
    return (request, kind, draft, old) => (kind.storedAs ? convert : inner[operation])(request, kind, draft, old as Stored)
  }
  return { put: write('put'), remove: write('remove') }
}

/** Steps know kinds as they are kept; versions with rules of their own they see as they are sent. */
export function versionedAdmission(inner: Admission): Admission {
  const run = (phase: 'admit' | 'check') => {
    const convert = async (attempt: Attempt) => {
      const { storedAs } = attempt.kind
      if (!storedAs || attempt.operation === 'CONNECT' || attempt.objectKind) return inner[phase](attempt)
      const object = await keptObject(attempt.kind, attempt.object)
      const before = phase === 'admit' && attempt.operation !== 'DELETE' ? copy(object) : undefined
      const old = attempt.old && ((await keptObject(attempt.kind, attempt.old)) as KubeObject)
      await inner[phase]({ ...attempt, kind: storedAs.kind, object, old })
      if (before && !deepEqual(before, object)) replaceWith(attempt.object, await storedAs.fromStored(object as KubeObject))
    }
    return (attempt: Attempt) =>
      attempt.kind.storedAs && !attempt.kind.storedAs.hasOwnRules ? convert(attempt) : inner[phase](attempt)
  }
  return { admit: run('admit'), check: run('check') }
}

type List = ReturnType<typeof lister>

/** Lists in the version that is asked for. */
export function versionedList(inner: List): List {
  return async (kind, namespace, options) => {
    const list = await inner(kind, namespace, options)
    if (!kind.storedAs) return list
    const items = await allServed(kind, list.items)
    if (!kind.storedAs.asks || !needsServedObject(kind, options)) return { ...list, items }
    const { matchesServed = () => true } = selectionOf(kind, namespace, options)
    return { ...list, items: items.filter(({ object }) => matchesServed(object)) }
  }
}

type Watch = ReturnType<typeof watches>

/** Watches in the version that is asked for. */
export function versionedWatch(inner: Watch): Watch {
  return (kind, namespace, options, signal) => {
    const frames = inner(kind, namespace, options, signal)
    const { storedAs } = kind
    if (!storedAs) return frames
    const late = storedAs.asks && needsServedObject(kind, options)
    return inVersion(kind, frames, late ? selectionOf(kind, namespace, options).matchesServed : undefined)
  }
}

type Frames = AsyncIterable<readonly WatchFrame[]>

async function* inVersion(kind: AnyKind, frames: Frames, matches?: (object: KubeObject) => boolean): Frames {
  for await (const batch of frames) {
    const objects = batch.flatMap(({ type, bytes }) => (type === 'BOOKMARK' ? [] : [stored(bytes, 0)]))
    const converted = (await allServed(kind, objects))[Symbol.iterator]()
    const shown = batch.flatMap(raw => {
      if (raw.type === 'BOOKMARK') {
        return [bookmarkFrame(kind, Number(raw.object.metadata.resourceVersion), raw.endOfInitialEvents)]
      }
      const object = converted.next().value
      return object ? lateMatch(frame(raw.type, object), object, matches) : []
    })
    if (shown.length > 0) yield shown
  }
}

/**
 * Fields that could not be compared before the conversion are compared now. Whether it matched before is not known: one event too
 * many is better than one too few.
 */
function lateMatch(shown: WatchFrame, object: Stored, matches?: (object: KubeObject) => boolean): WatchFrame[] {
  if (!matches || matches(object.object)) return [shown]
  return shown.type === 'ADDED' ? [] : [frame('DELETED', object)]
}
