import { frameType } from './frames.ts'
import { type Headers, headerReader } from './headers.ts'

/** What the peer may say besides data. */
export interface ControlHandlers {
  onOpen(streamId: number, flags: number, headers: Headers): void
  onReset(streamId: number): void
  onPing(pingId: number): void
  /** Stream 0 is the connection. */
  onWindow(streamId: number, delta: number): void
  /** The window that every stream starts with, and that those already open get the difference of. */
  onInitialWindow(size: number): void
}

/** SETTINGS_INITIAL_WINDOW_SIZE (SPDY Protocol, draft 3.1, 2.6.4), the only setting that matters here. */
const initialWindowSetting = 7

/** Reads whole control frames in the order they came. Throws when one makes no sense. */
export function controlFrameReader(handlers: ControlHandlers): (type: number, flags: number, body: Buffer) => void {
  const readHeaders = headerReader()
  return (type, flags, body) => {
    switch (type) {
      case frameType.synStream:
        return handlers.onOpen(number31(body, 0), flags, readHeaders(body.subarray(10)))
      case frameType.synReply:
      case frameType.headers:
        return void readHeaders(body.subarray(4)) // to nothing we asked, but the context of the headers must stay whole
      case frameType.reset:
        return handlers.onReset(number31(body, 0))
      case frameType.ping:
        return handlers.onPing(body.readUInt32BE(0))
      case frameType.windowUpdate:
        return handlers.onWindow(number31(body, 0), number31(body, 4))
      case frameType.settings:
        for (const size of initialWindows(body)) handlers.onInitialWindow(size)
        return
      default:
        return // GOAWAY: the client opens no more streams and hangs up when it likes. Unknown types are to be passed over.
    }
  }
}

function* initialWindows(settings: Buffer): Generator<number> {
  const count = settings.readUInt32BE(0)
  for (let i = 0; i < count && settings.length >= 12 + 8 * i; i++) {
    const id = settings.readUInt32BE(4 + 8 * i) & 0xffffff
    if (id === initialWindowSetting) yield number31(settings, 8 + 8 * i)
  }
}

function number31(body: Buffer, offset: number): number {
  return body.readUInt32BE(offset) & 0x7fffffff
}
