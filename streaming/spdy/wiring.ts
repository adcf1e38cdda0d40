import type { Duplex } from 'node:stream'
import type { Clock } from '../../lib/clock.ts'
import type { FrameOutput } from './output.ts'

export interface WiringOptions {
  readonly transport: Duplex
  readonly output: FrameOutput
  readonly clock: Clock
  /** Takes in what arrives. What it throws ends the transport: nothing after it can be understood. */
  readonly parse: (chunk: Buffer) => void
  /** Is called before the transport ends for that. */
  readonly onNonsense?: () => void
  /** Is called when the transport is gone, before anybody hears of it. */
  readonly onGone: () => void
  /** Is called once, before the transport is told to end. */
  readonly onClose?: () => void
}

/** A transport under frames: what every end of a connection does with it. */
export interface Wiring {
  /** Resolves when the transport is gone. */
  readonly closed: Promise<void>
  /** Lets out what was written and hangs up: at the latest after two seconds. */
  close(): void
}

const lingerInMs = 2_000

/** Reads the transport until it ends; a peer that hangs up without being told to ends it for us as well. */
export function wiring({ transport, output, clock, parse, onNonsense, onGone, onClose }: WiringOptions): Wiring {
  let isClosing = false
  const closed = new Promise<void>(resolve => {
    transport.once('close', () => {
      onGone()
      output.release()
      resolve()
    })
  })
  transport.on('error', () => transport.destroy())
  transport.on('end', () => {
    if (!isClosing) transport.destroy()
  })
  transport.on('data', (chunk: Buffer) => {
    try {
      parse(chunk)
    } catch {
      onNonsense?.()
      transport.destroy()
    }
  })
  return {
    closed,
    close() {
      if (isClosing) return
      isClosing = true
      onClose?.()
      if (!output.isDown()) transport.end()
      const cancel = clock.after(lingerInMs, () => transport.destroy())
      void closed.then(cancel)
      transport.resume()
    },
  }
}
