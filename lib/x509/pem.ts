/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  readonly label: string
  /** Lines of `Name: value` before the data, as encrypted keys have them. */
  readonly hasHeaders: boolean
  readonly bytes: Buffer
}

const pattern = /-----BEGIN ([^-]+)-----\r?\n([\s\S]*?)-----END \1-----/g

/** The blocks of a text in order; what is between them is skipped. */
export function* pemBlocks(text: string): Iterable<PemBlock> {
  for (const [, label = '', body = ''] of text.matchAll(pattern)) {
    yield { label, hasHeaders: body.includes(':'), bytes: Buffer.from(body.replace(/\s/g, ''), 'base64') }
  }
}

/** A block with lines of 64 letters. */
export function formatPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
