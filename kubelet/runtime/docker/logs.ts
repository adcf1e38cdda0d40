import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import type Docker from 'dockerode'
import type { ContainerInspectInfo } from 'dockerode'
import type { ContainerLogOptions } from '../../../api/node-agent.ts'
import type { Clock } from '../../../lib/clock.ts'
import { failAs, readable } from './connection.ts'
import { demultiplexer, type Frame } from './demultiplex.ts'
import type { DockerEngine } from './engine.ts'
import { logFolder } from './log-files.ts'
import { readLog } from './log-reader.ts'

/** A container's log, both streams in the order they were written. Ends when the signal aborts. */
export async function* dockerLogs(
  engine: DockerEngine,
  clock: Clock,
  id: string,
  options: ContainerLogOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const info = await engine.read(docker => docker.getContainer(id).inspect()).catch(failAs('other'))
  if (engine.isLocal && info.HostConfig.LogConfig?.Type === 'local') {
    const { rootDirectory } = await engine.info()
    const done = new AbortController()
    const ended = options.follow && info.State.Running ? whenEnded(engine, info.Id, AbortSignal.any([done.signal, signal])) : over
    const log = readLog({ folder: logFolder(rootDirectory, info.Id), options, clock, ended, signal })
    const files = log[Symbol.asyncIterator]()
    try {
      // Whoever may not read Docker's files asks dockerd.
      const first = await files.next().catch(() => undefined)
      if (first) {
        if (first.done) return
        yield first.value
        for (let next = await files.next(); !next.done; next = await files.next()) yield next.value
        return
      }
    } finally {
      done.abort()
      await files.return?.()
    }
  }
  yield* askedLogs(engine, info, options, clock.now(), signal)
}

/** Whether this process can read what the engine writes: on this machine, and with leave to. */
export async function canReadLogs(engine: DockerEngine): Promise<boolean> {
  if (!engine.isLocal) return false
  const { rootDirectory } = await engine.info()
  return access(`${rootDirectory}/containers`, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}

const over = Promise.resolve()

/** dockerd waits for the output before it says that a container has ended. */
async function whenEnded(engine: DockerEngine, id: string, signal: AbortSignal): Promise<void> {
  await engine.open(docker => docker.getContainer(id).wait({ abortSignal: signal })).catch(() => undefined)
}

/** From dockerd, in frames: one for each record of the log. */
async function* askedLogs(
  engine: DockerEngine,
  { Id, Config }: ContainerInspectInfo,
  options: ContainerLogOptions,
  now: number,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const stream = await engine.open(docker => openLogs(docker, Id, logQuery(options, now))).catch(failAs('other'))
  const stop = () => stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const ready: Uint8Array[] = []
  const whole = wholeLines(options.timestamps ?? false)
  const feed = Config.Tty ? (chunk: Uint8Array) => ready.push(chunk) : demultiplexer(frame => ready.push(whole(frame)))
  try {
    for await (const chunk of stream) {
      feed(chunk)
      yield* ready.splice(0)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

const newline = 10

/** dockerd stamps every piece of 16 KiB of a long line; of those only the first stamp stays. */
function wholeLines(timestamps: boolean): (frame: Frame) => Uint8Array {
  const isOpen = new Set<number>()
  return ({ stream, data, isFirst }) => {
    const continues = timestamps && isFirst && isOpen.has(stream)
    if (data.at(-1) === newline) isOpen.delete(stream)
    else isOpen.add(stream)
    return continues ? data.subarray(data.indexOf(32) + 1) : data
  }
}

/** Always as a stream: dockerode's own `logs` gathers everything in memory, and parses it when it looks like JSON. */
function openLogs(docker: Docker, id: string, query: Record<string, string>) {
  return new Promise<ReturnType<typeof readable>>((resolve, reject) => {
    docker.modem.dial(
      {
        path: `/containers/${id}/logs?`,
        method: 'GET',
        options: query,
        isStream: true,
        statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
      },
      (error: unknown, stream: unknown) => (error ? reject(error) : resolve(readable(stream))),
    )
  })
}

export function logQuery(options: ContainerLogOptions, now: number): Record<string, string> {
  const { follow, timestamps, tailLines, sinceSeconds, sinceTime, stream = 'All' } = options
  const since =
    sinceTime !== undefined ? epochSeconds(sinceTime) : sinceSeconds !== undefined ? String(now / 1000 - sinceSeconds) : undefined
  return {
    stdout: String(stream !== 'Stderr'),
    stderr: String(stream !== 'Stdout'),
    follow: String(follow ?? false),
    timestamps: String(timestamps ?? false),
    tail: String(tailLines ?? 'all'),
    ...(since !== undefined && { since }),
  }
}

/** Docker wants seconds with up to nine decimals. */
function epochSeconds(time: string): string {
  const [, fraction = ''] = /\.(\d+)/.exec(time) ?? []
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(9, '0').slice(0, 9)}`
}
