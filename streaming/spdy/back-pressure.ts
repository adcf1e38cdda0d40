import type { Duplex } from 'node:stream'
import type { Clock } from '../../lib/clock.ts'
import { frameType, numbersFrame } from './frames.ts'
import type { FrameOutput } from './output.ts'

/** So much unread on one stream, or on all, and the transport is no longer read. */
const mostUnreadOfStream = 1024 * 1024
const mostUnread = 8 * 1024 * 1024
/** A peer that is not read is not missed when it goes; writing to it is what tells. */
const stallPingInMs = 15_000

/** Holds up the sender by no longer reading the transport. */
export interface BackPressure {
  /** After data has come. */
  hold(): void
  /** After data was read, or never will be. */
  letGo(): void
  stop(): void
}

export interface BackPressureOptions {
  readonly transport: Duplex
  readonly output: FrameOutput
  readonly clock: Clock
  /** All open streams, as they are now. */
  readonly streams: () => Iterable<{ readonly unreadBytes: number }>
  /** The number of the pings that are sent meanwhile: servers number theirs evenly, clients oddly. */
  readonly pingId: number
}

/** Holds while too much lies unread: for peers that keep to no windows, it is what keeps the memory small. */
export function backPressure({ transport, output, clock, streams, pingId }: BackPressureOptions): BackPressure {
  let cancelPing: (() => void) | undefined
  const isFull = () => {
    let all = 0
    for (const { unreadBytes } of streams()) {
      if (unreadBytes >= mostUnreadOfStream) return true
      all += unreadBytes
    }
    return all >= mostUnread
  }
  const pingWhileStalled = () => {
    cancelPing = clock.after(stallPingInMs, () => {
      output.send(numbersFrame(frameType.ping, pingId))
      pingWhileStalled()
    })
  }
  return {
    hold() {
      if (transport.isPaused() || !isFull()) return
      transport.pause()
      pingWhileStalled()
    },
    letGo() {
      if (!transport.isPaused() || isFull()) return
      cancelPing?.()
      transport.resume()
    },
    stop: () => cancelPing?.(),
  }
}
