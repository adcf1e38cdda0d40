import type { Duplex } from 'node:stream'

/** Where frames go out. */
export interface FrameOutput {
  /** Nothing can be sent any more; what is sent nevertheless is dropped. */
  isDown(): boolean
  /** Sends the parts as one; `true` if the transport took them without having to wait. */
  send(...parts: Buffer[]): boolean
  /** Calls back once when the transport takes more again, or when `release` is called. */
  whenDrained(callback: () => void): void
  /** Lets go all that wait: the transport is gone. */
  release(): void
}

/** Frames out over a transport. */
export function frameOutput(transport: Duplex): FrameOutput {
  const waiting: (() => void)[] = []
  const isDown = () => transport.destroyed || transport.writableEnded
  const release = () => {
    for (const callback of waiting.splice(0)) callback()
  }
  transport.on('drain', release)
  return {
    isDown,
    release,
    whenDrained: callback => void waiting.push(callback),
    send(...parts) {
      if (isDown()) return true
      transport.cork()
      let hasRoom = true
      for (const part of parts) hasRoom = transport.write(part)
      transport.uncork()
      return hasRoom
    },
  }
}
