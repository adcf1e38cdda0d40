import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import type { StoreEvent } from '../storage/store.ts'
import { decode, encode, stored } from './codec.ts'
import type { Stored, WatchFrame } from './request.ts'
import type { Selection } from './selection.ts'

/** One commit as watchers see it. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly key: string
  readonly revision: number
  /** The new state; of a deletion the last state, under the deletion's revision. */
  readonly current: Stored
  /** The state before, when it is known. */
  readonly previous: Stored | undefined
  /** Made when first asked for, then shared by every watcher. */
  frames?: { same?: WatchFrame; appeared?: WatchFrame; vanished?: WatchFrame }
}

/** What a commit means. `previous` spares a decoding when the caller has the former state at hand. */
export function changeOf(event: StoreEvent, previous?: Stored): Change {
  const { entry } = event
  const before = previous ?? (event.previous && stored(event.previous.value, event.previous.revision))
  const type = event.type === 'delete' ? 'DELETED' : entry.created === entry.revision ? 'ADDED' : 'MODIFIED'
  return { type, key: entry.key, revision: entry.revision, current: stored(entry.value, entry.revision), previous: before }
}

/** What a watcher with this selection gets to see of a change; undefined: nothing. */
export function frameFor(change: Change, { prefix, matches }: Selection): WatchFrame | undefined {
  const { type, current, previous } = change
  if (!change.key.startsWith(prefix)) return undefined
  if (!matches) return sameFrame(change)
  if (type === 'DELETED') return matches(previous ?? current) ? sameFrame(change) : undefined
  const is = matches(current)
  if (type === 'ADDED') return is ? sameFrame(change) : undefined
  const was = previous === undefined || matches(previous) // unknown: better one event too many
  if (is) return was ? sameFrame(change) : appearedFrame(change)
  return was ? vanishedFrame(change) : undefined
}

/** An event around an object's own bytes. The object is decoded when someone looks. */
export function frame(type: 'ADDED' | 'MODIFIED' | 'DELETED', { bytes }: Stored): WatchFrame {
  return {
    type,
    bytes,
    get object() {
      return decode(bytes)
    },
  }
}

const framesOf = (change: Change) => (change.frames ??= {})
const sameFrame = (change: Change) => (framesOf(change).same ??= frame(change.type, change.current))
const appearedFrame = (change: Change) => (framesOf(change).appeared ??= frame('ADDED', change.current))

/** The object left the selection: its last matching state, under the revision of the change. */
function vanishedFrame(change: Change): WatchFrame {
  return (framesOf(change).vanished ??= frame('DELETED', restamped(change.previous ?? change.current, change.revision)))
}

function restamped({ object }: Stored, revision: number): Stored {
  return stored(encode({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }), revision)
}

/** Tells a watcher how far it has come. */
export function bookmarkFrame(kind: AnyKind, revision: number, endOfInitialEvents = false): WatchFrame {
  const annotations = endOfInitialEvents ? { 'k8s.io/initial-events-end': 'true' } : undefined
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...(annotations && { annotations }) }
  const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata } as unknown as KubeObject
  return { type: 'BOOKMARK', object, bytes: encode(object), ...(endOfInitialEvents && { endOfInitialEvents }) }
}
