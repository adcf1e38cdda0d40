import type { ContainerLogOptions, ExecOptions, ExecSession } from '../../../api/node-agent.ts'
import { bell } from '../../../lib/bell.ts'
import { microTimestamp } from '../../../lib/clock.ts'
import { byteStream } from '../byte-stream.ts'
import type { ContainerRecord, LogLine, SimulatedEngine } from './engine.ts'
import { bytes, run } from './shell.ts'

/** A command run by the simulated shell. */
export function execSession(engine: SimulatedEngine, hostname: string, options: ExecOptions): ExecSession {
  const stdin = byteStream()
  const stdout = byteStream()
  const stderr = byteStream()
  const hangUp = new AbortController()
  const terminal = (text: string) => bytes(options.tty ? text.replaceAll('\n', '\r\n') : text)
  const done = run(options.command, {
    clock: engine.clock,
    signal: hangUp.signal,
    hostname,
    stdin,
    out: text => stdout.push(terminal(text)),
    err: text => (options.tty ? stdout : stderr).push(terminal(text)),
    prompt: options.tty ? () => stdout.push(bytes('/ # ')) : undefined,
  })
  const ended = done.then(exitCode => {
    stdout.end()
    stderr.end()
    return { exitCode: hangUp.signal.aborted ? 137 : exitCode }
  })
  if (!options.stdin) stdin.end()
  const close = () => {
    hangUp.abort()
    stdin.end()
  }
  return {
    stdout,
    stderr,
    async write(chunk) {
      if (!options.tty) return stdin.push(chunk)
      for (const byte of chunk) type(byte)
    },
    closeStdin: () => stdin.end(),
    resize: () => {},
    done: ended,
    close,
  }

  /** The little of a terminal's line discipline that an interactive shell needs. */
  function type(byte: number): void {
    if (byte === 3) return close()
    if (byte === 4) return stdin.end()
    const isReturn = byte === 13 || byte === 10
    stdout.push(isReturn ? bytes('\r\n') : Uint8Array.of(byte))
    stdin.push(Uint8Array.of(isReturn ? 10 : byte))
  }
}

/** What the container prints from now on, until it ends. Standard input is swallowed. */
export function attachSession(container: ContainerRecord): ExecSession {
  const hangUp = new AbortController()
  const from = linesOf(container).length
  const of = (only: LogLine['stream'] | undefined) => follow(container, from, hangUp.signal, only)
  const ended = async () => {
    container.changed ??= bell()
    while (container.state === 'running' && !hangUp.signal.aborted) await container.changed.wait(hangUp.signal)
    return { exitCode: 0 }
  }
  return {
    stdout: of(container.isTty ? undefined : 'stdout'),
    stderr: container.isTty ? nothing() : of('stderr'),
    write: async () => {},
    closeStdin: () => {},
    resize: () => {},
    done: ended(),
    close: () => hangUp.abort(),
  }
}

async function* follow(container: ContainerRecord, from: number, signal: AbortSignal, only: LogLine['stream'] | undefined) {
  for await (const line of linesFrom(container, from, signal)) if (!only || line.stream === only) yield bytes(line.text)
}

async function* nothing(): AsyncIterable<Uint8Array> {}

/** The container's log as the kubelet serves it. */
export async function* logBytes(
  container: ContainerRecord,
  options: ContainerLogOptions,
  now: number,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const since = options.sinceTime !== undefined ? Date.parse(options.sinceTime) : now - (options.sinceSeconds ?? Infinity) * 1000
  const soFar = linesOf(container).length
  const skipped = Math.max(0, soFar - (options.tailLines ?? Infinity))
  const source = options.follow ? linesFrom(container, skipped, signal) : linesOf(container).slice(skipped)
  const only = options.stream === 'Stdout' ? 'stdout' : options.stream === 'Stderr' ? 'stderr' : undefined
  for await (const { at, text, stream } of source) {
    if (at >= since && (!only || stream === only)) yield bytes(options.timestamps ? `${microTimestamp(at)} ${text}` : text)
  }
}

async function* linesFrom(container: ContainerRecord, from: number, signal: AbortSignal): AsyncIterable<LogLine> {
  container.changed ??= bell()
  for (let next = from; !signal.aborted; ) {
    const woken = container.changed.wait(signal)
    const lines = linesOf(container).slice(next)
    const hasEnded = container.state === 'exited'
    yield* lines
    next += lines.length
    if (lines.length > 0) continue
    if (hasEnded) return
    await woken
  }
}

/** What the container printed; one that only pretends to run says so. */
function linesOf({
  name,
  image,
  output,
  command,
  startedAt,
  finishedAt,
  exitCode,
  state,
  behaviour,
}: ContainerRecord): LogLine[] {
  if (output) return output
  if (startedAt === 0 || behaviour.startError !== undefined || command) return []
  const lines: LogLine[] = [{ at: startedAt, stream: 'stdout', text: `${name} (${image}) runs, simulated\n` }]
  if (state === 'exited') lines.push({ at: finishedAt, stream: 'stdout', text: `${name} ended with exit code ${exitCode}\n` })
  return lines
}
