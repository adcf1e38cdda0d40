import { Duplex } from 'node:stream'
import { dataHeader, frameType, numbersFrame, resetStatus } from './frames.ts'
import type { FrameOutput } from './output.ts'
import type { ReceiveWindows } from './receive-windows.ts'
import type { SendWindows } from './send-windows.ts'

/** One stream from its opening to its end. */
export interface Stream {
  readonly duplex: Duplex
  /** Received, and not yet wanted by the reader. */
  readonly unreadBytes: number
  /** Neither side has reset it, and the peer has not said its last. */
  readonly takesData: boolean
  /** Reset, or destroyed by whoever serves it. */
  readonly isGone: boolean
  receive(part: Buffer, isFin: boolean): void
  /** Destroys it without telling the peer, which knows or is gone. */
  drop(): void
}

export interface StreamOptions {
  readonly id: number
  /** The peer has said its last with the frame that opened it. */
  readonly hasFin: boolean
  readonly output: FrameOutput
  readonly sending: SendWindows
  readonly receiving: ReceiveWindows
  /** Something was read. */
  readonly onRead: () => void
  /** Nothing more will come of it or go into it. May be called twice. */
  readonly onDone: () => void
}

/** A stream as a Duplex: what is written becomes DATA, its end FIN, and what came is handed out as it is wanted. */
export function createStream({ id, hasFin, output, sending, receiving, onRead, onDone }: StreamOptions): Stream {
  const window = sending.open(id)
  const consumed = receiving.open(id)
  const inbox = unreadData(chunk => duplex.push(chunk))
  const state = { hasFin, sentFin: false, isDone: false }

  const finish = () => {
    state.isDone = true
    inbox.clear()
    sending.forget(window)
    onDone()
  }
  const finishIfDone = () => {
    if (state.sentFin && state.hasFin && inbox.bytes === 0) finish()
  }
  const deliver = () => {
    consumed(inbox.deliver(), state.hasFin)
    if (state.hasFin && inbox.bytes === 0) {
      duplex.push(null)
      finishIfDone()
    }
    onRead()
  }

  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      inbox.ask()
      deliver()
    },
    write: (chunk: Buffer, _encoding, done) => sending.send(window, chunk, done),
    final(done) {
      state.sentFin = true
      if (!window.isShut) output.send(dataHeader(id, 0, true))
      finishIfDone()
      done()
    },
    destroy(error, done) {
      const isOpen = !state.isDone && !(state.sentFin && state.hasFin)
      if (isOpen && !window.isShut) {
        window.isShut = true
        output.send(numbersFrame(frameType.reset, id, error ? resetStatus.internalError : resetStatus.cancel))
      }
      finish()
      done(null) // nobody is to be told what the streams of one connection died of one by one
    },
  })
  duplex.on('error', () => {})

  return {
    duplex,
    get unreadBytes() {
      return inbox.bytes
    },
    get takesData() {
      return !window.isShut && !state.hasFin
    },
    get isGone() {
      return window.isShut || duplex.destroyed
    },
    receive(part, isFin) {
      inbox.add(part)
      if (isFin) state.hasFin = true
      deliver()
    },
    drop() {
      window.isShut = true
      duplex.destroy()
    },
  }
}

/** What has come and waits until the reader wants it. `push` answers whether he wants more. */
function unreadData(push: (chunk: Buffer) => boolean) {
  const chunks: Buffer[] = []
  let bytes = 0
  let wantsMore = false
  return {
    get bytes() {
      return bytes
    },
    add(chunk: Buffer): void {
      if (chunk.length === 0) return
      chunks.push(chunk)
      bytes += chunk.length
    },
    ask(): void {
      wantsMore = true
    },
    /** Hands out for as long as the reader wants some; answers how much that was. */
    deliver(): number {
      let delivered = 0
      while (wantsMore && chunks.length > 0) {
        const chunk = chunks.shift() as Buffer
        bytes -= chunk.length
        delivered += chunk.length
        wantsMore = push(chunk)
      }
      return delivered
    },
    clear(): void {
      chunks.length = 0
      bytes = 0
    },
  }
}
