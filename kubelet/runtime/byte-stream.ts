/** Bytes that one side pushes and the other iterates, once. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  push(chunk: Uint8Array): void
  /** Nothing comes after this; with an error, the iteration throws it. */
  end(error?: unknown): void
  /** How many bytes wait to be read. */
  readonly waitingInBytes: number
}

/** `onRead` is called whenever a reader took something: the moment to let a paused source go on. */
export function byteStream(onRead?: () => void): ByteStream {
  const chunks: Uint8Array[] = []
  let waitingInBytes = 0
  let ended = false
  let failure: unknown
  let wake: (() => void) | undefined
  const woken = () => {
    wake?.()
    wake = undefined
  }
  return {
    push(chunk) {
      if (ended || chunk.length === 0) return
      chunks.push(chunk)
      waitingInBytes += chunk.length
      woken()
    },
    end(error) {
      if (ended) return
      ended = true
      failure = error
      woken()
    },
    get waitingInBytes() {
      return waitingInBytes
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const chunk = chunks.shift()
        if (chunk) {
          waitingInBytes -= chunk.length
          onRead?.()
          yield chunk
        } else if (ended) {
          if (failure !== undefined) throw failure
          return
        } else {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
      }
    },
  }
}

/** Passes bytes on until the limit is reached, then ends. */
export async function* limitBytes(source: AsyncIterable<Uint8Array>, limit: number | undefined): AsyncIterable<Uint8Array> {
  let left = limit ?? Number.POSITIVE_INFINITY
  if (left <= 0) return
  for await (const chunk of source) {
    yield chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= chunk.length
    if (left <= 0) return
  }
}
