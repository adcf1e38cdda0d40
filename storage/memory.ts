import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../lib/clock.ts'
import { type Commit, type CommitQueue, commitQueue, versionOf } from './commits.ts'
import { type Feed, feed } from './feed.ts'
import { compareKeys, firstAtOrAfter } from './key-order.ts'
import {
  Compacted,
  checkKept,
  type Entry,
  FutureRevision,
  type ListPage,
  type ListResult,
  type Store,
  type StoreEvent,
  StoreUnavailable,
} from './store.ts'

/** The log is read in pieces of this many commits, by slow watchers and by compaction. */
const chunk = 1000

/** A store that forgets everything when the process ends: for tests and simulations. */
export function memoryStore({ clock }: { clock: Clock }): Store {
  const table = versionTable()
  let compacted = 0
  let swept = 0
  let closed = false

  const queue: CommitQueue = commitQueue({
    clock,
    revision: 0,
    newest(key) {
      const commit = table.newest(key)
      return commit && versionOf(commit)
    },
    load: revision => table.event(revision)?.entry,
    persist: async commits => commits.forEach(table.add),
    publish: events => changes.publish(events),
  })
  const changes: Feed = feed({ revision: () => queue.revision, compactedRevision: () => compacted, readLog })

  async function readLog(since: number): Promise<StoreEvent[]> {
    if (since < compacted) throw new Compacted(since, compacted)
    const events: StoreEvent[] = []
    for (let revision = since + 1; revision <= Math.min(queue.revision, since + chunk); revision++) {
      events.push(table.event(revision) ?? impossible(revision))
    }
    return events
  }

  function checkOpen(): void {
    if (closed) throw new StoreUnavailable('it is closed')
  }

  function checkReadable(at: number): void {
    checkOpen()
    checkKept(at, { compacted, newest: queue.revision })
  }

  async function write(...request: Parameters<CommitQueue['write']>): ReturnType<Store['put']> {
    checkOpen()
    return queue.write(...request)
  }

  return {
    async revision() {
      return queue.revision
    },
    async compactedRevision() {
      return compacted
    },
    async get(key, at = queue.revision) {
      checkReadable(at)
      return table.entryAt(key, at)
    },
    async list(prefix, page = {}) {
      const at = page.at ?? queue.revision
      checkReadable(at)
      return table.list(prefix, at, page)
    },
    put: (key, encode, expected, note) => write('put', key, encode, expected, note),
    delete: (key, encode, expected, note) => write('delete', key, encode, expected, note),
    watch: changes.watch,
    async history(key, since = 0) {
      checkOpen()
      return table.history(key, since)
    },
    async at(revision) {
      checkOpen()
      return table.event(revision)
    },
    async compact(revision) {
      checkOpen()
      if (revision > queue.revision) throw new FutureRevision(revision, queue.revision)
      compacted = Math.max(compacted, revision)
      while (swept < compacted) {
        for (const until = Math.min(compacted, swept + chunk); swept < until; ) table.sweep(++swept)
        await setImmediate()
      }
    },
    async close() {
      closed = true
      await queue.idle()
      changes.end()
    },
  }
}

/** All retained versions, found by revision and by key. */
function versionTable() {
  const log = new Map<number, Commit>()
  const keys = new Map<string, Commit[]>() // oldest first
  let inOrder: string[] = [] // the keys of that map, but for the changes since they were last ordered
  const added = new Set<string>()
  let isKeyGone = false

  function keysInOrder(): readonly string[] {
    if (added.size === 0 && !isKeyGone) return inOrder
    const old = inOrder.filter(key => keys.has(key) && !added.has(key))
    const fresh = [...added].filter(key => keys.has(key)).sort(compareKeys)
    inOrder = [...old, ...fresh].sort(compareKeys) // two ordered runs: a merge
    added.clear()
    isKeyGone = false
    return inOrder
  }

  function entryAt(key: string, at: number): Entry | undefined {
    const event = keys.get(key)?.findLast(version => version.event.entry.revision <= at)?.event
    return event?.type === 'put' ? event.entry : undefined
  }

  /** What a commit overwrote is looked up anew each time, because compaction forgets it. */
  function withPrevious({ event, replaces }: Commit): StoreEvent {
    return { ...event, previous: log.get(replaces)?.event.entry }
  }

  return {
    entryAt,
    newest: (key: string) => keys.get(key)?.at(-1),
    add({ event, replaces }: Commit): void {
      const { key, revision } = event.entry
      const commit = { event: { ...event, previous: undefined }, replaces }
      log.set(revision, commit)
      const versions = keys.get(key)
      if (versions) versions.push(commit)
      else {
        keys.set(key, [commit])
        added.add(key)
      }
    },
    event(revision: number): StoreEvent | undefined {
      const commit = log.get(revision)
      return commit && withPrevious(commit)
    },
    history(key: string, since: number): StoreEvent[] {
      const versions = keys.get(key) ?? []
      return versions.filter(version => version.event.entry.revision > since).map(withPrevious)
    },
    list(prefix: string, at: number, { after, limit }: ListPage): ListResult {
      const entries: Entry[] = []
      const start = after !== undefined && compareKeys(after, prefix) >= 0 ? after : prefix
      const ordered = keysInOrder()
      for (let i = firstAtOrAfter(ordered, start); ordered[i]?.startsWith(prefix); i++) {
        const key = ordered[i] ?? ''
        const entry = key === after ? undefined : entryAt(key, at)
        if (!entry) continue
        if (limit && entries.length === limit) return { entries, revision: at, more: true }
        entries.push(entry)
      }
      return { entries, revision: at, more: false }
    },
    /** Removes what a commit made obsolete: the version it overwrote and, when it is a deletion, itself. */
    sweep(revision: number): void {
      const commit = log.get(revision)
      if (!commit) return
      const { key } = commit.event.entry
      const versions = keys.get(key) ?? []
      if (log.delete(commit.replaces)) versions.shift()
      if (commit.event.type === 'delete' && log.delete(revision)) versions.shift()
      if (versions.length === 0 && keys.delete(key)) isKeyGone = true
    },
  }
}

function impossible(revision: number): never {
  throw new Error(`revision ${revision} must be there but was not found`)
}
