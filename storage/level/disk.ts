import { statfs } from 'node:fs/promises'
import type { ClassicLevel } from 'classic-level'
import { Level } from 'level'
import { bell } from '../../lib/bell.ts'
import { StoreUnavailable } from '../store.ts'

export type Database = ClassicLevel<string, Uint8Array>
export type WriteBatch = ReturnType<Database['batch']>

/** Another process has the directory open. */
export class StoreInUse extends Error {
  constructor(location: string, options?: ErrorOptions) {
    super(`the data in ${location} is in use by another process`, options)
    this.name = 'StoreInUse'
  }
}

/** What is on disk does not make sense. */
export class StoreCorrupted extends Error {
  constructor(location: string, reason: string, options?: ErrorOptions) {
    super(`the data in ${location} is damaged: ${reason}`, options)
    this.name = 'StoreCorrupted'
  }
}

/**
 * A LevelDB database that heals. After a failed write nobody knows what its log ends with, so LevelDB must not append to it
 * again: reads go on, and the next write closes and reopens the database first, which recovers the log.
 */
export interface Disk {
  readonly database: Database
  /** Whether `database` may be read right now without `ready`. */
  readonly isReadable: boolean
  /** Whether it may be written right now without `ready`. */
  readonly isWritable: boolean
  /** Resolves when the disk can be read, or written; throws StoreUnavailable, StoreCorrupted. */
  ready(purpose: 'read' | 'write'): Promise<void>
  /** Reads while the database stays open. */
  read<T>(work: (database: Database) => Promise<T>): Promise<T>
  /** Writes one batch, all or nothing, after those before it; `fill` runs when it is its turn. */
  write(fill: (batch: WriteBatch) => void, options: { sync: boolean }): Promise<void>
  /** Called when the database was reopened, before anyone reads or writes it again. */
  onRecovered(action: () => Promise<void>): void
  close(): Promise<void>
}

/** Opens the database in a directory. After a failed write it is reopened once there is this much room for recovery. */
export async function openDisk(location: string, roomToRecover: number): Promise<Disk> {
  const database = new Level<string, Uint8Array>(location, { valueEncoding: 'view' }) as unknown as Database
  const quiet = bell()
  let failure: Error | undefined // of the last write; undefined while all is well
  let recovering: Promise<void> | undefined
  let readers = 0
  let turn: Promise<unknown> = Promise.resolve()
  let closed = false
  let afterRecovery = async () => {}

  await open()

  async function open(): Promise<void> {
    try {
      await database.open()
    } catch (error) {
      throw openingError(location, error)
    }
  }

  /** Without room, recovery would fail half way and take the readers with it. */
  async function checkRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(location)
    if (failure && bavail * bsize < roomToRecover) throw unavailable(failure)
  }

  async function recover(): Promise<void> {
    while (readers > 0) await quiet.wait()
    await database.close()
    await open()
    await afterRecovery()
    failure = undefined
  }

  const disk: Disk = {
    database,
    get isReadable() {
      return database.status === 'open' && !recovering
    },
    get isWritable() {
      return disk.isReadable && !failure
    },
    async ready(purpose) {
      const isReady = () => (purpose === 'write' ? disk.isWritable : disk.isReadable)
      while (!isReady()) {
        if (closed) throw new StoreUnavailable('it is closed')
        if (disk.isReadable) await checkRoom()
        if (isReady()) return
        recovering ??= recover().finally(() => {
          recovering = undefined
        })
        await recovering
      }
    },
    async read(work) {
      while (!disk.isReadable) await disk.ready('read')
      readers++
      try {
        return await work(database)
      } catch (error) {
        throw readingError(location, error)
      } finally {
        if (--readers === 0) quiet.ring()
      }
    },
    write(fill, { sync }) {
      const written = turn.then(async () => {
        if (failure) throw unavailable(failure)
        const batch = database.batch()
        try {
          fill(batch)
          await batch.write({ sync } as object)
        } catch (error) {
          failure = causeOf(error)
          await batch.close()
          throw unavailable(failure)
        }
      })
      turn = written.catch(() => {})
      return written
    },
    onRecovered(action) {
      afterRecovery = action
    },
    async close() {
      closed = true
      await turn
      await recovering?.catch(() => {})
      while (readers > 0) await quiet.wait()
      await database.close()
    },
  }
  return disk
}

function unavailable(cause: Error): StoreUnavailable {
  return new StoreUnavailable(`it could not write: ${cause.message}`, { cause })
}

/** LevelDB's own error is the cause of a general one. */
function causeOf(error: unknown): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause : new Error(String(cause))
}

function openingError(location: string, error: unknown): Error {
  const cause = causeOf(error)
  if (codeOf(cause) === 'LEVEL_LOCKED') return new StoreInUse(location, { cause })
  if (codeOf(cause) === 'LEVEL_CORRUPTION' || cause.message.includes('No such file')) {
    return new StoreCorrupted(location, cause.message, { cause })
  }
  return new StoreUnavailable(`it could not be opened: ${cause.message}`, { cause })
}

/** What a failed read means to the store's users; errors that are not the database's stay what they are. */
export function readingError(location: string, error: unknown): unknown {
  const cause = causeOf(error)
  if (codeOf(cause) === 'LEVEL_CORRUPTION') return new StoreCorrupted(location, cause.message, { cause })
  if (codeOf(cause) === 'LEVEL_IO_ERROR') return new StoreUnavailable(`it could not read: ${cause.message}`, { cause })
  return error
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined
}
