import type { Duplex } from 'node:stream'
import type { ExecOptions, ExecSession } from '../../../api/node-agent.ts'
import type { Clock } from '../../../lib/clock.ts'
import { type ByteStream, byteStream } from '../byte-stream.ts'
import { answerWithinInMs, duplex, failAs } from './connection.ts'
import { demultiplexer } from './demultiplex.ts'
import type { DockerEngine } from './engine.ts'
import { killInContainer } from './processes.ts'

/** More than this unread and Docker has to wait. */
const highWaterInBytes = 1024 * 1024

/** What runc says, on standard output, when a command cannot be started. */
const startFailure = 'OCI runtime exec failed'

interface Ends {
  stdout: ByteStream
  stderr: ByteStream
  /** Resolves with the text of a failed start, if that is all there was. */
  ended: Promise<string>
}

/** Splits a hijacked connection into its outputs. Both must be read: a full one holds up the other. */
function split(socket: Duplex, tty: boolean): Ends {
  const resume = () => {
    if (socket.isPaused() && stdout.waitingInBytes + stderr.waitingInBytes < highWaterInBytes) socket.resume()
  }
  const stdout = byteStream(resume)
  const stderr = byteStream(resume)
  let failure = ''
  let isFirst = true
  const onOutput = (data: Uint8Array, isError: boolean) => {
    const text = isFirst || failure ? Buffer.from(data).toString() : ''
    if (failure || (isFirst && text.startsWith(startFailure))) failure += text
    else (isError ? stderr : stdout).push(data)
    isFirst = false
    if (stdout.waitingInBytes + stderr.waitingInBytes > highWaterInBytes) socket.pause()
  }
  const feed = tty
    ? (chunk: Uint8Array) => onOutput(chunk, false)
    : demultiplexer(({ stream, data }) => onOutput(data, stream === 2))
  const ended = new Promise<string>(resolve => {
    const end = () => resolve(failure.trim())
    socket.on('data', feed).on('end', end).on('error', end).on('close', end)
  })
  return { stdout, stderr, ended }
}

function session(socket: Duplex, ends: Ends, rest: Pick<ExecSession, 'resize' | 'done' | 'close'>): ExecSession {
  return {
    stdout: ends.stdout,
    stderr: ends.stderr,
    write: chunk =>
      new Promise(resolve => {
        if (socket.writable) socket.write(chunk, () => resolve())
        else resolve()
      }),
    closeStdin: () => void socket.end(),
    ...rest,
  }
}

/** Tries a resize for as long as the terminal does not exist yet; a newer size takes over. */
function resizer(clock: Clock, send: (size: { w: number; h: number }) => Promise<unknown>): ExecSession['resize'] {
  let latest = 0
  return (columns, rows) => {
    const own = ++latest
    const attempt = async () => {
      for (let tries = 0; tries < 25 && own === latest; tries++) {
        if (
          await send({ w: columns, h: rows }).then(
            () => true,
            () => false,
          )
        )
          return
        await clock.sleep(20)
      }
    }
    void attempt()
  }
}

/** Runs a command in a container. Hanging up kills it. */
export async function dockerExec(engine: DockerEngine, clock: Clock, id: string, options: ExecOptions): Promise<ExecSession> {
  const { command, stdin, stdout, stderr, tty } = options
  const exec = await engine
    .open(
      docker =>
        docker.getContainer(id).exec({
          Cmd: [...command],
          AttachStdin: stdin,
          AttachStdout: stdout,
          AttachStderr: stderr && !tty,
          Tty: tty,
        }),
      answerWithinInMs,
    )
    .catch(failAs('other'))
  const socket = duplex(
    await engine.open(() => exec.start({ hijack: true, stdin: true, Tty: tty }), answerWithinInMs).catch(failAs('other')),
  )
  const ends = split(socket, tty)
  const inspect = () => engine.read(() => exec.inspect())
  let hungUp = false

  const finish = async () => {
    const failure = await ends.ended
    let { ExitCode: exitCode, Running: isRunning } = await inspect()
    // Docker closes the stream a moment before it notes the exit code.
    for (let tries = 0; isRunning && tries < 200; tries++) {
      await clock.sleep(5)
      ;({ ExitCode: exitCode, Running: isRunning } = await inspect())
    }
    const neverRan = failure !== '' && (exitCode === 126 || exitCode === 127)
    if (failure !== '' && !neverRan) ends.stdout.push(Buffer.from(failure))
    return { exitCode: isRunning ? -1 : (exitCode ?? -1), ...(neverRan && { message: failure }) }
  }
  const done = finish()
    .catch((error: unknown) => ({ exitCode: hungUp ? 137 : -1, message: error instanceof Error ? error.message : String(error) }))
    .finally(() => {
      ends.stdout.end()
      ends.stderr.end()
      socket.destroy()
    })
  const close = () => {
    if (hungUp) return
    hungUp = true
    const end = async () => {
      const { Pid: pid, Running: isRunning } = await inspect()
      if (isRunning && engine.isLocal) await killInContainer(pid, id)
    }
    void end()
      .catch(() => undefined)
      .finally(() => socket.destroy())
  }
  return session(socket, ends, { resize: resizer(clock, size => exec.resize(size)), done, close })
}

/** Runs a command to its end and gathers what it printed, at most 16 MiB (containerd's limit too). */
export async function dockerExecSync(
  engine: DockerEngine,
  clock: Clock,
  id: string,
  command: readonly string[],
  timeoutInMs: number,
): Promise<{ exitCode: number; output: string; timedOut: boolean }> {
  const running = await dockerExec(engine, clock, id, { command, stdin: false, stdout: true, stderr: true, tty: false })
  let timedOut = false
  const stop = () => {
    timedOut = true
    running.close()
  }
  const cancel = timeoutInMs > 0 ? clock.after(timeoutInMs, stop) : undefined
  const chunks: Uint8Array[] = []
  let size = 0
  const gather = async (source: AsyncIterable<Uint8Array>) => {
    for await (const chunk of source) {
      if (size < 16 * 1024 * 1024) chunks.push(chunk)
      size += chunk.length
    }
  }
  const [{ exitCode, message }] = await Promise.all([running.done, gather(running.stdout), gather(running.stderr)])
  cancel?.()
  return { exitCode, output: message ?? Buffer.concat(chunks).toString(), timedOut }
}

/** Joins the container's main process. Hanging up leaves it running. */
export async function dockerAttach(
  engine: DockerEngine,
  clock: Clock,
  id: string,
  { stdin, stdout, stderr, tty }: Omit<ExecOptions, 'command'>,
): Promise<ExecSession> {
  const attach = (docker: Parameters<Parameters<DockerEngine['open']>[0]>[0]) =>
    docker.getContainer(id).attach({ stream: true, hijack: true, stdin, stdout, stderr: stderr && !tty })
  const socket = duplex(await engine.open(attach).catch(failAs('other')))
  const ends = split(socket, tty)
  const done = ends.ended.then(() => {
    ends.stdout.end()
    ends.stderr.end()
    socket.destroy()
    return { exitCode: 0 }
  })
  const resize = resizer(clock, size => engine.open(docker => docker.getContainer(id).resize(size)))
  return session(socket, ends, { resize, done, close: () => void socket.destroy() })
}
