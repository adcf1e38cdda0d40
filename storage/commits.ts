import type { Clock } from '../lib/clock.ts'
import { type Entry, type Store, type StoreEvent, StoreUnavailable } from './store.ts'

/** Where a key stands, without its bytes. `alive` is false after a deletion. */
export interface Version {
  readonly revision: number
  readonly created: number
  readonly alive: boolean
}

/** One commit on its way to the log: the event it will be, and the revision it overwrites (0 when the key did not exist). */
export interface Commit {
  readonly event: StoreEvent
  readonly replaces: number
}

/**
 * Compare-and-swap and group commit, which every embedded store shares. Who wins is decided while `write` is called; what
 * arrives while one batch is being persisted goes into the next.
 */
export interface CommitQueue {
  /** The newest committed revision. */
  readonly revision: number
  /** Decides and queues one write; resolves when it is persisted, `undefined` when someone was faster. */
  write(
    type: StoreEvent['type'],
    key: string,
    encode: (revision: number) => Uint8Array,
    expected: number,
    note: Uint8Array | undefined,
  ): ReturnType<Store['put']>
  /** Starts again from a revision that was found on disk. Only while nothing is queued. */
  restart(revision: number): void
  /** Resolves when nothing is queued any more. */
  idle(): Promise<void>
}

export interface CommitQueueOptions {
  readonly clock: Clock
  /** The newest revision to begin with. */
  readonly revision: number
  /** Where a key stands in what is persisted. */
  readonly newest: (key: string) => Version | undefined
  /** A version that was overwritten; undefined when it has been compacted. */
  readonly load: (revision: number) => Entry | undefined
  /** Makes a batch durable, all of it or nothing. */
  readonly persist: (commits: readonly Commit[]) => Promise<void>
  /** Called with each batch once it is durable, before its writers hear of it. */
  readonly publish: (events: readonly StoreEvent[]) => void
}

/** More would make one batch block the event loop for too long. */
const largestBatch = 1000

/** The newest commit that is queued for a key, and the batch it is in. */
interface Pending {
  readonly commit: Commit
  readonly batch: Batch
}

interface Batch {
  readonly commits: Commit[]
  readonly done: Promise<void>
  readonly settle: (failure?: StoreUnavailable) => void
}

function newBatch(): Batch {
  let settle: Batch['settle'] = () => {}
  const done = new Promise<void>((resolve, reject) => {
    settle = failure => (failure ? reject(failure) : resolve())
  })
  done.catch(() => {}) // each writer awaits it by itself; a batch without writers has nobody to tell
  return { commits: [], done, settle }
}

/** Where a commit leaves its key. */
export function versionOf({ event: { type, entry } }: Commit): Version {
  return { revision: entry.revision, created: entry.created, alive: type === 'put' }
}

/** What a commit overwrote is looked up only when someone asks, which hardly anyone does. */
export function storeEvent(
  { type, entry, note, time }: Omit<StoreEvent, 'previous'>,
  replaces: number,
  load: (revision: number) => Entry | undefined,
): StoreEvent {
  if (replaces === 0) return { type, entry, previous: undefined, note, time }
  return {
    type,
    entry,
    get previous() {
      return load(replaces)
    },
    note,
    time,
  }
}

export function commitQueue({ clock, revision, newest, load, persist, publish }: CommitQueueOptions): CommitQueue {
  let committed = revision
  let assigned = revision
  let batches: Batch[] = []
  let draining: Promise<void> | undefined
  const pending = new Map<string, Pending>()

  function enqueue(commit: Commit): Batch {
    let batch = batches.at(-1)
    if (!batch || batch.commits.length >= largestBatch) batches.push((batch = newBatch()))
    batch.commits.push(commit)
    pending.set(commit.event.entry.key, { commit, batch })
    draining ??= drain()
    return batch
  }

  async function drain(): Promise<void> {
    for (;;) {
      await Promise.resolve() // writes of the same moment still join
      const batch = batches.shift()
      if (!batch) break
      try {
        await persist(batch.commits)
      } catch (cause) {
        fail(batch, cause)
        break
      }
      succeed(batch)
    }
    draining = undefined
  }

  function succeed(batch: Batch): void {
    for (const commit of batch.commits) {
      const { key, revision } = commit.event.entry
      if (pending.get(key)?.commit === commit) pending.delete(key)
      committed = revision
    }
    publish(batch.commits.map(commit => commit.event))
    batch.settle()
  }

  /** Everything queued was decided on top of what failed, so it fails too; its revisions were never seen and are given again. */
  function fail(batch: Batch, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const failure = cause instanceof StoreUnavailable ? cause : new StoreUnavailable(reason, { cause })
    const failed = [batch, ...batches]
    batches = []
    pending.clear()
    assigned = committed
    for (const each of failed) each.settle(failure)
  }

  return {
    get revision() {
      return committed
    },
    async write(type, key, encode, expected, note) {
      const waiting = pending.get(key)
      const current = waiting ? versionOf(waiting.commit) : newest(key)
      const isExpected = expected === (current?.alive ? current.revision : 0)
      if (!isExpected || (type === 'delete' && expected === 0)) {
        await waiting?.batch.done // whoever was faster must be visible to a loser who looks again
        return undefined
      }
      const revision = assigned + 1
      const created = current?.alive ? current.created : revision
      const entry: Entry = { key, value: encode(revision), revision, created }
      if (assigned !== revision - 1) throw new Error('encode must not write to the store itself')
      assigned = revision
      const commit = { event: storeEvent({ type, entry, note, time: clock.now() }, expected, load), replaces: expected }
      await enqueue(commit).done
      return entry
    },
    restart(revision) {
      committed = assigned = revision
    },
    async idle() {
      while (draining) await draining
    },
  }
}
