/** Just enough of DER (ITU-T X.690) to look into certificates and requests for them. */
export interface Der {
  readonly tag: number
  /** Everything, tag and length included. */
  readonly whole: Buffer
  readonly content: Buffer
}

/** The values that a buffer holds one after the other. Throws when it holds something else. */
export function readAll(buffer: Buffer): Der[] {
  const found: Der[] = []
  for (let at = 0; at < buffer.length; ) {
    const one = read(buffer, at)
    found.push(one)
    at += one.whole.length
  }
  return found
}

/** The values inside of one. Throws where there is no value. */
export const parts = (value: Der | undefined): Der[] => readAll(demand(value).content)

/** The value itself. Throws where there is none. */
export function demand(value: Der | undefined): Der {
  if (!value) throw malformed()
  return value
}

function read(buffer: Buffer, at: number): Der {
  const tag = buffer[at]
  const first = buffer[at + 1]
  if (tag === undefined || first === undefined) throw malformed()
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (lengthBytes > 4 || at + 2 + lengthBytes > buffer.length) throw malformed()
  const length = lengthBytes === 0 ? first : buffer.readUIntBE(at + 2, lengthBytes)
  const start = at + 2 + lengthBytes
  if (start + length > buffer.length) throw malformed()
  return { tag, whole: buffer.subarray(at, start + length), content: buffer.subarray(start, start + length) }
}

const malformed = () => new Error('asn1: syntax error: data truncated')

/** `1.2.840.10045.4.3.2` */
export function oidText({ content }: Der): string {
  const [first = 0, ...rest] = content
  const arcs = [Math.floor(first / 40), first % 40]
  let value = 0
  for (const byte of rest) {
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      arcs.push(value)
      value = 0
    }
  }
  return arcs.join('.')
}
