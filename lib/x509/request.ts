import { constants, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type Der, demand, oidText, parts, readAll } from './der-reader.ts'
import { bits, explicit, integer, octets, oid, sequence, set } from './der-writer.ts'
import {
  type AlternativeNames,
  alternativeNamesDer,
  hostNames,
  type Name,
  nameDer,
  readAlternativeNames,
  readName,
} from './names.ts'
import { formatPem, pemBlocks } from './pem.ts'

/** What a certificate request asks for. */
export interface RequestFacts {
  /** One usually. */
  readonly commonNames: readonly string[]
  readonly organizations: readonly string[]
  readonly names: AlternativeNames
  /** DER. */
  readonly subject: Buffer
  readonly publicKey: Buffer
}

const extensionRequest = '1.2.840.113549.1.9.14'
const subjectAlternativeName = '2.5.29.17'
const ecdsaWithSha256 = '1.2.840.10045.4.3.2'
const noNames: AlternativeNames = { dnsNames: [], ipAddresses: [], emailAddresses: [], uris: [] }

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

/** Reads a PKCS #10 request in PEM (RFC 2986), whoever made it. Throws what is wrong with it. */
export function readRequest(pem: string): RequestFacts {
  const { info } = takeApart(pem)
  const [, subject, key, ...attributes] = parts(info)
  if (subject?.tag !== 0x30) throw new Error('a certificate request without a subject')
  return { ...readName(subject), names: namesAskedFor(attributes), subject: subject.whole, publicKey: demand(key).whole }
}

/** Checks that whoever made the request has the key. Throws if he has not, and what is wrong with the request. */
export function verifyRequest(pem: string): void {
  const { info, algorithm, signature } = takeApart(pem)
  const [, , spki] = parts(info)
  const key = createPublicKey({ key: Buffer.from(demand(spki).whole), format: 'der', type: 'spki' })
  const [id] = parts(algorithm)
  const name = oidText(demand(id))
  const hash = name === pss ? 'sha256' : hashes[name]
  if (hash === undefined) throw new Error('x509: cannot verify signature: algorithm unimplemented')
  const given = name === pss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING } : key
  if (!verify(hash, info.whole, given, signature.content.subarray(1))) throw new Error('x509: signature verification failure')
}

function takeApart(pem: string): { info: Der; algorithm: Der; signature: Der } {
  const [block] = pemBlocks(pem)
  if (block?.label !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST')
  const [request] = readAll(block.bytes)
  const [info, algorithm, signature] = parts(request)
  return { info: demand(info), algorithm: demand(algorithm), signature: demand(signature) }
}

function namesAskedFor(attributes: readonly Der[]): AlternativeNames {
  for (const attribute of attributes.filter(each => each.tag === 0xa0).flatMap(each => parts(each))) {
    const [type, values] = parts(attribute)
    if (!type || oidText(type) !== extensionRequest) continue
    const [extensions] = parts(values)
    for (const extension of parts(extensions)) {
      const fields = parts(extension)
      const value = fields.at(-1)
      if (!fields[0] || !value || oidText(fields[0]) !== subjectAlternativeName) continue
      const [names] = readAll(value.content)
      return readAlternativeNames(demand(names))
    }
  }
  return noNames
}

export interface RequestInput {
  readonly subject: Name
  /** Host names and IP addresses. */
  readonly hosts?: readonly string[]
  /** A P-256 private key, which signs the request. */
  readonly key: KeyObject
}

/** Makes a PKCS #10 request, PEM. */
export function makeRequest({ subject, hosts = [], key }: RequestInput): string {
  const names = alternativeNamesDer(hostNames(hosts))
  const extension = names && sequence(oid(subjectAlternativeName), octets(names))
  const attributes = extension ? [sequence(oid(extensionRequest), set(sequence(extension)))] : []
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const info = sequence(integer(Buffer.from([0])), nameDer(subject), spki, explicit(0, ...attributes))
  return formatPem('CERTIFICATE REQUEST', sequence(info, sequence(oid(ecdsaWithSha256)), bits(sign('sha256', info, key))))
}
