import { X509Certificate } from 'node:crypto'
import { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { pemOf } from '../../api/certificates/request-pem.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy } from '../../lib/json.ts'
import { type KeyPair, signCertificate } from '../../lib/x509/certificate.ts'
import { type RequestFacts, verifyRequest } from '../../lib/x509/request.ts'
import { askedFor, clientFault, kubeletClientFault, kubeletServingFault, signers } from './kubelet-requests.ts'

export interface SigningOptions {
  /** The cluster's authority, PEM. */
  readonly authority: KeyPair
  /** How long certificates are good for at most (--cluster-signing-duration), in milliseconds; default a year. */
  readonly durationInMs?: number | undefined
}

type Fault = (asked: RequestFacts, usages: readonly string[]) => string | undefined

/** Who asks for what is signed here, and what it must look like. */
const rules: Readonly<Record<string, Fault>> = {
  [signers.client]: (_, usages) => clientFault(usages),
  [signers.kubeletClient]: kubeletClientFault,
  [signers.kubeletServing]: kubeletServingFault,
  [signers.legacy]: () => undefined,
}

const minute = 60_000
const backdatedByMs = 5 * minute
const shortestInMs = 10 * minute
/** What lives longer than this ends as much earlier as it begins earlier. */
const shortInMs = 8 * 60 * minute

/** From when to when a certificate is good (pkg/controller/certificates/signer, authority/policies.go). Throws when the authority is over. */
export function validityOf(
  now: number,
  wantedInSeconds: number | undefined,
  { longestInMs, authorityEndsAt }: { readonly longestInMs: number; readonly authorityEndsAt: number },
): { notBefore: number; notAfter: number } {
  if (now >= authorityEndsAt) throw new Error('the signer has expired')
  const wanted = wantedInSeconds === undefined ? longestInMs : Math.max(wantedInSeconds * 1000, shortestInMs)
  const life = Math.min(wanted, longestInMs)
  const end = now + life - (life < shortInMs ? 0 : backdatedByMs)
  return { notBefore: now - backdatedByMs, notAfter: Math.min(end, authorityEndsAt) }
}

/** Signs what was approved, by the rules of the signer that it names; what breaks them is marked Failed. */
export function certificateSigning({ authority, durationInMs = 365 * 24 * 60 * minute }: SigningOptions): Controller {
  let endsAt: number | undefined
  const authorityEndsAt = () => (endsAt ??= Date.parse(new X509Certificate(authority.certificate).validTo))
  return {
    name: 'csrsigning',
    watches: [on(CertificateSigningRequest)],
    writes: [CertificateSigningRequest],

    async reconcile({ client, lister, clock }, key) {
      const request = lister(CertificateSigningRequest).get(key)
      const faultOf = request && rules[request.spec.signerName]
      if (!request || !faultOf || request.status.certificate) return
      const { conditions = [] } = request.status
      const has = (type: string) => conditions.some(one => one.type === type && one.status === 'True')
      if (!has('Approved') || has('Denied') || has('Failed')) return

      const write = (status: object, note: { rule: string; text: string }) =>
        client.updateStatus(
          CertificateSigningRequest,
          { ...copy(request), status: { ...copy(request.status), ...status } },
          { note },
        )
      const { usages = [], expirationSeconds, signerName } = request.spec
      const asked = askedFor(request.spec.request)
      const fault = faultOf(asked, usages)
      if (fault !== undefined) {
        const lastUpdateTime = timestamp(clock.now())
        const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: fault, lastUpdateTime }
        const rule = 'csrsigning/failed'
        await write({ conditions: [...copy(conditions), failed] }, { rule, text: `${signerName} does not sign this: ${fault}` })
        return
      }
      verifyRequest(pemOf(request.spec.request))
      const limits = { longestInMs: durationInMs, authorityEndsAt: authorityEndsAt() }
      const validity = validityOf(clock.now(), expirationSeconds, limits)
      const certificate = signCertificate({ ...asked, usages, ...validity, authority })
      const text = `${signerName} signed it, good until ${timestamp(validity.notAfter)}`
      await write({ certificate: Buffer.from(certificate).toString('base64') }, { rule: 'csrsigning/signed', text })
    },
  }
}
