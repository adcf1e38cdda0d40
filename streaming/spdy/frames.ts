/** Types of control frames (SPDY Protocol, draft 3.1, 2.6). */
export const frameType = {
  synStream: 1,
  synReply: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const

/** Why a stream is reset (2.6.3). */
export const resetStatus = { protocolError: 1, invalidStream: 2, refused: 3, cancel: 5, internalError: 6 } as const

/** The last frame of a direction of a stream. */
export const finFlag = 1

/** The longest control frame that is read; data frames may be as long as their header can say. */
const longestControl = 64 * 1024

/** Takes frames in the order in which they came. */
export interface FrameSink {
  control(type: number, flags: number, body: Buffer): void
  /** A part of a data frame as it comes; `isFin` with the last part of the last frame of a stream. Parts may be empty. */
  data(streamId: number, part: Buffer, isFin: boolean): void
}

/** Cuts bytes into frames, however they are chopped up. Throws when they cannot be SPDY/3. */
export function frameParser(sink: FrameSink): (chunk: Buffer) => void {
  let gathered: Buffer[] = []
  let gatheredBytes = 0
  let wanted = 8
  let header: Buffer | undefined
  /** How much of the present data frame is still to come. */
  let dataLeft = 0

  const take = (): Buffer => {
    const whole = gathered.length === 1 ? (gathered[0] ?? Buffer.alloc(0)) : Buffer.concat(gathered, gatheredBytes)
    gathered = []
    gatheredBytes = 0
    return whole
  }
  const onHeader = (next: Buffer) => {
    const length = next.readUIntBE(5, 3)
    const isControl = ((next[0] ?? 0) & 0x80) !== 0
    if (isControl) {
      if ((next.readUInt16BE(0) & 0x7fff) !== 3) throw new Error('not version 3 of SPDY')
      if (length > longestControl) throw new Error(`a control frame of ${length} bytes`)
      header = next
      wanted = length
      if (length === 0) onBody(Buffer.alloc(0))
    } else {
      header = next
      dataLeft = length
      if (length === 0) onData(Buffer.alloc(0))
    }
  }
  const onBody = (body: Buffer) => {
    const own = header ?? body
    header = undefined
    wanted = 8
    sink.control(own.readUInt16BE(2), own[4] ?? 0, body)
  }
  const onData = (part: Buffer) => {
    const own = header
    if (!own) return
    dataLeft -= part.length
    if (dataLeft === 0) header = undefined
    sink.data(own.readUInt32BE(0), part, dataLeft === 0 && ((own[4] ?? 0) & finFlag) !== 0)
  }

  return chunk => {
    let rest = chunk
    while (rest.length > 0) {
      if (dataLeft > 0) {
        const part = rest.subarray(0, dataLeft)
        rest = rest.subarray(part.length)
        onData(part)
        continue
      }
      const part = rest.subarray(0, wanted - gatheredBytes)
      rest = rest.subarray(part.length)
      gathered.push(part)
      gatheredBytes += part.length
      if (gatheredBytes < wanted) return
      if (header) onBody(take())
      else onHeader(take())
    }
  }
}

/** A control frame with any body. */
export function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8003, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt8(flags, 4)
  head.writeUIntBE(body.length, 5, 3)
  return Buffer.concat([head, body])
}

/** A control frame whose body is numbers of 32 bits. */
export function numbersFrame(type: number, ...numbers: number[]): Buffer {
  const body = Buffer.alloc(4 * numbers.length)
  for (const [i, value] of numbers.entries()) body.writeUInt32BE(value >>> 0, 4 * i)
  return controlFrame(type, 0, body)
}

/** The 8 bytes before so much data. */
export function dataHeader(streamId: number, length: number, isFin: boolean): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt8(isFin ? finFlag : 0, 4)
  head.writeUIntBE(length, 5, 3)
  return head
}
