/** The few DER encodings (ITU-T X.690) that certificates and requests for them are made of. */
export type Der = Buffer

function tagged(tag: number, ...content: readonly Uint8Array[]): Der {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

export const sequence = (...content: readonly Uint8Array[]) => tagged(0x30, ...content)
export const nothing = () => tagged(0x05)
export const set = (...content: readonly Uint8Array[]) => tagged(0x31, ...content)
export const bool = (value: boolean) => tagged(0x01, Buffer.from([value ? 0xff : 0]))
export const octets = (content: Uint8Array) => tagged(0x04, content)
export const utf8 = (text: string) => tagged(0x0c, Buffer.from(text, 'utf8'))
/** Whole bytes, with so many of the last byte's bits unused. */
export const bits = (content: Uint8Array, unused = 0) => tagged(0x03, Buffer.from([unused]), content)
/** Context-specific and constructed: `[0]`. */
export const explicit = (number: number, ...content: readonly Uint8Array[]) => tagged(0xa0 | number, ...content)
/** Context-specific and primitive: replaces the tag of what it holds. */
export const implicit = (number: number, content: Uint8Array) => tagged(0x80 | number, content)

/** A non-negative integer of big-endian bytes. */
export function integer(bytes: Uint8Array): Der {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const significant = bytes.subarray(start)
  return (significant[0] ?? 0) & 0x80 ? tagged(0x02, Buffer.from([0]), significant) : tagged(0x02, significant)
}

/** `1.2.840.10045.4.3.2` */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const digits = [value & 0x7f]
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80)
  return digits
}

/** UTCTime up to 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function time(ms: number): Der {
  const digits = `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return digits < '2050' ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}
