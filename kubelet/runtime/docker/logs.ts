import type Docker from 'dockerode'
import type { ContainerLogOptions } from '../../../api/node-agent.ts'
import { failAs, readable } from './connection.ts'
import { demultiplexer } from './demultiplex.ts'
import type { DockerEngine } from './engine.ts'

/** A container's log, both streams in the order they were written. Ends when the signal aborts. */
export async function* dockerLogs(
  engine: DockerEngine,
  id: string,
  options: ContainerLogOptions,
  now: number,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { Config } = await engine.read(docker => docker.getContainer(id).inspect()).catch(failAs('other'))
  const stream = await engine.open(docker => openLogs(docker, id, logQuery(options, now))).catch(failAs('other'))
  const stop = () => stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const ready: Uint8Array[] = []
  const feed = Config.Tty ? (chunk: Uint8Array) => ready.push(chunk) : demultiplexer(({ data }) => ready.push(data))
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
