/** One frame of Docker's stream format: 1 is standard output, 2 standard error. */
export interface Frame {
  stream: number
  data: Uint8Array
  /** Whether it is the beginning of what the engine framed; the rest of a long frame comes in parts. */
  isFirst: boolean
}

/** Cuts Docker's multiplexed bytes into frames: a header of type, three zeros and a big-endian length before each. Hands on parts of long frames as they come. */
export function demultiplexer(onFrame: (frame: Frame) => void): (chunk: Uint8Array) => void {
  let header = Buffer.alloc(0)
  let stream = 0
  let left = 0
  let isFirst = true
  return chunk => {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    while (rest.length > 0) {
      if (left === 0) {
        const wanted = 8 - header.length
        header = Buffer.concat([header, rest.subarray(0, wanted)])
        rest = rest.subarray(wanted)
        if (header.length < 8) return
        stream = header.readUInt8(0)
        left = header.readUInt32BE(4)
        header = Buffer.alloc(0)
        isFirst = true
      } else {
        const data = rest.subarray(0, left)
        left -= data.length
        rest = rest.subarray(data.length)
        onFrame({ stream, data, isFirst })
        isFirst = false
      }
    }
  }
}
