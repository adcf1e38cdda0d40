import { bell } from '../lib/bell.ts'

/** Bytes that one side pushes and the other iterates over, once. */
export interface ByteQueue extends AsyncIterable<Uint8Array> {
  push(chunk: Uint8Array): void
  end(): void
  /** How many bytes a reader has not taken yet; 0 as long as nobody reads, because then nobody is slow. */
  readonly backlog: number
}

/** `onTaken` is called when the reader has taken what was there. */
export function byteQueue(onTaken: () => void = () => {}): ByteQueue {
  const arrived = bell()
  let chunks: Uint8Array[] = []
  let waiting = 0
  let isRead = false
  let hasEnded = false
  return {
    push(chunk) {
      chunks.push(chunk)
      waiting += chunk.length
      arrived.ring()
    },
    end() {
      hasEnded = true
      arrived.ring()
    },
    get backlog() {
      return isRead ? waiting : 0
    },
    async *[Symbol.asyncIterator]() {
      isRead = true
      for (;;) {
        const woken = arrived.wait()
        const ready = chunks
        chunks = []
        for (const chunk of ready) {
          waiting -= chunk.length
          yield chunk
        }
        onTaken()
        if (chunks.length > 0) continue
        if (hasEnded) return
        await woken
      }
    },
  }
}
