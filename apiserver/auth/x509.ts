import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { bits, bool, explicit, implicit, integer, octets, oid, sequence, set, time, utf8 } from './der.ts'

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** Who a certificate names: CN and any number of O. */
export interface Name {
  readonly commonName: string
  readonly organizations?: readonly string[]
}

export interface CertificateRequest {
  readonly subject: Name
  readonly purpose: 'authority' | 'server' | 'client'
  /** Host names and IP addresses that a server goes by. */
  readonly hosts?: readonly string[]
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly issuer?: { readonly subject: Name; readonly key: KeyObject }
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/**
 * Makes a P-256 key and an X.509 v3 certificate for it (RFC 5280), signed by the issuer or by itself. Written by hand because
 * it takes about a millisecond, where loading a certificate library takes a good part of the whole start.
 */
export function issueCertificate({ subject, purpose, hosts = [], notBefore, notAfter, issuer }: CertificateRequest): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = issuer ?? { subject, key: privateKey }
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    nameOf(signer.subject),
    sequence(time(notBefore), time(notAfter)),
    nameOf(subject),
    spki,
    explicit(3, sequence(...extensions({ purpose, hosts, spki, signer: signer.key }))),
  )
  const signature = sign('sha256', body, signer.key)
  return {
    certificate: pem('CERTIFICATE', sequence(body, algorithm, bits(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** Positive and never short: the top bit is off and the next one on. */
function serialNumber(): Buffer {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

function nameOf({ commonName, organizations = [] }: Name) {
  const part = (type: string, value: string) => set(sequence(oid(type), utf8(value)))
  return sequence(...organizations.map(value => part(oids.organization, value)), part(oids.commonName, commonName))
}

interface ExtensionInput {
  readonly purpose: CertificateRequest['purpose']
  readonly hosts: readonly string[]
  readonly spki: Buffer
  readonly signer: KeyObject
}

function extensions({ purpose, hosts, spki, signer }: ExtensionInput): Buffer[] {
  const extension = (id: string, value: Uint8Array, isCritical = false) =>
    sequence(oid(id), ...(isCritical ? [bool(true)] : []), octets(value))
  const signerSpki = createPublicKey(signer).export({ type: 'spki', format: 'der' })
  const isAuthority = purpose === 'authority'
  const digitalSignature = bits(Buffer.from([0x80]), 7)
  const signCertificatesAndLists = bits(Buffer.from([0x86]), 1)
  const list = [
    extension(oids.basicConstraints, isAuthority ? sequence(bool(true)) : sequence(), true),
    extension(oids.keyUsage, isAuthority ? signCertificatesAndLists : digitalSignature, true),
    extension(oids.subjectKeyIdentifier, octets(keyIdentifier(spki))),
    extension(oids.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(signerSpki)))),
  ]
  if (purpose === 'server') list.push(extension(oids.extendedKeyUsage, sequence(oid(oids.serverAuth), oid(oids.clientAuth))))
  if (purpose === 'client') list.push(extension(oids.extendedKeyUsage, sequence(oid(oids.clientAuth))))
  if (hosts.length > 0) list.push(extension(oids.subjectAlternativeName, sequence(...hosts.map(generalName))))
  return list
}

const keyIdentifier = (spki: Buffer) => createHash('sha1').update(spki).digest()

function generalName(host: string): Buffer {
  const version = isIP(host)
  if (version === 4) return implicit(7, Buffer.from(host.split('.').map(Number)))
  if (version === 6) return implicit(7, ipv6Bytes(host))
  return implicit(2, Buffer.from(host, 'latin1'))
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const groups = (text: string) => (text ? text.split(':').map(group => Number.parseInt(group, 16)) : [])
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...new Array(8 - left.length - right.length).fill(0), ...right]
  return Buffer.from(all.flatMap(group => [group >> 8, group & 0xff]))
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
