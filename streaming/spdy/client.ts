import type { Duplex } from 'node:stream'
import type { Clock } from '../../lib/clock.ts'
import { backPressure } from './back-pressure.ts'
import { controlFrameReader } from './control-frames.ts'
import { controlFrame, frameParser, frameType, numbersFrame, resetStatus } from './frames.ts'
import { headerWriter } from './headers.ts'
import { frameOutput } from './output.ts'
import { receiveWindows } from './receive-windows.ts'
import { sendWindows } from './send-windows.ts'
import { createStream, type Stream } from './stream.ts'
import { wiring } from './wiring.ts'

/** The client's end of a connection: the one that opens streams. */
export interface SpdyClientConnection {
  /** Opens a stream; what is written goes out at once, whether or not the server has accepted it yet. */
  open(headers: Readonly<Record<string, string>>): Duplex
  /** Resolves when the transport is gone; all streams are destroyed then. */
  readonly closed: Promise<void>
  /** Lets out what was written and hangs up: at the latest after two seconds. */
  close(): void
}

/** The client's side of SPDY/3.1 as Kubernetes uses it. Servers made with moby/spdystream keep to no windows, as its clients do. */
export function spdyClientConnection({ transport, clock }: { transport: Duplex; clock: Clock }): SpdyClientConnection {
  const output = frameOutput(transport)
  const streams = new Map<number, Stream>()
  const sending = sendWindows(output)
  const receiving = receiveWindows(output, sending.countsConnection)
  const pressure = backPressure({ transport, output, clock, streams: () => streams.values(), pingId: 1 })
  const writeHeaders = headerWriter()
  let nextId = 1

  const control = controlFrameReader({
    onOpen: id => void output.send(numbersFrame(frameType.reset, id, resetStatus.refused)), // servers of Kubernetes open none
    onReset: id => streams.get(id)?.drop(),
    onPing(id) {
      if (id % 2 === 0) output.send(numbersFrame(frameType.ping, id)) // odd ones are answers to ours
    },
    onWindow: sending.onWindow,
    onInitialWindow: sending.onInitialWindow,
  })
  const parse = frameParser({
    control,
    data(id, part, isFin) {
      const stream = streams.get(id)
      if (!stream?.takesData) return // it has ended here already, which the server did not know yet
      stream.receive(part, isFin)
      pressure.hold()
    },
  })
  const { closed, close } = wiring({
    transport,
    output,
    clock,
    parse,
    onGone() {
      pressure.stop()
      for (const stream of [...streams.values()]) stream.drop()
    },
  })

  return {
    closed,
    open(headers) {
      const id = nextId
      nextId += 2
      const onDone = () => {
        streams.delete(id)
        pressure.letGo()
      }
      const stream = createStream({ id, hasFin: false, output, sending, receiving, onRead: pressure.letGo, onDone })
      streams.set(id, stream)
      const head = Buffer.alloc(10) // the stream's number, no other stream it belongs to, the highest priority, no slot
      head.writeUInt32BE(id)
      output.send(controlFrame(frameType.synStream, 0, Buffer.concat([head, writeHeaders(new Map(Object.entries(headers)))])))
      if (transport.destroyed) stream.drop()
      return stream.duplex
    },
    close,
  }
}
