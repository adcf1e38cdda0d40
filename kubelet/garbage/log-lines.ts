import type { ContainerLogOptions } from '../../api/node-agent.ts'

interface Line {
  /** With its timestamp, a space after it, and its end. */
  readonly bytes: Uint8Array
  readonly text: Uint8Array
  /** Milliseconds since the epoch; NaN for what follows a line that was cut. */
  readonly at: number
}

/** What the options ask for of a log whose every line begins with its time (RFC 3339, nanoseconds) and a space. Bytes stay as they are. */
export function* selectLines(log: Uint8Array, options: ContainerLogOptions, now: number): Iterable<Uint8Array> {
  const { timestamps = false, tailLines, limitBytes, sinceSeconds, sinceTime } = options
  const since =
    sinceTime !== undefined
      ? Date.parse(sinceTime)
      : sinceSeconds !== undefined
        ? now - sinceSeconds * 1000
        : Number.NEGATIVE_INFINITY
  const young = linesOf(log).filter(({ at }) => !(at < since))
  const wanted = tailLines === undefined ? young : young.slice(Math.max(0, young.length - tailLines))
  let left = limitBytes ?? Number.POSITIVE_INFINITY
  for (const { bytes, text } of wanted) {
    const shown = timestamps ? bytes : text
    if (left <= 0) return
    yield shown.length > left ? shown.subarray(0, left) : shown
    left -= shown.length
  }
}

function linesOf(log: Uint8Array): Line[] {
  const lines: Line[] = []
  const decoder = new TextDecoder()
  for (let start = 0; start < log.length; ) {
    const newline = log.indexOf(10, start)
    const end = newline < 0 ? log.length : newline + 1
    const bytes = log.subarray(start, end)
    const space = bytes.indexOf(32)
    const at = space > 0 && space <= 35 ? Date.parse(decoder.decode(bytes.subarray(0, space))) : Number.NaN
    lines.push({ bytes, text: Number.isNaN(at) ? bytes : bytes.subarray(space + 1), at })
    start = end
  }
  return lines
}
