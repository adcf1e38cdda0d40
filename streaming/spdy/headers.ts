import { constants, inflateRawSync } from 'node:zlib'
import { spdyDictionary } from './dictionary.ts'

/** Names in lower case; a value that came several times holds them separated by NUL. */
export type Headers = ReadonlyMap<string, string>

/** More than this in one header block and the connection ends: Kubernetes sends some hundred bytes. */
const longestBlock = 64 * 1024
/** How far back deflate may refer. */
const windowInBytes = 32 * 1024

const cutOff = Buffer.from([0, 0, 0, 0xff, 0xff])

/**
 * Reads header blocks: all of one direction are one zlib stream that is flushed after each. A flushed block stands alone but for what it
 * quotes from those before it, so each is inflated by itself with the latest output as its dictionary: no state but that, and no callbacks.
 * Throws when a block is malformed or too long.
 */
export function headerReader(): (block: Buffer) => Headers {
  let known = spdyDictionary()
  let isFirst = true
  return block => {
    let compressed = block
    if (isFirst) {
      if (block.length < 6 || ((block[0] ?? 0) & 15) !== 8 || block.readUInt16BE(0) % 31 !== 0) throw new Error('no zlib stream')
      const usesDictionary = ((block[1] ?? 0) & 0x20) !== 0
      compressed = block.subarray(usesDictionary ? 6 : 2)
      if (!usesDictionary) known = Buffer.alloc(0)
      isFirst = false
    }
    const plain = inflateRawSync(compressed, {
      ...(known.length > 0 && { dictionary: known }),
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: longestBlock,
    })
    known = Buffer.concat([known, plain]).subarray(-windowInBytes)
    return parse(plain)
  }
}

function parse(plain: Buffer): Headers {
  const headers = new Map<string, string>()
  let at = 0
  const number = () => {
    const value = plain.readUInt32BE(at)
    at += 4
    return value
  }
  const text = () => {
    const length = number()
    if (length > plain.length - at) throw new Error('a header is longer than its block')
    at += length
    return plain.toString('utf8', at - length, at)
  }
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase()
    headers.set(name, text())
  }
  return headers
}

/** Writes header blocks that any zlib reads, as stored blocks: what a server says is so short that compressing it saves nothing. */
export function headerWriter(): (headers: Headers) => Buffer {
  let isFirst = true
  return headers => {
    const parts: Buffer[] = [number32(headers.size)]
    for (const [name, value] of headers) {
      for (const text of [name.toLowerCase(), value]) parts.push(number32(Buffer.byteLength(text)), Buffer.from(text))
    }
    const plain = Buffer.concat(parts)
    if (plain.length > 0xffff) throw new RangeError('the headers are too long for one stored block')
    const head = Buffer.alloc(5)
    head.writeUInt16LE(plain.length, 1)
    head.writeUInt16LE(~plain.length & 0xffff, 3)
    const opening = isFirst ? [Buffer.from([0x78, 0x01])] : []
    isFirst = false
    return Buffer.concat([...opening, head, plain, cutOff])
  }
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
