import { generateKeyPairSync } from 'node:crypto'
import { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { ApiError } from '../../api/errors.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import type { KeyPair } from '../../lib/x509/certificate.ts'
import { makeRequest } from '../../lib/x509/request.ts'

/** The certificates that a kubelet has. */
export interface Wanted {
  readonly nodeName: string
  readonly purpose: 'client' | 'serving'
  /** Host names and addresses, for the serving one. */
  readonly hosts?: readonly string[]
}

const kinds = {
  client: { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usage: 'client auth' },
  serving: { signerName: 'kubernetes.io/kubelet-serving', usage: 'server auth' },
} as const

/** How long somebody may take to approve and to sign (client-go: certificateWaitTimeout). */
const patienceInMs = 15 * 60_000

/**
 * Makes a key and asks the API for a certificate for it; resolves when it is signed. Rejects when it is denied, cannot be signed, or
 * nothing has happened for a quarter of an hour.
 */
export async function askForCertificate(
  client: Client,
  { nodeName, purpose, hosts = [] }: Wanted,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<KeyPair> {
  const { signerName, usage } = kinds[purpose]
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] }
  const request = Buffer.from(makeRequest({ subject, hosts, key: privateKey })).toString('base64')
  const note = { rule: 'kubelet/certificate', text: `node ${nodeName} needs a ${purpose} certificate` }
  const asked = await client.create(
    CertificateSigningRequest,
    { metadata: { generateName: 'csr-' }, spec: { request, signerName, usages: ['digital signature', usage] } },
    { note },
  )
  const certificate = await signed(client, asked, { clock, signal })
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

async function signed(
  client: Client,
  asked: CertificateSigningRequest,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string> {
  const { name } = asked.metadata
  const late = new AbortController()
  const cancel = clock.after(patienceInMs, () => late.abort())
  const over = AbortSignal.any([signal, late.signal])
  let current = asked
  try {
    while (!over.aborted) {
      const certificate = outcome(current)
      if (certificate !== undefined) return certificate
      try {
        const { resourceVersion } = current.metadata
        const found = await decided(client, name, resourceVersion, over)
        current = found ?? (await client.get(CertificateSigningRequest, { name }))
      } catch (error) {
        if (error instanceof ApiError && error.status.code < 500 && error.status.code !== 410) throw error
        await clock.sleep(1000, over)
        current = await client.get(CertificateSigningRequest, { name }).catch(() => current)
      }
    }
  } finally {
    cancel()
  }
  throw new Error(
    signal.aborted ? 'stopped' : `the certificate request ${name} was not signed within ${patienceInMs / 60_000} minutes`,
  )
}

/** The next state of the request that decides about it; undefined: the watch ended before. */
async function decided(
  client: Client,
  name: string,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<CertificateSigningRequest | undefined> {
  const watching = new AbortController()
  const either = AbortSignal.any([signal, watching.signal])
  const options = { fieldSelector: `metadata.name=${name}`, resourceVersion }
  try {
    for await (const events of client.watch(CertificateSigningRequest, options, either)) {
      for (const event of events) {
        if (event.type === 'DELETED') throw new ApiError('NotFound', `the certificate request ${name} was deleted`)
        if (event.type !== 'BOOKMARK' && outcome(event.object) !== undefined) return event.object
      }
    }
  } finally {
    watching.abort()
  }
  return undefined
}

/** The certificate (PEM), undefined as long as nothing is decided. Throws when there will be none. */
function outcome({ metadata, status }: CertificateSigningRequest): string | undefined {
  const condition = status.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed')
  if (condition) {
    const why = [condition.reason, condition.message].filter(Boolean).join(': ')
    throw new ApiError(
      'Forbidden',
      `the certificate request ${metadata.name} was ${condition.type.toLowerCase()}${why ? `: ${why}` : ''}`,
    )
  }
  return status.certificate ? Buffer.from(status.certificate, 'base64').toString() : undefined
}
