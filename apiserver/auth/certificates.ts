import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import { issueCertificate, type KeyPair, type Name } from '../../lib/x509/certificate.ts'

/** Where PEM files are kept, by file name; the caller decides where that is and guards the keys (`*.key`). */
export interface PemStore {
  read(name: string): Promise<string | undefined>
  write(name: string, pem: string): Promise<void>
}

/** Everything a cluster needs to trust and to be trusted. */
export interface Certificates {
  /** The authority's certificate: clients verify the server with it, the server verifies clients. */
  readonly ca: string
  /** Its key, which signs all others. */
  readonly caKey: string
  readonly server: KeyPair
  /** One per name that was asked for. */
  readonly clients: Readonly<Record<string, KeyPair>>
  /** Signs service account tokens (P-256, PKCS #8). */
  readonly serviceAccountKey: string
}

export interface CertificatesOptions {
  readonly store: PemStore
  readonly clock: Clock
  /** Beside localhost and the in-cluster names: what else the server is reached by. */
  readonly hosts?: readonly string[]
  /** File name to user: `{ admin: users.admin }` gives `admin.crt` and `admin.key`. */
  readonly clients: Readonly<Record<string, { readonly name: string; readonly groups: readonly string[] }>>
}

const day = 24 * 60 * 60_000
const authorityLifetime = 3650 * day
const leafLifetime = 365 * day
/** Certificates with less than this left are made anew. */
const renewBefore = 30 * day

/** By these names and addresses a server is always reachable: from its own machine and from inside pods. */
const standardHosts = [
  'localhost',
  '127.0.0.1',
  '::1',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '10.96.0.1',
]

/** Reads what is there, makes what is missing, about to expire, or signed by another authority, and writes that. */
export async function ensureCertificates({ store, clock, hosts = [], clients }: CertificatesOptions): Promise<Certificates> {
  const now = clock.now()
  const subject: Name = { commonName: 'wherry-ca' }
  const authority = await ensure(
    store,
    'ca',
    pair => isFresh(pair, now),
    () => issueCertificate({ subject, purpose: 'authority', notBefore: now - day, notAfter: now + authorityLifetime }),
  )
  const issuer = { subject, key: createPrivateKey(authority.key) }
  const authorityKey = new X509Certificate(authority.certificate).publicKey
  const isSigned = (pair: KeyPair) => isFresh(pair, now) && new X509Certificate(pair.certificate).verify(authorityKey)
  const leaf = { notBefore: now - 60_000, notAfter: now + leafLifetime, issuer }

  const allHosts = [...new Set([...standardHosts, ...hosts])]
  const server = await ensure(
    store,
    'server',
    pair => isSigned(pair) && servesAll(pair, allHosts),
    () => issueCertificate({ ...leaf, subject: { commonName: 'kube-apiserver' }, purpose: 'server', hosts: allHosts }),
  )
  const made: Record<string, KeyPair> = {}
  for (const [file, { name, groups }] of Object.entries(clients)) {
    const organizations = groups.filter(group => group !== 'system:authenticated')
    made[file] = await ensure(store, file, isSigned, () =>
      issueCertificate({ ...leaf, subject: { commonName: name, organizations }, purpose: 'client' }),
    )
  }
  return {
    ca: authority.certificate,
    caKey: authority.key,
    server,
    clients: made,
    serviceAccountKey: await ensureKey(store, 'service-account.key'),
  }
}

async function ensure(store: PemStore, file: string, isGood: (pair: KeyPair) => boolean, make: () => KeyPair): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([store.read(`${file}.crt`), store.read(`${file}.key`)])
  if (certificate && key && isGood({ certificate, key })) return { certificate, key }
  const pair = make()
  await store.write(`${file}.key`, pair.key)
  await store.write(`${file}.crt`, pair.certificate)
  return pair
}

async function ensureKey(store: PemStore, file: string): Promise<string> {
  const known = await store.read(file)
  if (known) return known
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await store.write(file, key)
  return key
}

/** Readable, with its own key, and valid for a while yet. */
function isFresh({ certificate, key }: KeyPair, now: number): boolean {
  try {
    const parsed = new X509Certificate(certificate)
    return parsed.checkPrivateKey(createPrivateKey(key)) && Date.parse(parsed.validTo) - renewBefore > now
  } catch {
    return false
  }
}

function servesAll({ certificate }: KeyPair, hosts: readonly string[]): boolean {
  const parsed = new X509Certificate(certificate)
  return hosts.every(host => (isIP(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined)
}
