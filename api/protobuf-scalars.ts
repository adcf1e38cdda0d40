import { timestamp } from '../lib/clock.ts'
import {
  expectType,
  type OnField,
  ProtobufError,
  type Reader,
  readBytes,
  readDouble,
  readMessage,
  readText,
  readVarint,
  wireTypes,
} from './protobuf-reader.ts'

/** How values of one type are written, and what they are in JSON. */
export interface Scalar {
  readonly wireType: number
  readonly read: (reader: Reader) => unknown
  /** What a map holds under a key that came without a value. */
  readonly zero: unknown
}

const { varint, fixed64, bytes } = wireTypes

const time: Scalar = { wireType: bytes, read: reader => timeText(readMessage(reader, [0, 0], pair)), zero: null }

/** Types by the names that Go has for them (shape.ts). */
export const scalars: Readonly<Record<string, Scalar>> = {
  string: { wireType: bytes, read: readText, zero: '' },
  bool: { wireType: varint, read: reader => readVarint(reader) !== 0, zero: false },
  int32: { wireType: varint, read: readVarint, zero: 0 },
  int64: { wireType: varint, read: readVarint, zero: 0 },
  float64: { wireType: fixed64, read: readDouble, zero: 0 },
  '[]uint8': { wireType: bytes, read: reader => readBytes(reader).toString('base64'), zero: '' },
  'v1.Time': time,
  'resource.Quantity': { wireType: bytes, read: reader => readMessage(reader, { text: '' }, quantity).text, zero: '' },
  'intstr.IntOrString': { wireType: bytes, read: intOrString, zero: 0 },
  JSON: { wireType: bytes, read: embedded, zero: null },
  Duration: { wireType: bytes, read: reader => goDuration(readMessage(reader, [0, 0], pair)[0] as number), zero: '0s' },
}

/** Two numbers: seconds and nanoseconds. */
const pair: OnField<number[]> = (reader, number, wireType, target) => {
  if (number > 2) return false
  expectType(number === 1 ? 'Seconds' : 'Nanos', wireType, varint)
  target[number - 1] = readVarint(reader)
  return true
}

/** The last second of the year 9999 and the first of the year 1, which is Go's zero time. */
const [firstSecond, lastSecond] = [-62_135_596_800, 253_402_300_799]

/** Whole seconds, or microseconds when there are any; nothing stands for no time at all. */
function timeText([seconds = 0, nanos = 0]: readonly number[]): string | null {
  if ((seconds === 0 || seconds === firstSecond) && nanos === 0) return null
  if (seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos > 999_999_999) {
    throw new ProtobufError('proto: a time is outside of the years 1 to 9999')
  }
  const text = timestamp(seconds * 1000)
  return nanos === 0 ? text : `${text.slice(0, -1)}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`
}

const quantity: OnField<{ text: string }> = (reader, number, wireType, target) => {
  if (number !== 1) return false
  expectType('String_', wireType, bytes)
  target.text = readText(reader)
  return true
}

function intOrString(reader: Reader): unknown {
  const { type, number, text } = readMessage(reader, { type: 0, number: 0, text: '' }, intOrStringField)
  return type === 1 ? text : number
}

const intOrStringField: OnField<{ type: number; number: number; text: string }> = (reader, number, wireType, target) => {
  if (number > 3) return false
  expectType(['Type', 'IntVal', 'StrVal'][number - 1] ?? '', wireType, number === 3 ? bytes : varint)
  if (number === 1) target.type = readVarint(reader)
  else if (number === 2) target.number = readVarint(reader)
  else target.text = readText(reader)
  return true
}

/** RawExtension, JSON and FieldsV1 hold JSON as bytes. */
function embedded(reader: Reader): unknown {
  const { text } = readMessage(reader, { text: '' }, quantity)
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ProtobufError(`the JSON inside of it cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** Nanoseconds as Go writes them: `1h0m5s`, `1.5s`, `250ms`. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  const sign = nanoseconds < 0 ? '-' : ''
  const ns = Math.abs(nanoseconds)
  if (ns < 1e3) return `${sign}${ns}ns`
  if (ns < 1e6) return `${sign}${ns / 1e3}µs`
  if (ns < 1e9) return `${sign}${ns / 1e6}ms`
  const minutes = Math.floor(ns / 60e9)
  const seconds = `${(ns - minutes * 60e9) / 1e9}s`
  if (minutes === 0) return `${sign}${seconds}`
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60}m${seconds}`
}
