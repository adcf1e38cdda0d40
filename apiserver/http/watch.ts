import type { Status } from '../../api/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { WatchFrame } from '../request.ts'
import { drained, type Exchange, headersOf, inBatches } from './reply.ts'

const prefixes = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
  BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
} as const
const suffix = Buffer.from('}\n')

/** What stands for an event on the wire; the default is the object's own bytes. */
export type Render = (frame: WatchFrame) => Uint8Array

const ownBytes: Render = frame => frame.bytes

/** A client that takes nothing for so long is gone, whatever its socket says. */
const longestStallInMs = 60_000

/**
 * Writes a watch until the server or the client ends it. Headers go out before the first event; events that came together leave
 * together. A client that reads too slowly makes the pipeline's own queue overflow, which ends the watch with a 410 event.
 */
export async function sendWatch(exchange: Exchange, { events, render = ownBytes, toStatus, clock }: WatchSource): Promise<void> {
  const { response } = exchange
  response.writeHead(200, headersOf(exchange, 'Content-Type', 'application/json'))
  response.flushHeaders()
  try {
    for await (const frames of events) {
      for (const bytes of inBatches(framed(frames, render))) {
        if (response.destroyed) return
        if (!response.write(bytes)) await notStalled(exchange, clock)
      }
    }
  } catch (error) {
    if (!response.destroyed) response.write(`{"type":"ERROR","object":${JSON.stringify(toStatus(error))}}\n`)
  }
  response.end()
}

interface WatchSource {
  readonly events: AsyncIterable<readonly WatchFrame[]>
  readonly render?: Render | undefined
  readonly toStatus: (error: unknown) => Status
  readonly clock: Clock
}

async function notStalled({ response }: Exchange, clock: Clock): Promise<void> {
  const cancel = clock.after(longestStallInMs, () => response.destroy())
  await drained(response, response)
  cancel()
}

function* framed(frames: readonly WatchFrame[], render: Render): Iterable<Uint8Array> {
  for (const frame of frames) {
    yield prefixes[frame.type]
    yield render(frame)
    yield suffix
  }
}
