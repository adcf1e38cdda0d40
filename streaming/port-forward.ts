import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ApiError } from '../api/errors.ts'
import type { PodConnections } from '../api/node-agent.ts'
import type { Clock } from '../lib/clock.ts'
import type { SpdyStream } from './spdy/client-streams.ts'
import { spdyConnection } from './spdy/connection.ts'

/** What port-forward speaks over SPDY, and over SPDY inside of WebSocket messages (k8s.io/apimachinery/pkg/util/portforward). */
export const portForwardProtocol = 'portforward.k8s.io'
/** What it speaks inside of WebSocket messages. */
export const tunnelProtocol = `SPDY/3.1+${portForwardProtocol}`
/** What it speaks over WebSocket with the ports in the query, best first. */
export const portForwardChannels = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io']

/** How long the second stream of a pair may take (k8s.io/kubelet/pkg/cri/streaming, DefaultStreamCreationTimeout). */
const streamCreationTimeoutInMs = 30_000
/** Sends to a WebSocket wait from here on until the client has taken some. */
const mostBuffered = 1024 * 1024

interface Forwarding {
  readonly pod: PodConnections
  readonly clock: Clock
}

interface Pair {
  error?: Duplex
  data?: Duplex
  cancel?: () => void
}

/** Serves connection after connection over SPDY: each is a stream for its data and one for what went wrong. Resolves when the client is gone. */
export async function forwardOverSpdy(transport: Duplex, { pod, clock }: Forwarding): Promise<void> {
  const pairs = new Map<string, Pair>()
  const onStream = ({ id, headers, duplex }: SpdyStream) => {
    const port = portOf(headers.get('port'))
    const type = headers.get('streamtype')
    if (type !== 'error' && type !== 'data') throw new Error(`invalid stream type ${JSON.stringify(type)}`)
    // Clients that name no request open the stream for errors right before the one for data.
    const request = headers.get('requestid') || String(type === 'error' ? id : id - 2)
    const pair = pairs.get(request) ?? {}
    if (pair[type]) {
      pair.error?.end(`error processing stream for request ${request}: ${type} stream already assigned`)
      throw new Error('taken')
    }
    pair[type] = duplex
    pairs.set(request, pair)
    if (type === 'error') duplex.resume()
    if (!pair.error || !pair.data) {
      pair.cancel = clock.after(streamCreationTimeoutInMs, () => {
        pairs.delete(request)
        pair.error?.end(`(request=${request}) timed out waiting for streams`)
        pair.data?.destroy()
      })
      return
    }
    pair.cancel?.()
    pairs.delete(request)
    void forward({ pod, port, data: pair.data, error: pair.error })
  }
  const { closed } = spdyConnection({ transport, clock, onStream })
  await closed
  for (const { cancel } of pairs.values()) cancel?.()
}

function portOf(text: string | undefined): number {
  if (!text) throw new ApiError('BadRequest', '"port" header is required')
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535 || Number(text) < 1) throw new Error(`unable to parse "${text}" as a port`)
  return Number(text)
}

interface Connection {
  readonly pod: PodConnections
  readonly port: number
  readonly data: Duplex
  readonly error: Duplex
}

/** One connection into the pod. Each side may end what it says before the other does. */
async function forward({ pod, port, data, error }: Connection): Promise<void> {
  let socket: Duplex
  try {
    socket = await pod.connect(port)
  } catch (failure) {
    error.end(failureText(pod, port, failure))
    data.destroy()
    return
  }
  if (data.destroyed) {
    socket.destroy()
    error.end()
    return
  }
  // A node that is far away may tell only now that nobody listens.
  socket.once('error', failure => error.writable && error.end(failureText(pod, port, failure)))
  // Once the pod has said all, clients wait for the word that nothing went wrong.
  for (const event of ['end', 'close']) socket.once(event, () => error.end())
  join(data, socket)
}

/** Joins two streams until both directions have ended, or either is gone. */
export function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => from.destroy())
    from.on('close', () => {
      // What has ended in good order lets the other side finish; what broke takes it along.
      if (!from.readableEnded || from.errored) to.destroy()
    })
    from.pipe(to)
  }
}

function failureText({ name }: PodConnections, port: number, failure: unknown): string {
  const why = failure instanceof Error ? failure.message : String(failure)
  if (why.startsWith('error forwarding port ')) return why // the words of a kubelet that was asked to forward it
  return `error forwarding port ${port} to pod ${name}, uid : ${why}`
}

/** The ports in the query of a WebSocket request; throws BadRequest. */
export function portsOf(query: URLSearchParams): number[] {
  const given = query.getAll('ports')
  const bad = (message: string) => new ApiError('BadRequest', message)
  if (given.length === 0) throw bad('query parameter "port" is required')
  return given.flatMap(text => {
    if (text === '') throw bad('query parameter "port" cannot be empty')
    return text.split(',').map(part => {
      if (!/^\d{1,5}$/.test(part) || Number(part) > 65535) throw bad(`unable to parse ${JSON.stringify(text)} as a port`)
      if (Number(part) < 1) throw bad(`port ${JSON.stringify(text)} must be > 0`)
      return Number(part)
    })
  })
}

/**
 * One connection per port over WebSocket messages that begin with a channel: 2i for the data of the i-th port, 2i+1 for its errors. Each
 * channel begins with its port, little-endian. Nobody can end just one direction here.
 */
export async function forwardOverChannels(socket: WebSocket, ports: readonly number[], pod: PodConnections): Promise<void> {
  const isBase64 = socket.protocol.includes('base64')
  const send = (channel: number, data: Uint8Array) =>
    new Promise<void>(resolve => {
      const text = () => `${channel}${Buffer.from(data).toString('base64')}`
      const sent = () => resolve()
      socket.send(isBase64 ? text() : Buffer.concat([Buffer.from([channel]), data], data.length + 1), sent)
      if (socket.bufferedAmount <= mostBuffered) resolve()
    })
  const connections: (Duplex | undefined)[] = []
  const early: Buffer[][] = ports.map(() => [])
  let isGone = false
  socket.on('close', () => {
    isGone = true
    for (const connection of connections) connection?.destroy()
  })
  socket.on('message', (message: Buffer) => {
    const channel = isBase64 ? (message[0] ?? 0) - 48 : (message[0] ?? 0)
    const data = isBase64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1)
    const i = channel / 2
    if (channel % 2 === 1 || i >= ports.length || data.length === 0) return
    const connection = connections[i]
    if (!connection) {
      early[i]?.push(data)
      if ((early[i]?.length ?? 0) > 64) socket.pause()
    } else if (connection.writable && !connection.write(data)) {
      socket.pause()
      connection.once('drain', () => socket.resume())
      connection.once('close', () => socket.resume())
    }
  })

  const serve = async (port: number, i: number) => {
    const label = Buffer.from([port & 255, port >> 8])
    await send(2 * i, label)
    await send(2 * i + 1, label)
    try {
      const connection = await pod.connect(port)
      connections[i] = connection
      connection.on('error', () => connection.destroy())
      if (isGone) return void connection.destroy()
      for (const data of early[i]?.splice(0) ?? []) connection.write(data)
      socket.resume()
      for await (const chunk of connection) await send(2 * i, chunk as Buffer)
    } catch (failure) {
      if (!isGone) await send(2 * i + 1, Buffer.from(failureText(pod, port, failure)))
    }
  }
  await Promise.all(ports.map(serve))
  socket.close(1000)
}
