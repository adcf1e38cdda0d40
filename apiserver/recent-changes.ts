import type { Change } from './change.ts'

/** How many recent changes watches can be resumed from without reading the log. */
const kept = 512

/** The latest changes of one kind. */
export interface RecentChanges {
  add(change: Change): void
  /** The changes after a revision, oldest first; undefined when they reach back too far. */
  after(revision: number): readonly Change[] | undefined
}

/** Remembers at least the latest 512 changes after `revision`. */
export function recentChanges(revision: number): RecentChanges {
  let changes: Change[] = []
  let since = revision
  return {
    add(change) {
      changes.push(change)
      if (changes.length < 2 * kept) return
      since = changes[changes.length - kept - 1]?.revision ?? since
      changes = changes.slice(-kept) // in one go, so that remembering costs nothing most of the time
    },
    after(revision) {
      if (revision < since) return undefined
      let from = changes.length
      while (from > 0 && (changes[from - 1]?.revision ?? 0) > revision) from--
      return changes.slice(from)
    },
  }
}
