/** How long a log may be: as on Docker, what is older than so many files is gone. */
export interface LogLimits {
  readonly maxBytes: number
  /** Including the one that is written to. */
  readonly maxFiles: number
}

export const defaultLogLimits: LogLimits = { maxBytes: 10 * 2 ** 20, maxFiles: 5 }

export interface LogLine {
  readonly at: number
  readonly stream: 'stdout' | 'stderr'
  /** One character for each byte (latin1), with the newline. */
  readonly text: string
}

/** A line that comes by itself, in milliseconds since the start; with `every`, again and again. */
export interface TimedLine {
  readonly at: number
  readonly every?: number | undefined
  readonly stream: LogLine['stream']
  readonly text: string
}

/** What a container has printed, numbered from its first line on, also when that is gone. */
export interface LogBuffer {
  readonly bytes: number
  /** The number of the next line. */
  readonly end: number
  push(line: LogLine): void
  from(number: number): readonly LogLine[]
  /** Timed lines up to this moment have been printed. */
  printedUntil: number
}

export function logBuffer({ maxBytes, maxFiles }: LogLimits): LogBuffer {
  /** Rotated files, the oldest first, and the one that is written to. */
  const files: { lines: LogLine[]; bytes: number }[] = [{ lines: [], bytes: 0 }]
  let begin = 0
  let end = 0
  let bytes = 0
  return {
    get bytes() {
      return bytes
    },
    get end() {
      return end
    },
    printedUntil: Number.NEGATIVE_INFINITY,
    push(line) {
      let file = files.at(-1)
      if (!file || (file.bytes > 0 && file.bytes + line.text.length > maxBytes)) files.push((file = { lines: [], bytes: 0 }))
      file.lines.push(line)
      file.bytes += line.text.length
      bytes += line.text.length
      end += 1
      if (files.length <= maxFiles) return
      const gone = files.shift()
      begin += gone?.lines.length ?? 0
      bytes -= gone?.bytes ?? 0
    },
    from(number) {
      if (number >= end) return []
      const all = files.length === 1 ? (files[0]?.lines ?? []) : files.flatMap(file => file.lines)
      return all.slice(Math.max(0, number - begin))
    },
  }
}

/** So many lines at most are made up for a time in which nobody looked. */
const mostAtOnce = 10_000

/** Prints the lines whose time has come since the last time this was asked. */
export function printDue(buffer: LogBuffer, lines: readonly TimedLine[], startedAt: number, now: number): void {
  const since = buffer.printedUntil
  if (now <= since) return
  const due: LogLine[] = []
  for (const { at, every, stream, text } of lines) {
    const first = startedAt + at
    if (every === undefined) {
      if (first > since && first <= now) due.push({ at: first, stream, text })
      continue
    }
    const from = Math.max(0, Math.floor((since - first) / every) + 1, Math.floor((now - first) / every) - mostAtOnce)
    for (let when = first + from * every; when <= now; when += every) due.push({ at: when, stream, text })
  }
  buffer.printedUntil = now
  for (const line of due.sort((a, b) => a.at - b.at)) buffer.push(line)
}

/** When the next line comes, in milliseconds from now; `undefined`: none does. */
export function nextLineInMs(lines: readonly TimedLine[], startedAt: number, now: number): number | undefined {
  const next = lines.flatMap(({ at, every }) => {
    const first = startedAt + at
    if (first > now) return [first - now]
    return every === undefined ? [] : [every - ((now - first) % every)]
  })
  return next.length === 0 ? undefined : Math.min(...next)
}
