import { compareKeys } from '../storage/key-order.ts'
import type { Entry, StoreEvent } from '../storage/store.ts'
import { type Change, changeOf } from './change.ts'
import { stored } from './codec.ts'
import { recentChanges } from './recent-changes.ts'
import type { Stored } from './request.ts'
import type { Requirement } from './selection.ts'
import { type SortedTree, sortedTree } from './sorted-tree.ts'
import { addTo, indexOf, removeFrom, type ValueIndex } from './value-index.ts'
import type { Watcher } from './watcher.ts'
import { watcherSet } from './watcher-set.ts'

/** Objects in the order of their keys. */
export type StoredTree = SortedTree<Stored>

/**
 * All objects of one kind at one revision, the changes that led there, and who wants to hear of the next. Everything here is
 * synchronous: between two changes nobody sees half of one.
 */
export interface KindCache {
  /** Key to object, in key order. Take a `clone()` to read it across awaits. */
  readonly objects: StoredTree
  /** The newest revision that changed any of them. */
  readonly changedAt: number
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

/** A cache of what there was at a revision; `valueOf` answers the value of a selectable field. */
export function kindCache(entries: readonly Entry[], revision: number, valueOf: Valued): KindCache {
  const objects: StoredTree = sortedTree(
    entries.map(({ key, value, revision }) => [key, stored(value, revision)] as [string, Stored]),
    compareKeys,
  )
  const indexes = new Map<string, ValueIndex<string>>()
  const watchers = watcherSet(valueOf)
  const recent = recentChanges(revision)
  let changedAt = revision
  let isClosed = false

  function reindex({ key, type, current, previous }: Change): void {
    for (const [field, byValue] of indexes) {
      const before = previous && valueOf(field, previous)
      const after = type === 'DELETED' ? undefined : valueOf(field, current)
      if (before === after) continue
      if (before !== undefined) removeFrom(byValue, before, key)
      if (after !== undefined) addTo(byValue, after, key)
    }
  }

  return {
    objects,
    watchers: watchers.all,
    get changedAt() {
      return changedAt
    },
    changesSince: recent.after,
    apply(event) {
      if (event.entry.revision <= changedAt) return
      const { key } = event.entry
      const change = changeOf(event, objects.get(key))
      if (change.type === 'DELETED') objects.delete(key)
      else objects.set(key, change.current)
      changedAt = change.revision
      reindex(change)
      recent.add(change)
      watchers.deliver(change)
    },
    hasIndex: field => indexes.has(field),
    keysBy({ field, value }) {
      const isNew = !indexes.has(field)
      const index = indexOf(indexes, field)
      if (isNew) for (const [key, object] of objects.entries()) addTo(index, valueOf(field, object), key)
      return [...(index.get(value) ?? [])].sort(compareKeys)
    },
    close() {
      isClosed = true
      for (const watcher of watchers.all) watcher.end()
    },
    addWatcher(watcher) {
      watchers.add(watcher)
      if (isClosed) watcher.end()
    },
    removeWatcher: watchers.remove,
  }
}
