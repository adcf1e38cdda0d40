import type { Duplex } from 'node:stream'
import type { Clock } from '../../lib/clock.ts'
import { clientStreams, type SpdyStream } from './client-streams.ts'
import { frameParser, frameType, numbersFrame } from './frames.ts'
import { frameOutput } from './output.ts'
import { wiring } from './wiring.ts'

/** The server's end of a connection. */
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

/** Why a connection ends (SPDY Protocol, draft 3.1, 2.6.6). */
const goAwayStatus = { ok: 0, protocolError: 1 } as const

/**
 * The server's side of SPDY/3.1 as Kubernetes uses it: the client opens streams, both sides send data. Clients made with
 * moby/spdystream, which is all of Kubernetes, neither keep to windows nor open them again: so what they send too much holds up the
 * whole transport instead of being an error, and only a peer that was heard to open a window is kept to it when we send.
 */
export function spdyConnection({ transport, onStream, clock }: SpdyOptions): SpdyConnection {
  const output = frameOutput(transport)
  const streams = clientStreams({ transport, output, onStream, clock })
  const parse = frameParser(streams)

  const sayGoodbye = (status: number) => output.send(numbersFrame(frameType.goAway, streams.latestId(), status))
  return wiring({
    transport,
    output,
    clock,
    parse,
    onNonsense: () => sayGoodbye(goAwayStatus.protocolError),
    onGone: streams.drop,
    onClose() {
      streams.openNoMore()
      sayGoodbye(goAwayStatus.ok)
    },
  })
}
