import { bell } from '../lib/bell.ts'

/** Bytes that one side pushes and the other iterates over. */
export interface ByteQueue extends AsyncIterable<Uint8Array> {
  push(chunk: Uint8Array): void
  end(): void
}

export function byteQueue(): ByteQueue {
  const arrived = bell()
  let chunks: Uint8Array[] = []
  let hasEnded = false
  return {
    push(chunk) {
      chunks.push(chunk)
      arrived.ring()
    },
    end() {
      hasEnded = true
      arrived.ring()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const woken = arrived.wait()
        const ready = chunks
        chunks = []
        yield* ready
        if (chunks.length > 0) continue
        if (hasEnded) return
        await woken
      }
    },
  }
}
