import type { Duplex } from 'node:stream'
import type { Clock } from '../../lib/clock.ts'
import { backPressure } from './back-pressure.ts'
import { controlFrameReader } from './control-frames.ts'
import { controlFrame, type FrameSink, finFlag, frameType, numbersFrame, resetStatus } from './frames.ts'
import { type Headers, headerWriter } from './headers.ts'
import type { FrameOutput } from './output.ts'
import { receiveWindows } from './receive-windows.ts'
import { sendWindows } from './send-windows.ts'
import { createStream, type Stream } from './stream.ts'

/** A stream that the client has opened. Ending the writable side is a FIN, destroying it before both sides have ended is a reset. */
export interface SpdyStream {
  readonly id: number
  readonly headers: Headers
  readonly duplex: Duplex
}

/** The streams of one connection. Takes its frames, and throws when one makes no sense. */
export interface ClientStreams extends FrameSink {
  /** The number of the stream that was opened last; 0 before the first. */
  latestId(): number
  /** From now on streams are no longer opened. */
  openNoMore(): void
  /** The transport is gone, and all streams with it. */
  drop(): void
}

export interface ClientStreamsOptions {
  readonly transport: Duplex
  readonly output: FrameOutput
  /** Hears of every stream before its reply goes out; throwing resets the stream. */
  readonly onStream: (stream: SpdyStream) => void
  readonly clock: Clock
}

const mostStreams = 4096

/** Opens the streams that the client asks for and gives each the frames that are for it. */
export function clientStreams({ transport, output, onStream, clock }: ClientStreamsOptions): ClientStreams {
  const streams = new Map<number, Stream>()
  const sending = sendWindows(output)
  const receiving = receiveWindows(output, sending.countsConnection)
  const pressure = backPressure({ transport, output, clock, streams: () => streams.values(), pingId: 2 })
  const writeHeaders = headerWriter()
  const noHeaders = new Map<string, string>()
  let latestId = 0
  let opensMore = true

  function open(id: number, flags: number, headers: Headers): void {
    if (id === 0 || id % 2 === 0 || id <= latestId) throw new Error(`a stream with the number ${id}`)
    latestId = id
    if (!opensMore) return
    if (streams.size >= mostStreams) return void output.send(numbersFrame(frameType.reset, id, resetStatus.refused))
    const hasFin = (flags & finFlag) !== 0
    const onDone = () => {
      streams.delete(id)
      pressure.letGo()
    }
    const stream = createStream({ id, hasFin, output, sending, receiving, onRead: pressure.letGo, onDone })
    streams.set(id, stream)
    try {
      onStream({ id, headers, duplex: stream.duplex })
    } catch {
      return void stream.duplex.destroy()
    }
    if (stream.isGone) return
    const body = Buffer.alloc(4)
    body.writeUInt32BE(id)
    output.send(controlFrame(frameType.synReply, 0, Buffer.concat([body, writeHeaders(noHeaders)])))
    if (hasFin) stream.receive(Buffer.alloc(0), true)
  }

  function data(id: number, part: Buffer, isFin: boolean): void {
    const stream = streams.get(id)
    if (stream?.takesData) {
      stream.receive(part, isFin)
      pressure.hold()
    } else if (id > latestId || id % 2 === 0) {
      output.send(numbersFrame(frameType.reset, id, resetStatus.invalidStream))
    } // else it has ended here already, which the client did not know yet
  }

  const control = controlFrameReader({
    onOpen: open,
    onReset: id => streams.get(id)?.drop(),
    onPing(id) {
      if (id % 2 === 1) output.send(numbersFrame(frameType.ping, id)) // even ones are answers to ours
    },
    onWindow: sending.onWindow,
    onInitialWindow: sending.onInitialWindow,
  })

  return {
    control,
    data,
    latestId: () => latestId,
    openNoMore() {
      opensMore = false
    },
    drop() {
      pressure.stop()
      for (const stream of [...streams.values()]) stream.drop()
    },
  }
}
