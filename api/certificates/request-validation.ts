import { deepEqual } from '../../lib/json.ts'
import { signerName } from '../domain-names.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { supported } from '../validation.ts'
import type { RequestParts } from './certificate-signing-request.ts'
import { certificateFault, parseRequest } from './request-pem.ts'

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]
const legacySigner = 'kubernetes.io/legacy-unknown'
const shortestInSeconds = 600

type Conditions = NonNullable<RequestParts['status']['conditions']>

/** A request (pkg/apis/certificates/validation); what was stored when rules were looser may stay as it is. */
export function validateRequest({ spec }: RequestParts, old?: RequestParts): FieldError[] {
  // Nothing of a request changes but through its subresources.
  if (old) return []
  const errors: FieldError[] = []
  try {
    parseRequest(spec.request)
  } catch (error) {
    errors.push(fieldError.invalid('spec.request', spec.request, error instanceof Error ? error.message : String(error)))
  }
  const asked = spec.usages ?? []
  if (asked.length === 0) errors.push(fieldError.required('spec.usages'))
  for (const [i, usage] of asked.entries()) errors.push(...supported(`spec.usages[${i}]`, usage, usages))
  for (const [i, usage] of asked.entries()) {
    if (asked.indexOf(usage) < i) errors.push(fieldError.duplicate(`spec.usages[${i}]`, usage))
  }
  if (spec.signerName === legacySigner) {
    const why = 'the legacy signerName is not allowed via this API version'
    errors.push(fieldError.invalid('spec.signerName', spec.signerName, why))
  } else errors.push(...signerName('spec.signerName', spec.signerName))
  const { expirationSeconds: seconds } = spec
  if (seconds !== undefined && seconds < shortestInSeconds) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)'
    errors.push(fieldError.invalid('spec.expirationSeconds', seconds, why))
  }
  return errors
}

const field = 'status.conditions'
const verdicts = ['Approved', 'Denied']

/** What signers write to `status`, and approvers to `approval`. */
export function validateRequestStatus(request: RequestParts, old: RequestParts, subresource?: string): FieldError[] {
  const { conditions = [], certificate } = request.status
  const before = old.status.conditions ?? []
  const errors = validateConditions(conditions, before)
  if (certificate && certificate !== old.status.certificate && !wasBad(old.status.certificate)) {
    const fault = certificateFault(certificate)
    if (fault) errors.push(fieldError.invalid('status.certificate', '<certificate data>', fault))
  }
  for (const type of [...verdicts, 'Failed']) {
    if (ofType(conditions, type).length >= ofType(before, type).length) continue
    errors.push(fieldError.forbidden(field, `updates may not remove a condition of type ${JSON.stringify(type)}`))
  }
  if (subresource !== 'approval') errors.push(...validateVerdicts(conditions, before))
  if ((certificate ?? '') === (old.status.certificate ?? '')) return errors
  if (subresource !== 'status') errors.push(fieldError.forbidden('status.certificate', 'updates may not set certificate content'))
  else if (old.status.certificate) {
    errors.push(fieldError.forbidden('status.certificate', 'updates may not modify existing certificate content'))
  }
  return errors
}

const wasBad = (certificate: string | undefined) => !!certificate && certificateFault(certificate) !== undefined
const ofType = (conditions: Conditions, wanted: string) => conditions.filter(({ type }) => type === wanted)

function validateConditions(conditions: Conditions, before: Conditions): FieldError[] {
  const errors: FieldError[] = []
  const hadBoth = verdicts.every(type => ofType(before, type).length > 0)
  const hadDoubles = new Set(before.map(({ type }) => type)).size < before.length
  const seen = new Set<string>()
  for (const [i, { type, status }] of conditions.entries()) {
    const at = `${field}[${i}]`
    if (type === '' && ofType(before, '').length === 0) errors.push(fieldError.required(`${at}.type`))
    const isVerdict = verdicts.includes(type) || type === 'Failed'
    if ((status as string) === '') errors.push(fieldError.required(`${at}.status`))
    else errors.push(...supported(`${at}.status`, status, isVerdict ? ['True'] : ['False', 'True', 'Unknown']))
    const other = verdicts.find(verdict => verdict !== type)
    if (!hadBoth && verdicts.includes(type) && other !== undefined && seen.has(other)) {
      errors.push(fieldError.invalid(field, type, 'Approved and Denied conditions are mutually exclusive'))
    }
    if (seen.has(type) && !hadDoubles) errors.push(fieldError.duplicate(`${at}.type`, type))
    seen.add(type)
  }
  return errors
}

/** Signers neither approve nor deny. */
function validateVerdicts(conditions: Conditions, before: Conditions): FieldError[] {
  return verdicts.flatMap(type => {
    const [now, then] = [ofType(conditions, type), ofType(before, type)]
    if (now.length > then.length) {
      return [fieldError.forbidden(field, `updates may not add a condition of type ${JSON.stringify(type)}`)]
    }
    if (now.length < then.length || deepEqual(now, then)) return []
    return [fieldError.forbidden(field, `updates may not modify a condition of type ${JSON.stringify(type)}`)]
  })
}
