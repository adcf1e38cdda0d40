/** One element of DER: its tag, where its content begins and where it ends. */
interface Element {
  readonly tag: number
  readonly start: number
  readonly end: number
}

const commonNameOid = '550403'
const sequence = 0x30

/** Reads the element at an offset; throws when the bytes are not DER. */
function elementAt(bytes: Uint8Array, offset: number): Element {
  const tag = bytes[offset]
  let length = bytes[offset + 1]
  if (tag === undefined || length === undefined) throw new Error('truncated DER')
  let start = offset + 2
  if (length & 0x80) {
    const count = length & 0x7f
    if (count === 0 || count > 4) throw new Error('DER length out of range')
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start++] ?? 0)
  }
  const end = start + length
  if (end > bytes.length) throw new Error('truncated DER')
  return { tag, start, end }
}

function childrenOf(bytes: Uint8Array, { start, end }: Element): Element[] {
  const children: Element[] = []
  for (let at = start; at < end; ) {
    const child = elementAt(bytes, at)
    children.push(child)
    at = child.end
  }
  return children
}

/** The common names of a PKCS #10 request (PEM); usually one. Throws when it cannot be read. */
export function commonNames(pem: string): string[] {
  const [, base64 = ''] = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]+)-----END/.exec(pem) ?? []
  const bytes = Buffer.from(base64, 'base64')
  const [info] = childrenOf(bytes, elementAt(bytes, 0))
  if (info?.tag !== sequence) throw new Error('no certificate request')
  const [, subject] = childrenOf(bytes, info) // the version comes first
  if (subject?.tag !== sequence) throw new Error('a certificate request without a subject')
  const names: string[] = []
  for (const set of childrenOf(bytes, subject)) {
    for (const attribute of childrenOf(bytes, set)) {
      const [type, value] = childrenOf(bytes, attribute)
      if (!type || !value || bytes.subarray(type.start, type.end).toString('hex') !== commonNameOid) continue
      names.push(bytes.subarray(value.start, value.end).toString('utf8'))
    }
  }
  return names
}
