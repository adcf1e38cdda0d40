import { type Change, frameFor } from './change.ts'
import type { Stored } from './request.ts'
import { addTo, indexOf, removeFrom, type ValueIndex } from './value-index.ts'
import type { Watcher } from './watcher.ts'

/** Who wants to hear of the changes of one kind. */
export interface WatcherSet {
  readonly all: Set<Watcher>
  add(watcher: Watcher): void
  remove(watcher: Watcher): void
  /** Hands a change to those that it concerns. */
  deliver(change: Change): void
}

/** Watchers whose selection asks for one value of a field are found by it: a change is not shown to all kubelets, but to one. */
export function watcherSet(valueOf: (field: string, object: Stored) => string): WatcherSet {
  const all = new Set<Watcher>()
  const untriggered = new Set<Watcher>()
  const triggered = new Map<string, ValueIndex<Watcher>>()
  return {
    all,
    add(watcher) {
      all.add(watcher)
      const { trigger } = watcher.selection
      if (trigger) addTo(indexOf(triggered, trigger.field), trigger.value, watcher)
      else untriggered.add(watcher)
    },
    remove(watcher) {
      all.delete(watcher)
      untriggered.delete(watcher)
      const { trigger } = watcher.selection
      const byValue = trigger && triggered.get(trigger.field)
      if (!trigger || !byValue) return
      removeFrom(byValue, trigger.value, watcher)
      if (byValue.size === 0) triggered.delete(trigger.field)
    },
    deliver(change) {
      for (const watcher of untriggered) offer(watcher, change)
      for (const [field, byValue] of triggered) {
        const after = valueOf(field, change.current)
        const before = change.previous ? valueOf(field, change.previous) : after
        for (const watcher of byValue.get(after) ?? []) offer(watcher, change)
        if (before !== after) for (const watcher of byValue.get(before) ?? []) offer(watcher, change)
      }
    },
  }
}

function offer(watcher: Watcher, change: Change): void {
  if (change.revision <= watcher.since) return
  const seen = frameFor(change, watcher.selection)
  if (seen) watcher.push(seen)
}
