import { appendFile, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ContainerLogOptions } from '../../../api/node-agent.ts'
import { systemClock } from '../../../lib/clock.ts'
import { decodeRecord, lastRecords, logFiles, readRecords } from './log-files.ts'
import { nanoTimestamp, readLog } from './log-reader.ts'

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'wherry-log-')), 'local-logs')
  await mkdir(folder)
})
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

const start = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n

/** Protobuf as moby's log driver writes it. */
function varint(value: bigint | number): number[] {
  const bytes: number[] = []
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}
const field = (number: number, bytes: Uint8Array) => [number * 8 + 2, ...varint(bytes.length), ...bytes]

interface Piece {
  text: string | Buffer
  source?: 'stdout' | 'stderr'
  /** Seconds after the start. */
  at?: number
  partial?: 'more' | 'last'
}

function message({ text, source = 'stdout', at = 0, partial }: Piece): Buffer {
  const id = Buffer.from('id')
  const metadata = partial && [
    5 * 8 + 2,
    ...varint(partial === 'last' ? 8 : 6),
    ...(partial === 'last' ? [8, 1] : []),
    ...field(2, id),
    3 * 8,
    1,
  ]
  return Buffer.from([
    ...field(1, Buffer.from(source)),
    2 * 8,
    ...varint(start + BigInt(at * 1000) * 1_000_000n),
    ...field(3, Buffer.from(text)),
    ...(partial ? [4 * 8, 1] : []),
    ...(metadata ?? []),
  ])
}

function record(piece: Piece): Buffer {
  const bytes = message(piece)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes, length])
}

const records = (...pieces: Piece[]) => Buffer.concat(pieces.map(record))
const lines = (...texts: string[]) => records(...texts.map((text, at) => ({ text, at })))
const current = () => join(folder, 'container.log')

async function read(options: ContainerLogOptions = {}, ended = Promise.resolve()): Promise<string> {
  const chunks: Uint8Array[] = []
  const signal = new AbortController().signal
  for await (const chunk of readLog({ folder, options, clock: systemClock, ended, signal })) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

test('a record says who wrote what and when, and whether the line goes on', () => {
  expect(decodeRecord(message({ text: 'hi', source: 'stderr', at: 1.5 }))).toEqual({
    source: 'stderr',
    timeInNs: start + 1_500_000_000n,
    data: Buffer.from('hi'),
    isPartial: false,
  })
  expect(decodeRecord(message({ text: 'hi', partial: 'more' })).isPartial).toBe(true)
  expect(decodeRecord(message({ text: 'hi', partial: 'last' })).isPartial).toBe(false)
  expect(nanoTimestamp(start + 1_000_000_007n)).toBe('2026-01-01T00:00:01.000000007Z')
})

test('files are read in order, by number and not by name; what is no log file is left alone', async () => {
  for (const name of ['container.log', 'container.log.10', 'container.log.2', 'container.log.1', 'other', 'container.log.1.gz'])
    await writeFile(join(folder, name), '')
  expect((await logFiles(folder)).map(path => path.slice(folder.length + 1))).toEqual([
    'container.log.10',
    'container.log.2',
    'container.log.1',
    'container.log',
  ])
})

test('a record that is being written is left for the next read, and a damaged file is refused', async () => {
  const whole = lines('one', 'two')
  await writeFile(current(), whole.subarray(0, whole.length - 3))
  await using file = await open(current(), 'r+')
  const first = await readRecords(file, 0)
  expect(first.records.map(({ data }) => data.toString())).toEqual(['one'])
  expect(await lastRecords(file, whole.length, 5)).toEqual({ start: expect.any(Number), found: expect.any(Number) })
  await file.write(whole.subarray(whole.length - 3), 0, 3, whole.length - 3)
  expect((await readRecords(file, first.next)).records.map(({ data }) => data.toString())).toEqual(['two'])
  // In small pieces, and one record that is larger than a piece.
  expect((await readRecords(file, 0, 10)).records).toHaveLength(1)
  await writeFile(current(), Buffer.alloc(100, 0xff))
  await using damaged = await open(current())
  await expect(readRecords(damaged, 0)).rejects.toThrow('the log file is damaged')
})

test.each([
  ['everything', {}, 'a\nb\nc\nd\n'],
  ['lines of the last file', { tailLines: 1 }, 'd\n'],
  ['lines of two files', { tailLines: 3 }, 'b\nc\nd\n'],
  ['more lines than there are', { tailLines: 99 }, 'a\nb\nc\nd\n'],
  ['no lines', { tailLines: 0 }, ''],
  ['from a moment on', { sinceTime: '2026-01-01T00:00:01.000000000Z' }, 'b\nd\n'],
  ['with times', { tailLines: 1, timestamps: true }, '2026-01-01T00:00:01.000000000Z d\n'],
])('over two files: %s', async (_title, options, expected) => {
  await writeFile(`${current()}.1`, lines('a', 'b'))
  await writeFile(current(), lines('c', 'd'))
  expect(await read(options)).toBe(expected)
})

test('pieces of a long line are joined, each stream for itself, and what has no end gets none', async () => {
  await writeFile(
    current(),
    records(
      { text: 'a'.repeat(5), partial: 'more' },
      { text: 'oops', source: 'stderr', at: 1 },
      { text: 'b', partial: 'last', at: 2 },
      { text: Buffer.from([1, 0xff]), at: 3 },
      { text: 'end', partial: 'more', at: 4 },
    ),
  )
  expect(await read({ stream: 'Stdout' })).toBe('aaaaab\n\u0001\u00ff\nend')
  expect(await read({ stream: 'Stderr' })).toBe('oops\n')
  expect(await read({ stream: 'Stdout', timestamps: true })).toBe(
    '2026-01-01T00:00:00.000000000Z aaaaab\n2026-01-01T00:00:03.000000000Z \u0001\u00ff\n2026-01-01T00:00:04.000000000Z end',
  )
})

test('who follows sees what is added, over two rotations at once, until the container has ended', async () => {
  await writeFile(current(), lines('one'))
  let end = () => {}
  const ended = new Promise<void>(resolve => (end = resolve))
  const seen: string[] = []
  const signal = new AbortController().signal
  const wanted = ['one\n', 'two\n', 'three\n', 'four\nfive\n', 'six\n']
  for await (const chunk of readLog({ folder, options: { follow: true }, clock: systemClock, ended, signal })) {
    seen.push(Buffer.from(chunk).toString())
    if (seen.length === 1) {
      await appendFile(current(), lines('two'))
      await rename(current(), `${current()}.1`)
      await writeFile(current(), lines('three'))
      await rename(`${current()}.1`, `${current()}.2`)
      await rename(current(), `${current()}.1`)
      await writeFile(current(), lines('four', 'five'))
    }
    if (seen.join('').endsWith('five\n')) {
      await appendFile(current(), lines('six'))
      end()
    }
  }
  expect(seen.join('')).toBe(wanted.join(''))
})

test('who stops following lets go at once', async () => {
  await writeFile(current(), lines('one'))
  const stop = new AbortController()
  const log = readLog({
    folder,
    options: { follow: true },
    clock: systemClock,
    ended: new Promise(() => {}),
    signal: stop.signal,
  })
  const chunks = log[Symbol.asyncIterator]()
  await chunks.next()
  const next = chunks.next()
  stop.abort()
  expect(await next).toEqual({ done: true, value: undefined })
})

test('a log that is not there is refused before anything is said', async () => {
  await rm(folder, { recursive: true })
  await expect(read()).rejects.toThrow('ENOENT')
})
