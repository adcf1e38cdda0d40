import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { demand, parts, readAll } from './der-reader.ts'
import { bits, bool, explicit, implicit, integer, nothing, octets, oid, sequence, time } from './der-writer.ts'
import { type AlternativeNames, alternativeNamesDer, hostNames, type Name, nameDer } from './names.ts'
import { formatPem } from './pem.ts'
import { usageBits } from './usages.ts'

export type { Name } from './names.ts'

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
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
  rsaWithSha256: '1.2.840.113549.1.1.11',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const

const purposes = {
  authority: ['digital signature', 'cert sign', 'crl sign'],
  server: ['digital signature', 'server auth', 'client auth'],
  client: ['digital signature', 'client auth'],
} as const

/**
 * Makes a P-256 key and an X.509 v3 certificate for it (RFC 5280), signed by the issuer or by itself. Written by hand because
 * it takes about a millisecond, where loading a certificate library takes a good part of the whole start.
 */
export function issueCertificate({ subject, purpose, hosts = [], notBefore, notAfter, issuer }: CertificateRequest): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = issuer ?? { subject, key: privateKey }
  const certificate = build({
    subject: nameDer(subject),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    names: hostNames(hosts),
    usages: purposes[purpose],
    isAuthority: purpose === 'authority',
    notBefore,
    notAfter,
    issuer: { name: nameDer(signer.subject), key: signer.key },
  })
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** What somebody who has a key of his own asked for. */
export interface SigningInput {
  /** DER: the subject and the public key (SPKI), as in the request. */
  readonly subject: Buffer
  readonly publicKey: Buffer
  readonly names: AlternativeNames
  /** As the API names them: `client auth`, `digital signature`. */
  readonly usages: readonly string[]
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** PEMs of the authority. */
  readonly authority: KeyPair
}

/** A certificate (PEM) for a key that we do not have; never an authority's. */
export function signCertificate({ authority, ...input }: SigningInput): string {
  const key = createPrivateKey(authority.key)
  return build({ ...input, isAuthority: false, issuer: { name: subjectOf(authority.certificate), key } })
}

/** The subject of a certificate (PEM), as DER. */
function subjectOf(certificate: string): Buffer {
  const [whole] = readAll(new X509Certificate(certificate).raw)
  const [body] = parts(whole)
  const fields = parts(body)
  // The version comes first when there is one, and there is for v3; then serial number, algorithm, issuer, validity, subject.
  return demand(fields[demand(fields[0]).tag === 0xa0 ? 5 : 4]).whole
}

interface Blueprint extends Omit<SigningInput, 'authority'> {
  readonly isAuthority: boolean
  readonly issuer: { readonly name: Buffer; readonly key: KeyObject }
}

function build(blueprint: Blueprint): string {
  const { subject, publicKey, notBefore, notAfter, issuer } = blueprint
  const isRsa = issuer.key.asymmetricKeyType === 'rsa'
  const algorithm = isRsa ? sequence(oid(oids.rsaWithSha256), nothing()) : sequence(oid(oids.ecdsaWithSha256))
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    issuer.name,
    sequence(time(notBefore), time(notAfter)),
    subject,
    publicKey,
    explicit(3, sequence(...extensions(blueprint))),
  )
  return formatPem('CERTIFICATE', sequence(body, algorithm, bits(sign('sha256', body, issuer.key))))
}

/** Positive and never short: the top bit is off and the next one on. */
function serialNumber(): Buffer {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

function extensions({ isAuthority, publicKey, names, usages, issuer }: Blueprint): Buffer[] {
  const extension = (id: string, value: Uint8Array, isCritical = false) =>
    sequence(oid(id), ...(isCritical ? [bool(true)] : []), octets(value))
  const signerSpki = createPublicKey(issuer.key).export({ type: 'spki', format: 'der' })
  const { bytes, unused, extended } = usageBits(usages)
  const alternative = alternativeNamesDer(names)
  return [
    extension(oids.basicConstraints, isAuthority ? sequence(bool(true)) : sequence(), true),
    ...(bytes.length > 0 ? [extension(oids.keyUsage, bits(bytes, unused), true)] : []),
    extension(oids.subjectKeyIdentifier, octets(keyIdentifier(publicKey))),
    extension(oids.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(signerSpki)))),
    ...(extended.length > 0 ? [extension(oids.extendedKeyUsage, sequence(...extended.map(oid)))] : []),
    ...(alternative ? [extension(oids.subjectAlternativeName, alternative)] : []),
  ]
}

const keyIdentifier = (spki: Buffer) => createHash('sha1').update(spki).digest()
