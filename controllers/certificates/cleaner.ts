import { X509Certificate } from 'node:crypto'
import { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { pemOf } from '../../api/certificates/request-pem.ts'
import { ignore } from '../../api/errors.ts'
import type { Controller } from '../../client/controller.ts'

const hour = 60 * 60_000
const everyMs = hour
const decidedForMs = hour
const pendingForMs = 24 * hour

/** Why a request need not be kept any longer (pkg/controller/certificates/cleaner); undefined: it must. */
export function reasonToRemove(request: CertificateSigningRequest, now: number): string | undefined {
  const { conditions = [], certificate } = request.status
  const isOlder = (time: string | undefined, ms: number) => time !== undefined && now - Date.parse(time) > ms
  const decided = (type: string) => conditions.some(one => one.type === type && isOlder(one.lastUpdateTime, decidedForMs))
  if (certificate && decided('Approved')) return 'it was issued more than an hour ago'
  if (decided('Denied')) return 'it was denied more than an hour ago'
  if (decided('Failed')) return 'it failed more than an hour ago'
  if (conditions.length === 0 && isOlder(request.metadata.creationTimestamp, pendingForMs))
    return 'nobody decided about it for a day'
  if (certificate && conditions.some(({ type }) => type === 'Approved') && hasExpired(certificate, now))
    return 'its certificate has expired'
  return undefined
}

function hasExpired(certificate: string, now: number): boolean {
  try {
    return now > Date.parse(new X509Certificate(pemOf(certificate)).validTo)
  } catch {
    return false
  }
}

/** Removes requests that are over and done with, looking at all of them every hour. */
export const certificateCleaner: Controller = {
  name: 'csrcleaner',
  watches: [],
  reads: [CertificateSigningRequest],
  writes: [CertificateSigningRequest],
  periodic: {
    everyMs,
    keys: lister =>
      lister(CertificateSigningRequest)
        .list()
        .map(({ metadata }) => metadata.name),
  },

  async reconcile({ client, lister, clock }, key) {
    const request = lister(CertificateSigningRequest).get(key)
    const why = request && reasonToRemove(request, clock.now())
    if (why === undefined) return
    const note = { rule: 'csrcleaner/remove', text: why }
    await client.delete(CertificateSigningRequest, { name: key }, { note }).catch(ignore('NotFound'))
  },
}
