import { storeEvent, type Version } from '../commits.ts'
import { compareKeys } from '../key-order.ts'
import type { Entry, ListPage, ListResult, StoreEvent } from '../store.ts'
import { type Database, readingError, StoreCorrupted } from './disk.ts'
import {
  currentRow,
  decodeRecord,
  decodeVersion,
  type Fact,
  facts,
  historyRow,
  type LogRecord,
  logRow,
  revisionOf,
} from './records.ts'

/** One moment of the database; the newest when absent. */
type Moment = ReturnType<Database['snapshot']> | undefined

/** Reads what is on disk, committed or about to be: which revisions may be seen is the caller's affair. */
export interface Reader {
  /** A number that is kept about the store; 0 when it was never written. */
  fact(name: Fact): number
  /** The newest revision on disk, 0 when there is none. Throws StoreCorrupted when one of those before it is lost. */
  newestRevision(): Promise<number>
  /** Where a key stands. */
  current(key: string): Version | undefined
  /** Where every key stands that is not deleted. */
  living(): Promise<Map<string, Version>>
  /** The entry written at a revision, unless compaction removed it. */
  find(revision: number): Entry | undefined
  /** The entry written at a revision, which must be there. */
  entry(revision: number, moment?: Moment): Entry
  /** The entry of a key as it was at a revision. */
  entryAt(key: string, at: number, moment?: Moment): Promise<Entry | undefined>
  list(prefix: string, at: number, page: ListPage): Promise<ListResult>
  /** The log after a revision up to another. */
  records(since: number, until: number): Promise<LogRecord[]>
  /** What is retained of one key after a revision up to another. */
  history(key: string, since: number, until: number): Promise<StoreEvent[]>
  /** The commit of a revision, unless compaction removed it. */
  event(revision: number): StoreEvent | undefined
  /** A log record together with what it overwrote. */
  toEvent(record: LogRecord): StoreEvent
}

/** How many values are read between two turns of the event loop. */
const chunk = 256

/** As `chunk`, of rows without values. */
const rowChunk = 2000

/** How many of the newest revisions are looked for at the start: what a damaged log file would have lost. */
const inspected = 500

export function reader(database: Database): Reader {
  const text = { valueEncoding: 'utf8' } as const

  function clearly<T>(get: () => T): T {
    try {
      return get()
    } catch (error) {
      throw readingError(database.location, error)
    }
  }

  function record(revision: number, moment?: Moment): LogRecord | undefined {
    const bytes = clearly(() => database.getSync(logRow(revision), { snapshot: moment }))
    return bytes && decodeRecord(revision, bytes)
  }

  function toEvent(found: LogRecord): StoreEvent {
    return storeEvent(found, found.replaces, revision => record(revision)?.entry)
  }

  function entry(revision: number, moment?: Moment): Entry {
    const found = record(revision, moment)
    if (!found) throw new StoreCorrupted(database.location, `revision ${revision} is missing`)
    return found.entry
  }

  async function entryAt(key: string, at: number, moment?: Moment): Promise<Entry | undefined> {
    const range = { gte: historyRow(key, 0), lte: historyRow(key, at), reverse: true, limit: 1, snapshot: moment }
    const [row] = await database.keys(range).all()
    const found = row === undefined ? undefined : record(revisionOf(row), moment)
    return found?.type === 'put' ? found.entry : undefined
  }

  async function list(prefix: string, at: number, { after, limit }: ListPage): Promise<ListResult> {
    const isInside = after !== undefined && compareKeys(after, prefix) >= 0
    const start = isInside ? { gt: currentRow(after) } : { gte: currentRow(prefix) }
    const snapshot = database.snapshot()
    const rows = database.iterator<string, string>({ ...start, ...text, lt: 'd', snapshot })
    const step = limit ? Math.min(chunk, limit + 1) : chunk
    const entries: Entry[] = []
    try {
      for (let page = await rows.nextv(step); page.length > 0; page = await rows.nextv(step)) {
        for (const [row, value] of page) {
          const key = row.slice(1)
          if (!key.startsWith(prefix)) return { entries, revision: at, more: false }
          const { revision, alive } = decodeVersion(value)
          const found = revision > at ? await entryAt(key, at, snapshot) : alive ? entry(revision, snapshot) : undefined
          if (!found) continue
          if (limit && entries.length === limit) return { entries, revision: at, more: true }
          entries.push(found)
        }
      }
      return { entries, revision: at, more: false }
    } finally {
      await rows.close()
      await snapshot.close()
    }
  }

  function fact(name: Fact): number {
    return Number(database.getSync<string, string>(name, text) ?? 0)
  }

  return {
    fact,
    async newestRevision() {
      const compacted = fact(facts.compacted)
      const rows = await database.keys({ gt: logRow(compacted), lt: 'm', reverse: true, limit: inspected }).all()
      const newest = rows[0] === undefined ? compacted : revisionOf(rows[0])
      const gap = rows.findIndex((row, i) => revisionOf(row) !== newest - i)
      const intact = gap < 0 ? rows.length : gap
      if (intact < Math.min(inspected, newest - compacted)) {
        throw new StoreCorrupted(database.location, `revision ${newest - intact} is missing`)
      }
      return newest
    },
    current(key) {
      // Never a string here: classic-level 3.0.0 cuts off the end of some that are not ASCII.
      const name = Buffer.from(currentRow(key))
      const row = clearly(() => database.getSync<Uint8Array, string>(name, { keyEncoding: 'view', ...text }))
      return row === undefined ? undefined : decodeVersion(row)
    },
    async living() {
      const living = new Map<string, Version>()
      const rows = database.iterator<string, string>({ gte: currentRow(''), lt: 'd', ...text })
      try {
        for (let page = await rows.nextv(rowChunk); page.length > 0; page = await rows.nextv(rowChunk)) {
          for (const [row, value] of page) {
            const version = decodeVersion(value)
            if (version.alive) living.set(row.slice(1), version)
          }
        }
      } finally {
        await rows.close()
      }
      return living
    },
    find: revision => record(revision)?.entry,
    entry,
    entryAt,
    list,
    async records(since, until) {
      const rows = await database.iterator({ gt: logRow(since), lte: logRow(until) }).all()
      return rows.map(([row, bytes]) => decodeRecord(revisionOf(row), bytes))
    },
    async history(key, since, until) {
      const rows = await database.keys({ gt: historyRow(key, since), lte: historyRow(key, until) }).all()
      return rows.flatMap(row => record(revisionOf(row)) ?? []).map(toEvent)
    },
    event(revision) {
      const found = record(revision)
      return found && toEvent(found)
    },
    toEvent,
  }
}
