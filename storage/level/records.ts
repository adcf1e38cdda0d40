import type { Version } from '../commits.ts'
import type { Entry, StoreEvent } from '../store.ts'

/*
 * What is on disk. Each commit adds one log record and a history row, and sets the current row of its key:
 *
 *   c<key>                     -> where the key stands: "<revision>,<created>,<put or delete>"
 *   h<length>:<key> <revision> -> nothing; the revisions of one key, in order
 *   l<revision>                -> the commit: header, key, note, value
 *   m<name>                    -> a fact about the store
 */

const digits = 16 // of the largest safe integer

function pad(revision: number): string {
  return String(revision).padStart(digits, '0')
}

export function currentRow(key: string): string {
  return `c${key}`
}

/** The length in front keeps keys apart that begin alike. */
export function historyRow(key: string, revision: number): string {
  return `h${key.length}:${key} ${pad(revision)}`
}

export function logRow(revision: number): string {
  return `l${pad(revision)}`
}

/** The revision at the end of a history or log row's name. */
export function revisionOf(row: string): number {
  return Number(row.slice(-digits))
}

/** Names of the rows that hold facts about the store. */
export const facts = {
  format: 'mformat',
  /** Nothing before this revision can be read. */
  compacted: 'mcompacted',
  /** Compaction has removed what it had to up to this revision. */
  swept: 'mswept',
} as const

export type Fact = (typeof facts)[keyof typeof facts]

export function encodeVersion(entry: Entry, type: StoreEvent['type']): string {
  return `${entry.revision},${entry.created},${type}`
}

export function decodeVersion(text: string): Version {
  const [revision, created, type] = text.split(',')
  return { revision: Number(revision), created: Number(created), alive: type === 'put' }
}

/** A commit as the log keeps it: it knows the revision that it overwrote, not the bytes. */
export interface LogRecord {
  readonly type: StoreEvent['type']
  readonly entry: Entry
  /** 0 when the key did not exist. */
  readonly replaces: number
  readonly time: number
  readonly note: Uint8Array | undefined
}

/** Header: type (1 byte), created, replaces, time (doubles), length of the key, length of the note + 1 or 0 (4 bytes each). */
const headerLength = 33

export function encodeRecord({ type, entry, time, note }: StoreEvent, replaces: number): Uint8Array {
  const keyLength = Buffer.byteLength(entry.key)
  const noteLength = note?.length ?? 0
  const record = Buffer.allocUnsafe(headerLength + keyLength + noteLength + entry.value.length)
  record.writeUInt8(type === 'put' ? 1 : 2, 0)
  record.writeDoubleBE(entry.created, 1)
  record.writeDoubleBE(replaces, 9)
  record.writeDoubleBE(time, 17)
  record.writeUInt32BE(keyLength, 25)
  record.writeUInt32BE(note ? noteLength + 1 : 0, 29)
  record.write(entry.key, headerLength)
  if (note) record.set(note, headerLength + keyLength)
  record.set(entry.value, headerLength + keyLength + noteLength)
  return record
}

export function decodeRecord(revision: number, bytes: Uint8Array): LogRecord {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const keyEnd = headerLength + record.readUInt32BE(25)
  const noteLength = record.readUInt32BE(29)
  const noteEnd = keyEnd + Math.max(0, noteLength - 1)
  const part = (start: number, end: number) => new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
  return {
    type: record.readUInt8(0) === 1 ? 'put' : 'delete',
    entry: {
      key: record.toString('utf8', headerLength, keyEnd),
      value: part(noteEnd, bytes.byteLength),
      revision,
      created: record.readDoubleBE(1),
    },
    replaces: record.readDoubleBE(9),
    time: record.readDoubleBE(17),
    note: noteLength > 0 ? part(keyEnd, noteEnd) : undefined,
  }
}
