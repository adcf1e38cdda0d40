import type { ExecOptions, ExecSession } from '../../../api/node-agent.ts'
import { bell } from '../../../lib/bell.ts'
import type { Clock } from '../../../lib/clock.ts'
import { byteStream } from '../byte-stream.ts'
import type { ContainerRecord } from './engine.ts'
import type { LogLimits, LogLine } from './log-buffer.ts'
import { linesFrom, printed } from './logs.ts'
import { bytes, run, type ShellContext } from './shell.ts'

/** What a command does: the simulated shell runs it, unless a stage has another answer. */
export type Command = (context: ShellContext) => Promise<number>

export interface ExecSurroundings {
  readonly clock: Clock
  readonly hostname: string
  /** Aborts when the container has ended, and with it all that runs in it. */
  readonly containerEnd: AbortSignal
  readonly command?: Command | undefined
}

/** A command in a container. */
export function execSession({ clock, hostname, containerEnd, command }: ExecSurroundings, options: ExecOptions): ExecSession {
  const stdin = byteStream()
  const stdout = byteStream()
  const stderr = byteStream()
  const hangUp = new AbortController()
  let size = { columns: 80, rows: 24 }
  const terminal = (chunk: Uint8Array) =>
    options.tty ? Buffer.from(Buffer.from(chunk).toString('latin1').replaceAll('\n', '\r\n'), 'latin1') : chunk
  const context: ShellContext = {
    clock,
    signal: AbortSignal.any([hangUp.signal, containerEnd]),
    hostname,
    stdin,
    ...(options.tty && { size: () => size }),
    out: chunk => stdout.push(terminal(chunk)),
    err: chunk => (options.tty ? stdout : stderr).push(terminal(chunk)),
    prompt: options.tty ? () => stdout.push(bytes('/ # ')) : undefined,
  }
  const killed = new Promise<number>(resolve => {
    if (context.signal.aborted) resolve(137)
    else context.signal.addEventListener('abort', () => resolve(137), { once: true })
  })
  const done = Promise.race([command ? command(context) : run(options.command, context), killed])
  const ended = done.then(exitCode => {
    stdout.end()
    stderr.end()
    return { exitCode: context.signal.aborted ? 137 : exitCode }
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
    resize(columns, rows) {
      size = { columns, rows }
    },
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

/** What the container prints from now on, until it ends. Standard input goes to its first process, if that reads any. */
export function attachSession(
  container: ContainerRecord,
  surroundings: { clock: Clock; limits: LogLimits },
  options: Omit<ExecOptions, 'command'>,
): ExecSession {
  const hangUp = new AbortController()
  const from = printed(container, surroundings.clock, surroundings.limits).end
  const of = (isWanted: boolean, only: LogLine['stream'] | undefined) =>
    isWanted ? follow(linesFrom(container, from, surroundings, hangUp.signal), only, container.isTty) : nothing()
  const ended = async () => {
    container.changed ??= bell()
    while (container.state === 'running' && !hangUp.signal.aborted) await container.changed.wait(hangUp.signal)
    return { exitCode: 0 }
  }
  const endStdin = () => {
    if (options.stdin && container.stdinOnce) container.stdin?.end()
  }
  return {
    stdout: of(options.stdout || container.isTty, container.isTty ? undefined : 'stdout'),
    stderr: of(options.stderr && !container.isTty, 'stderr'),
    write: async chunk => (options.stdin ? container.stdin?.push(chunk) : undefined),
    closeStdin: endStdin,
    resize: () => {},
    done: ended(),
    close() {
      endStdin()
      hangUp.abort()
    },
  }
}

async function* follow(lines: AsyncIterable<LogLine>, only: LogLine['stream'] | undefined, isTty: boolean) {
  for await (const { stream, text } of lines)
    if (!only || stream === only) yield Buffer.from(isTty ? text.replace(/\n$/, '\r\n') : text, 'latin1')
}

async function* nothing(): AsyncIterable<Uint8Array> {}
