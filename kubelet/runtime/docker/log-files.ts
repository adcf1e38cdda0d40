import { type FileHandle, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the `local` log driver keeps the log of a container (moby daemon/logger/local). */
export function logFolder(rootDirectory: string, id: string): string {
  return `${rootDirectory}/containers/${id}/local-logs`
}

/** A piece of what a container wrote: a line without its end, or 16 KiB of a longer one. */
export interface LogRecord {
  readonly source: string
  readonly timeInNs: bigint
  readonly data: Uint8Array
  /** The line goes on in the next record of the same source. */
  readonly isPartial: boolean
}

/** The files of a log, oldest first; the last one is written to. */
export async function logFiles(folder: string): Promise<string[]> {
  const place = (name: string) => Number(/^container\.log(?:\.(\d+))?$/.exec(name)?.[1] ?? 0)
  const names = (await readdir(folder)).filter(name => /^container\.log(\.\d+)?$/.test(name))
  return names.sort((a, b) => place(b) - place(a)).map(name => join(folder, name))
}

const lengthBytes = 4
/** Docker's own limit for a record (maxDecodeRetry aside): what claims to be longer is no record. */
const longestRecord = 2 ** 20

/** Records of one file from a place on: each is its length, a protobuf LogEntry, and its length again. */
export async function readRecords(
  file: FileHandle,
  from: number,
  chunkBytes = 2 ** 18,
): Promise<{ records: LogRecord[]; next: number }> {
  let buffer = Buffer.alloc(chunkBytes)
  let { bytesRead } = await file.read(buffer, 0, buffer.length, from)
  const first = bytesRead >= lengthBytes ? buffer.readUInt32BE(0) + 2 * lengthBytes : 0
  if (first > bytesRead && bytesRead === buffer.length) {
    // One record that is longer than a chunk.
    if (first > longestRecord) throw new Error('the log file is damaged')
    buffer = Buffer.alloc(first)
    bytesRead = (await file.read(buffer, 0, first, from)).bytesRead
  }
  const records: LogRecord[] = []
  let at = 0
  while (at + lengthBytes <= bytesRead) {
    const length = buffer.readUInt32BE(at)
    if (length > longestRecord) throw new Error('the log file is damaged')
    const end = at + length + 2 * lengthBytes
    if (end > bytesRead) break
    records.push(decodeRecord(buffer.subarray(at + lengthBytes, end - lengthBytes)))
    at = end
  }
  return { records, next: from + at }
}

/** Where the last so many records of a file begin, and how many there are up to that number. Reads backwards. */
export async function lastRecords(file: FileHandle, size: number, count: number): Promise<{ start: number; found: number }> {
  const chunkBytes = 2 ** 18
  let start = size
  let found = 0
  let chunk: Buffer = Buffer.alloc(0)
  let chunkAt = size
  const lengthBefore = async (end: number): Promise<number> => {
    if (end - lengthBytes < chunkAt) {
      chunkAt = Math.max(0, end - chunkBytes)
      chunk = Buffer.alloc(end - chunkAt)
      await file.read(chunk, 0, chunk.length, chunkAt)
    }
    return chunk.readUInt32BE(end - lengthBytes - chunkAt)
  }
  while (found < count && start > 2 * lengthBytes) {
    const whole = (await lengthBefore(start)) + 2 * lengthBytes
    if (whole > start || whole > longestRecord) break // the last record is being written
    start -= whole
    found += 1
  }
  return { start, found }
}

/**
 * moby api/types/plugins/logdriver/entry.proto: source 1, time_nano 2, line 3, partial 4, partial_log_metadata 5 (last 1). The last piece
 * of a long line is called partial, too; dockerd itself overlooks that and glues the next line to it.
 */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; at < buffer.length; shift += 7n) {
      const byte = buffer.readUInt8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return value
  }
  let source = ''
  let timeInNs = 0n
  let data: Uint8Array = new Uint8Array()
  let isPartial = false
  let isLast = false
  while (at < buffer.length) {
    const tag = Number(varint())
    const field = tag >> 3
    if ((tag & 7) === 0) {
      const value = varint()
      if (field === 2) timeInNs = BigInt.asIntN(64, value)
      else if (field === 4) isPartial = value !== 0n
      continue
    }
    if ((tag & 7) !== 2) throw new Error('the log file is damaged')
    const length = Number(varint())
    const part = buffer.subarray(at, at + length)
    at += length
    if (field === 1) source = part.toString('utf8')
    else if (field === 3) data = part
    // Its fields are the same in kind, and the first one is all that counts.
    else if (field === 5) isLast = part[0] === 8 && part[1] === 1
  }
  return { source, timeInNs, data, isPartial: isPartial && !isLast }
}
