import type { ContainerLogOptions } from '../../../api/node-agent.ts'
import { bell } from '../../../lib/bell.ts'
import { type Clock, microTimestamp } from '../../../lib/clock.ts'
import type { ContainerRecord } from './engine.ts'
import { type LogBuffer, type LogLimits, type LogLine, logBuffer, nextLineInMs, printDue } from './log-buffer.ts'

/** What a container has printed by now. One that only pretends to run says so. */
export function printed(container: ContainerRecord, clock: Clock, limits: LogLimits): LogBuffer {
  container.output ??= logBuffer(limits)
  const { output, timedLines, startedAt, finishedAt, state, command, name, image, exitCode } = container
  if (startedAt === 0 || container.reason === 'ContainerCannotRun') return output
  const until = state === 'exited' ? finishedAt : clock.now()
  if (timedLines) printDue(output, timedLines, startedAt, until)
  else if (!command) {
    if (output.printedUntil < startedAt) {
      output.push({ at: startedAt, stream: 'stdout', text: latin1(`${name} (${image}) runs, simulated\n`) })
      output.printedUntil = startedAt
    }
    if (state === 'exited' && output.printedUntil < Number.POSITIVE_INFINITY) {
      output.push({ at: finishedAt, stream: 'stdout', text: latin1(`${name} ended with exit code ${exitCode}\n`) })
      output.printedUntil = Number.POSITIVE_INFINITY
    }
  }
  return output
}

/** Adds to what the container printed and wakes whoever follows. A line may come in pieces. */
export function print(
  container: ContainerRecord,
  at: number,
  stream: LogLine['stream'],
  bytes: Uint8Array,
  limits: LogLimits,
): void {
  container.output ??= logBuffer(limits)
  const text = Buffer.from(bytes).toString('latin1')
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) container.output.push({ at, stream, text: line })
  container.changed?.ring()
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1')

/** The container's log as the kubelet serves it. */
export async function* logBytes(
  container: ContainerRecord,
  options: ContainerLogOptions,
  { clock, limits }: { clock: Clock; limits: LogLimits },
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { follow, tailLines, sinceTime, sinceSeconds, timestamps, stream = 'All' } = options
  const since = sinceTime !== undefined ? Date.parse(sinceTime) : clock.now() - (sinceSeconds ?? Number.POSITIVE_INFINITY) * 1000
  const output = printed(container, clock, limits)
  const from = Math.max(0, output.end - (tailLines ?? Number.POSITIVE_INFINITY))
  const source = follow ? linesFrom(container, from, { clock, limits }, signal) : output.from(from)
  for await (const { at, text, stream: printedTo } of source) {
    if (at < since || (stream !== 'All' && printedTo !== stream.toLowerCase())) continue
    yield Buffer.from(timestamps ? `${microTimestamp(at)} ${text}` : text, 'latin1')
  }
}

/** From a line on, until the container has ended. Only while somebody follows does a clock run for lines that come by themselves. */
export async function* linesFrom(
  container: ContainerRecord,
  from: number,
  { clock, limits }: { clock: Clock; limits: LogLimits },
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  container.changed ??= bell()
  for (let next = from; !signal.aborted; ) {
    const looked = new AbortController()
    const either = AbortSignal.any([signal, looked.signal])
    const woken = container.changed.wait(either)
    const output = printed(container, clock, limits)
    const lines = output.from(next)
    const { end } = output
    const hasEnded = container.state === 'exited'
    yield* lines
    next = Math.max(next, end)
    if (lines.length === 0 && !hasEnded) {
      const { timedLines, startedAt, state } = container
      const due = timedLines && state === 'running' ? nextLineInMs(timedLines, startedAt, clock.now()) : undefined
      await (due === undefined ? woken : Promise.race([woken, clock.sleep(due, either)]))
    }
    looked.abort()
    if (lines.length === 0 && hasEnded) return
  }
}
