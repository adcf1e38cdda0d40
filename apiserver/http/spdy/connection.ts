import { Duplex } from 'node:stream'
import type { Clock } from '../../../lib/clock.ts'
import { controlFrame, dataHeader, finFlag, frameParser, frameType, numbersFrame, resetStatus } from './frames.ts'
import { headerReader, headerWriter, type Headers } from './headers.ts'

/** A stream that the client has opened. Ending the writable side is a FIN, destroying it before both sides have ended is a reset. */
export interface SpdyStream {
  readonly id: number
  readonly headers: Headers
  readonly duplex: Duplex
}

export interface SpdyConnection {
  /** Resolves when the transport is gone; all streams are destroyed then. */
  readonly closed: Promise<void>
  /** Says good-bye, lets out what was written, and hangs up: at the latest after two seconds. */
  close(): void
}

export interface SpdyOptions {
  /** What the frames go over: a socket, or the messages of a WebSocket. Belongs to the connection from here on. */
  readonly transport: Duplex
  /** Hears of every stream before its reply goes out; throwing resets the stream. */
  readonly onStream: (stream: SpdyStream) => void
  readonly clock: Clock
}

/** What SPDY/3.1 lets a sender have under way before it is told more, per stream and for all together. */
const initialWindow = 64 * 1024
/** Consumed bytes are told about in steps of this. */
const windowStep = initialWindow / 2
/** So much unread on one stream, or on all, and the transport is no longer read. */
const mostUnreadOfStream = 1024 * 1024
const mostUnread = 8 * 1024 * 1024
const mostStreams = 4096
const longestData = 64 * 1024
/** A peer that is not read is not missed when it goes; writing to it is what tells. */
const stallPingInMs = 15_000
const lingerInMs = 2_000

interface Stream {
  readonly id: number
  readonly duplex: Duplex
  /** Received, and not yet wanted by the reader. */
  readonly unread: Buffer[]
  unreadBytes: number
  consumed: number
  wantsMore: boolean
  hasFin: boolean
  sentFin: boolean
  isReset: boolean
  /** How much the peer takes; of interest only if it ever says so. */
  window: number
  onWindow: (() => void) | undefined
}

/**
 * The server's side of SPDY/3.1 as Kubernetes uses it: the client opens streams, both sides send data. Clients made with
 * moby/spdystream, which is all of Kubernetes, neither keep to windows nor open them again: so what they send too much holds up the
 * whole transport instead of being an error, and only a peer that was heard to open a window is kept to it when we send.
 */
export function spdyConnection({ transport, onStream, clock }: SpdyOptions): SpdyConnection {
  const streams = new Map<number, Stream>()
  const readHeaders = headerReader()
  const writeHeaders = headerWriter()
  const waiting: (() => void)[] = []
  let unreadBytes = 0
  let latestId = 0
  let consumed = 0
  let connectionWindow = initialWindow
  let streamWindow = initialWindow
  let controls = { connection: false, streams: false }
  let isClosing = false
  let cancelPing: (() => void) | undefined

  const isDown = () => transport.destroyed || transport.writableEnded
  /** Resolves `true` if the transport took it without having to wait. */
  const send = (...parts: Buffer[]): boolean => {
    if (isDown()) return true
    transport.cork()
    let hasRoom = true
    for (const part of parts) hasRoom = transport.write(part)
    transport.uncork()
    return hasRoom
  }
  const whenDrained = (callback: () => void) => void waiting.push(callback)
  const drained = () => {
    for (const callback of waiting.splice(0)) callback()
  }

  const isFull = () => {
    if (unreadBytes >= mostUnread) return true
    for (const { unreadBytes: own } of streams.values()) if (own >= mostUnreadOfStream) return true
    return false
  }
  const pingWhileStalled = () => {
    cancelPing = clock.after(stallPingInMs, () => {
      send(numbersFrame(frameType.ping, 2))
      pingWhileStalled()
    })
  }
  const hold = () => {
    if (transport.isPaused() || !isFull()) return
    transport.pause()
    pingWhileStalled()
  }
  const letGo = () => {
    if (!transport.isPaused() || isFull()) return
    cancelPing?.()
    transport.resume()
  }

  const forget = (stream: Stream) => {
    streams.delete(stream.id)
    unreadBytes -= stream.unreadBytes
    stream.unreadBytes = 0
    stream.unread.length = 0
    stream.onWindow?.()
    letGo()
  }
  const forgetIfDone = (stream: Stream) => {
    if (stream.sentFin && stream.hasFin && stream.unreadBytes === 0) forget(stream)
  }

  /** Hands received data to the reader for as long as it wants some, and tells the peer. */
  const deliver = (stream: Stream) => {
    while (stream.wantsMore && stream.unread.length > 0) {
      const chunk = stream.unread.shift() as Buffer
      stream.unreadBytes -= chunk.length
      unreadBytes -= chunk.length
      stream.consumed += chunk.length
      consumed += chunk.length
      stream.wantsMore = stream.duplex.push(chunk)
    }
    if (stream.consumed >= windowStep && !stream.hasFin) {
      send(numbersFrame(frameType.windowUpdate, stream.id, stream.consumed))
      stream.consumed = 0
    }
    if (consumed >= windowStep) {
      if (controls.connection) send(numbersFrame(frameType.windowUpdate, 0, consumed))
      consumed = 0
    }
    if (stream.hasFin && stream.unread.length === 0) {
      stream.duplex.push(null)
      forgetIfDone(stream)
    }
    letGo()
  }

  const roomFor = (stream: Stream) =>
    Math.min(longestData, controls.streams ? stream.window : longestData, controls.connection ? connectionWindow : longestData)

  function sendData(stream: Stream, data: Buffer, done: (error?: Error | null) => void): void {
    let rest = data
    let hasRoom = true
    while (rest.length > 0) {
      if (stream.isReset || isDown()) return done()
      const room = roomFor(stream)
      if (room <= 0) {
        stream.onWindow = () => {
          stream.onWindow = undefined
          sendData(stream, rest, done)
        }
        return
      }
      const part = rest.subarray(0, room)
      rest = rest.subarray(part.length)
      stream.window -= part.length
      connectionWindow -= part.length
      hasRoom = send(dataHeader(stream.id, part.length, false), part)
    }
    if (hasRoom) done()
    else whenDrained(() => done())
  }

  function open(id: number, flags: number, headers: Headers): void {
    if (id === 0 || id % 2 === 0 || id <= latestId) throw new Error(`a stream with the number ${id}`)
    latestId = id
    if (isClosing) return
    if (streams.size >= mostStreams) return void send(numbersFrame(frameType.reset, id, resetStatus.refused))
    const duplex = new Duplex({
      allowHalfOpen: true,
      read() {
        stream.wantsMore = true
        deliver(stream)
      },
      write: (chunk: Buffer, _encoding, done) => sendData(stream, chunk, done),
      final(done) {
        stream.sentFin = true
        if (!stream.isReset) send(dataHeader(id, 0, true))
        forgetIfDone(stream)
        done()
      },
      destroy(error, done) {
        const isOpen = streams.get(id) === stream && !(stream.sentFin && stream.hasFin)
        if (isOpen && !stream.isReset) {
          stream.isReset = true
          send(numbersFrame(frameType.reset, id, error ? resetStatus.internalError : resetStatus.cancel))
        }
        forget(stream)
        done(null) // nobody is to be told what the streams of one connection died of one by one
      },
    })
    duplex.on('error', () => {})
    const stream: Stream = {
      id,
      duplex,
      unread: [],
      unreadBytes: 0,
      consumed: 0,
      wantsMore: false,
      hasFin: (flags & finFlag) !== 0,
      sentFin: false,
      isReset: false,
      window: streamWindow,
      onWindow: undefined,
    }
    streams.set(id, stream)
    try {
      onStream({ id, headers, duplex })
    } catch {
      return void duplex.destroy()
    }
    if (stream.isReset || duplex.destroyed) return
    const body = Buffer.alloc(4)
    body.writeUInt32BE(id)
    send(controlFrame(frameType.synReply, 0, Buffer.concat([body, writeHeaders(new Map())])))
    if (stream.hasFin) deliver(stream)
  }

  function control(type: number, flags: number, body: Buffer): void {
    switch (type) {
      case frameType.synStream:
        return open(body.readUInt32BE(0) & 0x7fffffff, flags, readHeaders(body.subarray(10)))
      case frameType.synReply:
        return void readHeaders(body.subarray(4)) // to nothing we asked, but the context of the headers must stay whole
      case frameType.headers:
        return void readHeaders(body.subarray(4))
      case frameType.reset: {
        const stream = streams.get(body.readUInt32BE(0) & 0x7fffffff)
        if (!stream) return
        stream.isReset = true
        stream.duplex.destroy()
        return
      }
      case frameType.ping: {
        const id = body.readUInt32BE(0)
        if (id % 2 === 1) send(numbersFrame(frameType.ping, id))
        return
      }
      case frameType.windowUpdate:
        return onWindowUpdate(body.readUInt32BE(0) & 0x7fffffff, body.readUInt32BE(4) & 0x7fffffff)
      case frameType.settings:
        return onSettings(body)
      default:
        return // GOAWAY: the client opens no more streams and hangs up when it likes. Unknown types are to be passed over.
    }
  }

  function onWindowUpdate(id: number, delta: number): void {
    if (id === 0) {
      controls.connection = true
      connectionWindow += delta
      for (const stream of [...streams.values()]) stream.onWindow?.()
      return
    }
    controls.streams = true
    const stream = streams.get(id)
    if (!stream) return
    stream.window += delta
    stream.onWindow?.()
  }

  /** Only SETTINGS_INITIAL_WINDOW_SIZE (7) matters here. */
  function onSettings(body: Buffer): void {
    const count = body.readUInt32BE(0)
    for (let i = 0; i < count && body.length >= 12 + 8 * i; i++) {
      if ((body.readUInt32BE(4 + 8 * i) & 0xffffff) !== 7) continue
      const size = body.readUInt32BE(8 + 8 * i) & 0x7fffffff
      const change = size - streamWindow
      controls = { ...controls, streams: true }
      streamWindow = size
      for (const stream of [...streams.values()]) {
        stream.window += change
        stream.onWindow?.()
      }
    }
  }

  function data(id: number, part: Buffer, isFin: boolean): void {
    const stream = streams.get(id)
    if (!stream || stream.isReset || stream.hasFin) {
      if (id > latestId || id % 2 === 0) send(numbersFrame(frameType.reset, id, resetStatus.invalidStream))
      return // else it has ended here already, which the client did not know yet
    }
    if (part.length > 0) {
      stream.unread.push(part)
      stream.unreadBytes += part.length
      unreadBytes += part.length
    }
    if (isFin) stream.hasFin = true
    deliver(stream)
    hold()
  }

  const close = () => {
    if (isClosing) return
    isClosing = true
    send(numbersFrame(frameType.goAway, latestId, 0))
    if (!isDown()) transport.end()
    const cancel = clock.after(lingerInMs, () => transport.destroy())
    void closed.then(cancel)
    transport.resume()
  }

  const parse = frameParser({ control, data })
  const closed = new Promise<void>(resolve => {
    transport.once('close', () => {
      cancelPing?.()
      for (const stream of [...streams.values()]) {
        stream.isReset = true
        stream.duplex.destroy()
      }
      drained()
      resolve()
    })
  })
  transport.on('drain', drained)
  transport.on('error', () => transport.destroy())
  transport.on('end', () => {
    if (!isClosing) transport.destroy()
  })
  transport.on('data', (chunk: Buffer) => {
    try {
      parse(chunk)
    } catch {
      send(numbersFrame(frameType.goAway, latestId, 1)) // a protocol error: nothing after it can be understood
      transport.destroy()
    }
  })
  return { closed, close }
}
