import { compareKeys } from '../storage/key-order.ts'
import type { Entry, StoreEvent } from '../storage/store.ts'
import { type Change, changeOf, frameFor } from './change.ts'
import { stored } from './codec.ts'
import type { Stored } from './request.ts'
import type { Requirement } from './selection.ts'
import { type SortedTree, sortedTree } from './sorted-tree.ts'
import type { Watcher } from './watcher.ts'

export type StoredTree = SortedTree<Stored>

/** How many recent changes watches can be resumed from without reading the log. */
const ringSize = 512

/**
 * All objects of one kind at one revision, the changes that led there, and who wants to hear of the next. Everything here is
 * synchronous: between two changes nobody sees half of one.
 */
export interface KindCache {
  /** Key to object, in key order. Take a `clone()` to read it across awaits. */
  readonly objects: StoredTree
  /** The newest revision that changed any of them. */
  readonly changedAt: number
  /** `changesSince` is complete from here on. */
  readonly ringSince: number
  /** Recent changes after a revision; undefined when they reach back too far. */
  changesSince(revision: number): readonly Change[] | undefined
  /** Applies a commit and hands it to the watchers it concerns. */
  apply(event: StoreEvent): void
  /** The keys of the objects for which a field holds a value. */
  keysBy(requirement: Requirement): readonly string[]
  /** Whether `keysBy` is ready for a field; if not, it decodes everything once. */
  hasIndex(field: string): boolean
  readonly watchers: Set<Watcher>
  addWatcher(watcher: Watcher): void
  removeWatcher(watcher: Watcher): void
  /** Ends its watches, and those that are still to come: nobody keeps it up to date any more. */
  close(): void
}

type Valued = (field: string, object: Stored) => string

export function kindCache(entries: readonly Entry[], revision: number, valueOf: Valued): KindCache {
  const objects: StoredTree = sortedTree(
    entries.map(({ key, value, revision }) => [key, stored(value, revision)] as [string, Stored]),
    compareKeys,
  )
  const indexes = new Map<string, Map<string, Set<string>>>()
  const watchers = new Set<Watcher>()
  const untriggered = new Set<Watcher>()
  const triggered = new Map<string, Map<string, Set<Watcher>>>()
  let ring: Change[] = []
  let ringSince = revision
  let changedAt = revision
  let isClosed = false

  function remember(change: Change): void {
    ring.push(change)
    if (ring.length < 2 * ringSize) return
    ringSince = ring[ring.length - ringSize - 1]?.revision ?? ringSince
    ring = ring.slice(-ringSize) // in one go, so that remembering costs nothing most of the time
  }

  function reindex({ key, type, current, previous }: Change): void {
    for (const [field, byValue] of indexes) {
      const before = previous && valueOf(field, previous)
      const after = type === 'DELETED' ? undefined : valueOf(field, current)
      if (before === after) continue
      if (before !== undefined) remove(byValue, before, key)
      if (after !== undefined) add(byValue, after, key)
    }
  }

  function deliver(change: Change): void {
    for (const watcher of untriggered) offer(watcher, change)
    for (const [field, byValue] of triggered) {
      const after = valueOf(field, change.current)
      const before = change.previous ? valueOf(field, change.previous) : after
      for (const watcher of byValue.get(after) ?? []) offer(watcher, change)
      if (before !== after) for (const watcher of byValue.get(before) ?? []) offer(watcher, change)
    }
  }

  return {
    objects,
    watchers,
    get changedAt() {
      return changedAt
    },
    get ringSince() {
      return ringSince
    },
    changesSince(since) {
      if (since < ringSince) return undefined
      let from = ring.length
      while (from > 0 && (ring[from - 1]?.revision ?? 0) > since) from--
      return ring.slice(from)
    },
    apply(event) {
      if (event.entry.revision <= changedAt) return
      const { key } = event.entry
      const change = changeOf(event, objects.get(key))
      if (change.type === 'DELETED') objects.delete(key)
      else objects.set(key, change.current)
      changedAt = change.revision
      reindex(change)
      remember(change)
      deliver(change)
    },
    hasIndex: field => indexes.has(field),
    keysBy({ field, value }) {
      let index = indexes.get(field)
      if (!index) {
        indexes.set(field, (index = new Map()))
        for (const [key, object] of objects.entries()) add(index, valueOf(field, object), key)
      }
      return [...(index.get(value) ?? [])].sort(compareKeys)
    },
    close() {
      isClosed = true
      for (const watcher of watchers) watcher.end()
    },
    addWatcher(watcher) {
      watchers.add(watcher)
      if (isClosed) watcher.end()
      const { trigger } = watcher.selection
      if (!trigger) return void untriggered.add(watcher)
      let byValue = triggered.get(trigger.field)
      if (!byValue) triggered.set(trigger.field, (byValue = new Map()))
      add(byValue, trigger.value, watcher)
    },
    removeWatcher(watcher) {
      watchers.delete(watcher)
      untriggered.delete(watcher)
      const { trigger } = watcher.selection
      const byValue = trigger && triggered.get(trigger.field)
      if (!trigger || !byValue) return
      remove(byValue, trigger.value, watcher)
      if (byValue.size === 0) triggered.delete(trigger.field)
    },
  }
}

function offer(watcher: Watcher, change: Change): void {
  if (change.revision <= watcher.since) return
  const seen = frameFor(change, watcher.selection)
  if (seen) watcher.push(seen)
}

function add<T>(index: Map<string, Set<T>>, value: string, item: T): void {
  const items = index.get(value)
  if (items) items.add(item)
  else index.set(value, new Set([item]))
}

function remove<T>(index: Map<string, Set<T>>, value: string, item: T): void {
  const items = index.get(value)
  items?.delete(item)
  if (items?.size === 0) index.delete(value)
}
