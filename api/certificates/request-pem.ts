import { constants, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { type Der, demand, oidText, parts, readAll } from './der.ts'

/** What a certificate request asks for, as far as anybody here looks into it. */
export interface ParsedRequest {
  /** The organizations of the subject: groups, for client certificates. */
  readonly organizations: readonly string[]
}

const hashes: Record<string, string | null> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null, // Ed25519 has its own
}
const pss = '1.2.840.113549.1.1.10'
const organization = '2.5.4.10'

interface PemBlock {
  readonly label: string
  readonly hasHeaders: boolean
  readonly bytes: Buffer
}

const pemPattern = /-----BEGIN ([^-]+)-----\r?\n([\s\S]*?)-----END \1-----/g

function* pemBlocks(text: string): Iterable<PemBlock> {
  for (const [, label = '', body = ''] of text.matchAll(pemPattern)) {
    yield { label, hasHeaders: body.includes(':'), bytes: Buffer.from(body.replace(/\s/g, ''), 'base64') }
  }
}

/** Reads a PKCS #10 request in PEM and checks that whoever made it has the key (RFC 2986). Throws what is wrong with it. */
export function parseRequest(base64: string): ParsedRequest {
  const [block] = pemBlocks(Buffer.from(base64, 'base64').toString('latin1'))
  if (block?.label !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST')
  const [request] = readAll(block.bytes)
  const [info, algorithm, signature] = parts(request)
  const [, subject, spki] = parts(info)
  const key = createPublicKey({ key: Buffer.from(demand(spki).whole), format: 'der', type: 'spki' })
  const [oid] = parts(algorithm)
  const name = oidText(demand(oid))
  const hash = name === pss ? 'sha256' : hashes[name]
  if (hash === undefined) throw new Error('x509: cannot verify signature: algorithm unimplemented')
  const bits = demand(signature).content.subarray(1)
  const given = name === pss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING } : key
  if (!verify(hash, demand(info).whole, given, bits)) throw new Error('x509: signature verification failure')
  return { organizations: organizationsOf(demand(subject)) }
}

function organizationsOf(subject: Der): string[] {
  return parts(subject).flatMap(set =>
    parts(set).flatMap(attribute => {
      const [type, value] = parts(attribute)
      return type && value && oidText(type) === organization ? [value.content.toString('utf8')] : []
    }),
  )
}

/** What is wrong with issued certificates in PEM; undefined: nothing. */
export function certificateFault(base64: string): string | undefined {
  let blocks = 0
  for (const { label, hasHeaders, bytes } of pemBlocks(Buffer.from(base64, 'base64').toString('latin1'))) {
    if (label !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(label)}`
    if (hasHeaders) return 'no PEM block headers are permitted'
    try {
      new X509Certificate(bytes)
    } catch {
      return 'x509: malformed certificate'
    }
    blocks++
  }
  return blocks === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}
