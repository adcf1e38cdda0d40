import { request } from 'node:https'
import { Duplex } from 'node:stream'
import { controlFrame, dataHeader, finFlag, frameParser, frameType, numbersFrame } from './frames.ts'
import { headerReader, headerWriter } from './headers.ts'

/** One stream as a test's client sees it. */
export interface ClientStream {
  readonly id: number
  /** Everything that came so far. */
  text(): string
  /** Resolves at the server's FIN; rejects when the stream is reset or the connection is gone before. */
  readonly ended: Promise<string>
  /** Resolves when the server has accepted it. */
  readonly accepted: Promise<void>
  send(data: string | Buffer): void
  end(): void
  reset(): void
}

/** The other end, for tests. */
export interface SpdyClient {
  open(headers: Record<string, string>, flags?: number): ClientStream
  /** Types of the control frames that came, in order. */
  readonly controls: number[]
  /** Sums of what the server said it has consumed, by stream. */
  readonly windows: Map<number, number>
  ping(id: number): void
  window(id: number, delta: number): void
}

/** A client without flow control, like moby/spdystream. */
export function spdyClient(transport: Duplex): SpdyClient {
  const write = headerWriter()
  const read = headerReader()
  const streams = new Map<number, { chunks: Buffer[]; end(): void; fail(why: string): void; accept(): void }>()
  const controls: number[] = []
  const windows = new Map<number, number>()
  let nextId = 1
  const parse = frameParser({
    control(type, _flags, body) {
      controls.push(type)
      const id = body.readUInt32BE(0)
      if (type === frameType.synReply) {
        read(body.subarray(4))
        streams.get(id)?.accept()
      }
      if (type === frameType.reset) streams.get(id)?.fail(`reset ${body.readUInt32BE(4)}`)
      if (type === frameType.windowUpdate) windows.set(id, (windows.get(id) ?? 0) + body.readUInt32BE(4))
    },
    data(id, part, isFin) {
      streams.get(id)?.chunks.push(Buffer.from(part))
      if (isFin) streams.get(id)?.end()
    },
  })
  transport.on('data', parse)
  transport.on('error', () => {})
  transport.on('close', () => {
    for (const { fail } of streams.values()) fail('connection closed')
  })
  return {
    controls,
    windows,
    ping: id => void transport.write(numbersFrame(frameType.ping, id)),
    window: (id, delta) => void transport.write(numbersFrame(frameType.windowUpdate, id, delta)),
    open(headers, flags = 0) {
      const id = nextId
      nextId += 2
      const head = Buffer.alloc(10)
      head.writeUInt32BE(id)
      const block = write(new Map(Object.entries(headers)))
      const chunks: Buffer[] = []
      const text = () => Buffer.concat(chunks).toString()
      let accept: () => void = () => {}
      const accepted = new Promise<void>(resolve => {
        accept = resolve
      })
      const ended = new Promise<string>((resolve, reject) => {
        streams.set(id, { chunks, accept, end: () => resolve(text()), fail: why => reject(new Error(why)) })
      })
      ended.catch(() => {}) // not every test asks
      transport.write(controlFrame(frameType.synStream, flags, Buffer.concat([head, block])))
      return {
        id,
        text,
        ended,
        accepted,
        send(data) {
          const bytes = Buffer.from(data)
          transport.write(Buffer.concat([dataHeader(id, bytes.length, false), bytes]))
        },
        end: () => void transport.write(dataHeader(id, 0, true)),
        reset: () => void transport.write(numbersFrame(frameType.reset, id, 5)),
      }
    },
  }
}

/** The flags of a stream of which the client sends no more than the opening. */
export const onlyFin = finFlag

/** Two ends of a pipe that holds little: what one writes the other reads; when one is gone so is the other. */
export function pipe(): [Duplex, Duplex] {
  const waiting = new Map<Duplex, () => void>()
  const end = (other: () => Duplex): Duplex => {
    const give = (chunk: Buffer | null, done: () => void) => {
      const to = other()
      if (to.destroyed || to.push(chunk) || chunk === null) done()
      else waiting.set(to, done)
    }
    const own: Duplex = new Duplex({
      read() {
        const go = waiting.get(own)
        waiting.delete(own)
        go?.()
      },
      write: (chunk, _encoding, done) => give(chunk, done),
      final: done => give(null, done),
      destroy(_error, done) {
        done(null)
        waiting.get(other())?.()
        setImmediate(() => other().destroy())
      },
    })
    return own
  }
  const a: Duplex = end(() => b)
  const b: Duplex = end(() => a)
  return [a, b]
}

/** A connection of an HTTPS server after its 101; rejects with what it answered instead. */
export function upgraded(
  server: { readonly port: number; readonly certificates: Credentials },
  path: string,
  headers: Record<string, string>,
): Promise<Duplex> {
  const { ca, clients } = server.certificates
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...{ host: '127.0.0.1', port: server.port, method: 'POST', path, ca },
      ...{ cert: clients.admin?.certificate, key: clients.admin?.key, agent: false },
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers },
    })
    outgoing.on('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    outgoing.on('response', response => reject(new Error(`${response.statusCode}`)))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

interface Credentials {
  readonly ca: string
  readonly clients: Readonly<Record<string, { readonly certificate: string; readonly key: string } | undefined>>
}
