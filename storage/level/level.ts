import type { Clock } from '../../lib/clock.ts'
import { type Commit, type CommitQueue, commitQueue, type Version } from '../commits.ts'
import { type Feed, feed } from '../feed.ts'
import { Compacted, checkKept, FutureRevision, type Store, type StoreEvent, StoreUnavailable } from '../store.ts'
import { type Disk, openDisk, StoreCorrupted, type WriteBatch } from './disk.ts'
import { checkFormat } from './format.ts'
import { type Reader, reader } from './reader.ts'
import { currentRow, encodeRecord, encodeVersion, facts, historyRow, logRow } from './records.ts'
import { sweep } from './sweep.ts'

/** A slow watcher reads this many commits of the log at a time. */
const watchChunk = 200

export interface LevelStoreOptions {
  /** A directory; it is created when it does not exist. */
  readonly location: string
  readonly clock: Clock
  /** Free disk space in bytes without which a failed write is not recovered from: two logs of LevelDB and some more. */
  readonly roomToRecover?: number
}

/**
 * A store in a directory. Throws StoreInUse when another process has it, StoreFromFuture when a newer
 * Wherry wrote it, StoreCorrupted when it makes no sense.
 */
export async function levelStore({ location, clock, roomToRecover = 16 * 2 ** 20 }: LevelStoreOptions): Promise<Store> {
  const disk = await openDisk(location, roomToRecover)
  try {
    const read = reader(disk.database)
    const [newest, living] = await disk.read(async () => {
      await checkFormat(disk, read)
      return [await read.newestRevision(), await read.living()] as const
    })
    return storeOn(disk, read, clock, newest, living)
  } catch (error) {
    await disk.close()
    throw error
  }
}

/** `living` says where every key stands, so that writes are decided without reading the disk. */
function storeOn(disk: Disk, read: Reader, clock: Clock, newest: number, living: Map<string, Version>): Store {
  let compacted = read.fact(facts.compacted)
  let compacting: Promise<void> = Promise.resolve()
  let closed = false

  const queue: CommitQueue = commitQueue({
    clock,
    revision: newest,
    newest: key => living.get(key),
    load: revision => changes.recent(revision)?.entry ?? read.find(revision),
    persist: commits => disk.write(batch => addCommits(batch, commits), { sync: true }),
    publish(events) {
      for (const { type, entry } of events) {
        if (type === 'delete') living.delete(entry.key)
        else living.set(entry.key, { revision: entry.revision, created: entry.created, alive: true })
      }
      changes.publish(events)
    },
  })
  const changes: Feed = feed({ revision: () => queue.revision, compactedRevision: () => compacted, readLog })

  async function readLog(since: number): Promise<StoreEvent[]> {
    const until = Math.min(queue.revision, since + watchChunk)
    const events = await disk.read(async () => (await read.records(since, until)).map(read.toEvent))
    if (since < compacted) throw new Compacted(since, compacted)
    if (events.length < until - since) throw new StoreCorrupted(disk.database.location, `the log after ${since} has holes`)
    return events
  }

  function checkOpen(): void {
    if (closed) throw new StoreUnavailable('it is closed')
  }

  function checkReadable(at: number): void {
    checkOpen()
    checkKept(at, { compacted, newest: queue.revision })
  }

  /** After a recovery: a write that was reported as failed may have reached the log nevertheless. */
  disk.onRecovered(async () => {
    const found = await read.newestRevision()
    if (found < queue.revision) throw new StoreCorrupted(disk.database.location, `revision ${queue.revision} is missing`)
    living = await read.living()
    queue.restart(found)
    changes.reset()
  })

  const write: CommitQueue['write'] = (type, key, encode, expected, note) =>
    closed || !disk.isWritable
      ? writeWhenReady(type, key, encode, expected, note)
      : queue.write(type, key, encode, expected, note)

  async function writeWhenReady(...write: Parameters<CommitQueue['write']>): ReturnType<Store['put']> {
    checkOpen()
    while (!disk.isWritable) await disk.ready('write')
    return queue.write(...write)
  }

  async function compact(revision: number): Promise<void> {
    await disk.ready('write')
    if (revision > compacted) {
      await disk.write(batch => batch.put(facts.compacted, Buffer.from(String(revision))), { sync: true })
      compacted = revision
    }
    await sweep(disk, read, compacted)
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
      while (!disk.isReadable) await disk.ready('read')
      const version = read.current(key)
      if (!version) return undefined
      if (version.revision > at) {
        // Also true of a batch that is on disk already but not acknowledged yet.
        const entry = await disk.read(() => read.entryAt(key, at))
        checkReadable(at) // compaction may have been faster
        return entry
      }
      return version.alive ? (changes.recent(version.revision)?.entry ?? read.entry(version.revision)) : undefined
    },
    async list(prefix, page = {}) {
      const at = page.at ?? queue.revision
      checkReadable(at)
      return disk.read(() => read.list(prefix, at, page))
    },
    put: (key, encode, expected, note) => write('put', key, encode, expected, note),
    delete: (key, encode, expected, note) => write('delete', key, encode, expected, note),
    watch: changes.watch,
    async history(key, since = 0) {
      checkOpen()
      return disk.read(() => read.history(key, since, queue.revision))
    },
    async at(revision) {
      checkOpen()
      return disk.read(async () => (revision <= queue.revision ? read.event(revision) : undefined))
    },
    async compact(revision) {
      checkOpen()
      if (revision > queue.revision) throw new FutureRevision(revision, queue.revision)
      const done = compacting.then(() => compact(revision))
      compacting = done.catch(() => {})
      await done
    },
    async close() {
      closed = true
      await queue.idle()
      await compacting
      changes.end()
      await disk.close()
    },
  }
}

function addCommits(batch: WriteBatch, commits: readonly Commit[]): void {
  for (const { event, replaces } of commits) {
    const { key, revision } = event.entry
    batch.put(logRow(revision), encodeRecord(event, replaces))
    batch.put(historyRow(key, revision), nothing)
    batch.put(currentRow(key), Buffer.from(encodeVersion(event.entry, event.type)))
  }
}

const nothing = new Uint8Array(0)
