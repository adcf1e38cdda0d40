import { watch } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ContainerLogOptions } from '../../../api/node-agent.ts'
import { type Clock, timestamp } from '../../../lib/clock.ts'
import { type LogRecord, lastRecords, logFiles, readRecords } from './log-files.ts'

interface OpenFile {
  readonly handle: FileHandle
  readonly inode: number
}

export interface LogReaderOptions {
  readonly folder: string
  readonly options: ContainerLogOptions
  readonly clock: Clock
  /** Resolves when the container has ended and all of its output is in the files. */
  readonly ended: Promise<void>
  readonly signal: AbortSignal
}

/** Files tell of themselves; this is for when they do not. */
const lookAgainAfterMs = 1000

/**
 * A container's log out of its files, over all of their rotations: dockerd's own follower loses lines or repeats them when files are
 * rotated quickly, and puts timestamps into long lines. Throws when the files cannot be read, before it yields anything.
 */
export async function* readLog({ folder, options, clock, ended, signal }: LogReaderOptions): AsyncIterable<Uint8Array> {
  const format = formatter(options, clock.now())
  let waiting = await openAll(folder)
  let current: OpenFile | undefined
  let hasEnded = false
  void ended.then(() => {
    hasEnded = true
  })
  try {
    let from = await startOf(waiting, options.tailLines)
    current = waiting.shift()
    while (current && !signal.aborted) {
      // Looked at before the files are, so that what was written last is not missed.
      const isLast = hasEnded || options.follow !== true
      if (waiting.length === 0) waiting = await newerThan(folder, current)
      // Nothing is added to a file once there is a newer one.
      const isComplete = waiting.length > 0
      for (;;) {
        const { records, next } = await readRecords(current.handle, from)
        if (next === from || signal.aborted) break
        from = next
        const chunk = format(records)
        if (chunk.length > 0) yield chunk
      }
      if (isComplete) {
        await current.handle.close()
        current = waiting.shift()
        from = 0
      } else if (isLast) return
      else await changed(folder, clock, ended, signal)
    }
  } finally {
    for (const { handle } of current ? [current, ...waiting] : waiting) await handle.close().catch(() => undefined)
  }
}

/** Newest first, so that a file that is renamed meanwhile is met twice rather than never. */
async function openAll(folder: string): Promise<OpenFile[]> {
  const found: OpenFile[] = []
  for (const path of (await logFiles(folder)).reverse()) {
    const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (!handle) continue
    const { ino } = await handle.stat()
    if (found.some(({ inode }) => inode === ino)) await handle.close()
    else found.unshift({ handle, inode: ino })
  }
  return found
}

/** What has been begun since; all there is if the last one read is gone already. */
async function newerThan(folder: string, last: OpenFile | undefined): Promise<OpenFile[]> {
  const all = await openAll(folder).catch(() => [])
  const at = last ? all.findIndex(({ inode }) => inode === last.inode) : -1
  for (const { handle } of all.slice(0, at + 1)) await handle.close()
  return all.slice(at + 1)
}

/** Where to begin in the first file that is wanted; those before it are closed and left out. */
async function startOf(files: OpenFile[], tailLines: number | undefined): Promise<number> {
  if (tailLines === undefined) return 0
  let left = tailLines
  for (let i = files.length - 1; i >= 0; i--) {
    const file = files[i]
    if (!file) break
    const { size } = await file.handle.stat()
    const { start, found } = await lastRecords(file.handle, size, left)
    left -= found
    if (left > 0 && i > 0) continue
    for (const { handle } of files.splice(0, i)) await handle.close()
    return start
  }
  return 0
}

/** Resolves when there may be more to read. */
async function changed(folder: string, clock: Clock, ended: Promise<void>, signal: AbortSignal): Promise<void> {
  const done = new AbortController()
  const either = AbortSignal.any([done.signal, signal])
  const told = new Promise<void>(resolve => {
    try {
      watch(folder, { signal: either }, () => resolve()).on('error', () => resolve())
    } catch {
      // no more watches to be had: the clock has to do
    }
  })
  await Promise.race([told, ended, clock.sleep(lookAgainAfterMs, either)])
  done.abort()
}

const newline = Buffer.from('\n')

/** Turns records into what the options ask for. One for each log: it must know how the last line ended. */
function formatter({ timestamps, sinceSeconds, sinceTime, stream = 'All' }: ContainerLogOptions, now: number) {
  const since =
    sinceTime !== undefined
      ? nanoseconds(sinceTime)
      : sinceSeconds !== undefined
        ? BigInt(Math.trunc(now - sinceSeconds * 1000)) * million
        : 0n
  const isOpen = new Map<string, boolean>()
  return (records: readonly LogRecord[]): Uint8Array => {
    const parts: Uint8Array[] = []
    for (const { source, timeInNs, data, isPartial } of records) {
      if (timeInNs < since || (stream !== 'All' && source !== stream.toLowerCase())) continue
      if (timestamps && !isOpen.get(source)) parts.push(Buffer.from(`${nanoTimestamp(timeInNs)} `))
      isOpen.set(source, isPartial)
      parts.push(data)
      if (!isPartial) parts.push(newline)
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
  }
}

const million = 1_000_000n

/** RFC 3339 with nine decimals in UTC, as dockerd writes it. */
export function nanoTimestamp(timeInNs: bigint): string {
  const seconds = timestamp(Number(timeInNs / million)).slice(0, 19)
  return `${seconds}.${String(timeInNs % 1_000_000_000n).padStart(9, '0')}Z`
}

function nanoseconds(time: string): bigint {
  const [, fraction = ''] = /\.(\d+)/.exec(time) ?? []
  const whole = Date.parse(time.replace(/\.\d+/, ''))
  return BigInt(whole) * million + BigInt(fraction.padEnd(9, '0').slice(0, 9))
}
