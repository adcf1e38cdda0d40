/** What is wrong with bytes that are no message, in the words of Go's decoders. */
export class ProtobufError extends Error {}

/** A place in the bytes of a message. Nothing is read past `limit`, where the bytes end. */
export interface Reader {
  readonly bytes: Buffer
  readonly limit: number
  at: number
  /** How many messages the one that is being read is inside of. */
  depth: number
  /** The bytes as one text, a character each: cutting pieces from it is the quickest way to short text. */
  latin1: string | undefined
}

/** A reader at the start of a message. */
export function readerOf(bytes: Buffer): Reader {
  return { bytes, limit: bytes.length, at: 0, depth: 0, latin1: undefined }
}

/** How deep messages may be nested; Kubernetes' own types need about twenty, schemas of custom resources more. */
const deepest = 200

const unexpectedEnd = () => new ProtobufError('unexpected EOF')

/** How a field is written, in the last three bits of its tag. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

/** A varint as a signed number; past 2^53 it loses digits, as JSON.parse does. */
export function readVarint(reader: Reader): number {
  const { bytes, limit } = reader
  let at = reader.at
  if (at >= limit) throw unexpectedEnd()
  let byte = bytes[at++] as number
  if (byte < 0x80) {
    reader.at = at
    return byte
  }
  let low = byte & 0x7f
  for (let shift = 7; shift < 28; shift += 7) {
    if (at >= limit) throw unexpectedEnd()
    byte = bytes[at++] as number
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      reader.at = at
      return low
    }
  }
  reader.at = at
  return readLongVarint(reader, low)
}

/** From the fifth byte on: 28 bits are known. */
function readLongVarint(reader: Reader, low28: number): number {
  const { bytes, limit } = reader
  let high = 0n
  for (let index = 0n; index < 6n; index++) {
    if (reader.at >= limit) throw unexpectedEnd()
    const byte = bytes[reader.at++] as number
    high |= BigInt(byte & 0x7f) << (7n * index)
    if (byte < 0x80) return Number(BigInt.asIntN(64, (high << 28n) | BigInt(low28)))
  }
  throw new ProtobufError('proto: integer overflow')
}

/** Eight bytes as a number. */
export function readDouble(reader: Reader): number {
  const { at } = reader
  if (at + 8 > reader.limit) throw unexpectedEnd()
  reader.at = at + 8
  return reader.bytes.readDoubleLE(at)
}

/** Reads a length and answers where what is that long ends. */
export function readLength(reader: Reader): number {
  const length = readVarint(reader)
  if (length < 0) throw new ProtobufError('proto: negative length found during unmarshaling')
  const end = reader.at + length
  if (end > reader.limit) throw unexpectedEnd()
  return end
}

/** A text with its length before it. */
export function readText(reader: Reader): string {
  const end = readLength(reader)
  const { bytes, at } = reader
  reader.at = end
  for (let i = at; i < end; i++) if ((bytes[i] as number) > 0x7f) return bytes.toString('utf8', at, end)
  return (reader.latin1 ??= bytes.toString('latin1')).slice(at, end)
}

/** Bytes with their length before them; a part of the message, not a copy. */
export function readBytes(reader: Reader): Buffer {
  const end = readLength(reader)
  const part = reader.bytes.subarray(reader.at, end)
  reader.at = end
  return part
}

/** Takes one field of a message into `target`, or answers false to have it skipped. */
export type OnField<Target> = (reader: Reader, number: number, wireType: number, target: Target) => boolean

/** Reads a message that begins with its length, field by field. */
export function readMessage<Target>(reader: Reader, target: Target, onField: OnField<Target>): Target {
  return readFields(reader, readLength(reader), target, onField)
}

/** Reads the fields of a message up to where it ends. Messages may not be nested without end. */
export function readFields<Target>(reader: Reader, end: number, target: Target, onField: OnField<Target>): Target {
  if (++reader.depth > deepest) throw new ProtobufError('proto: exceeded max depth')
  while (reader.at < end) {
    const tag = readVarint(reader)
    const number = tag >>> 3
    const wireType = tag & 7
    if (number === 0 || tag < 0 || tag > 0xffffffff)
      throw new ProtobufError(`proto: illegal tag ${number} (wire type ${wireType})`)
    if (!onField(reader, number, wireType, target)) skip(reader, wireType)
  }
  if (reader.at > end) throw unexpectedEnd()
  reader.depth--
  return target
}

/** Passes over a field that means nothing to us. */
function skip(reader: Reader, wireType: number): void {
  if (wireType === wireTypes.varint) readVarint(reader)
  else if (wireType === wireTypes.fixed64) advance(reader, 8)
  else if (wireType === wireTypes.bytes) reader.at = readLength(reader)
  else if (wireType === wireTypes.fixed32) advance(reader, 4)
  // Groups died out long ago: no Kubernetes message ever had one.
  else throw new ProtobufError(`proto: illegal wireType ${wireType}`)
}

function advance(reader: Reader, by: number): void {
  if (reader.at + by > reader.limit) throw unexpectedEnd()
  reader.at += by
}

/** Refuses a field that is not coded as its type is. */
export function expectType(name: string, actual: number, expected: number): void {
  if (actual !== expected) throw new ProtobufError(`proto: wrong wireType = ${actual} for field ${name}`)
}
