import { dataHeader } from './frames.ts'
import type { FrameOutput } from './output.ts'
import { initialWindow } from './receive-windows.ts'

const longestData = 64 * 1024

/** How one stream sends. */
export interface SendWindow {
  readonly id: number
  /** How much the peer takes; of interest only if it ever says so. */
  left: number
  /** Nothing is sent any more: the stream was reset. */
  isShut: boolean
  /** Goes on with what waits for room. */
  onChange: (() => void) | undefined
}

/** What the peer lets us send, stream by stream and for all together. */
export interface SendWindows {
  open(id: number): SendWindow
  forget(window: SendWindow): void
  /** Sends now what there is room for and the rest when there is more; `done` when the next may come, also if all of it was in vain. */
  send(window: SendWindow, data: Buffer, done: (error?: Error | null) => void): void
  onWindow(streamId: number, delta: number): void
  onInitialWindow(size: number): void
  /** The peer counts what comes over the connection: it was heard to open that window. */
  countsConnection(): boolean
}

/**
 * Keeps to windows as soon as the peer was heard to open one, and not before: moby/spdystream never does, and would be sent 64 KiB and
 * no more.
 */
export function sendWindows(output: FrameOutput): SendWindows {
  const windows = new Map<number, SendWindow>()
  const isCounted = { connection: false, streams: false }
  let ofConnection = initialWindow
  let ofNewStream = initialWindow

  const roomFor = ({ left }: SendWindow) =>
    Math.min(longestData, isCounted.streams ? left : longestData, isCounted.connection ? ofConnection : longestData)
  const widen = (window: SendWindow, delta: number) => {
    window.left += delta
    window.onChange?.()
  }

  function send(window: SendWindow, data: Buffer, done: (error?: Error | null) => void): void {
    let rest = data
    let hasRoom = true
    while (rest.length > 0) {
      if (window.isShut || output.isDown()) return done()
      const room = roomFor(window)
      if (room <= 0) {
        window.onChange = () => {
          window.onChange = undefined
          send(window, rest, done)
        }
        return
      }
      const part = rest.subarray(0, room)
      rest = rest.subarray(part.length)
      window.left -= part.length
      ofConnection -= part.length
      hasRoom = output.send(dataHeader(window.id, part.length, false), part)
    }
    if (hasRoom) done()
    else output.whenDrained(() => done())
  }

  return {
    send,
    countsConnection: () => isCounted.connection,
    open(id) {
      const window: SendWindow = { id, left: ofNewStream, isShut: false, onChange: undefined }
      windows.set(id, window)
      return window
    },
    forget(window) {
      windows.delete(window.id)
      window.onChange?.()
    },
    onWindow(streamId, delta) {
      isCounted[streamId === 0 ? 'connection' : 'streams'] = true
      if (streamId === 0) {
        ofConnection += delta
        for (const window of [...windows.values()]) window.onChange?.()
      } else {
        const window = windows.get(streamId)
        if (window) widen(window, delta)
      }
    },
    onInitialWindow(size) {
      isCounted.streams = true
      const change = size - ofNewStream
      ofNewStream = size
      for (const window of [...windows.values()]) widen(window, change)
    },
  }
}
