import { type AnyKind, apiVersionOf } from '../../api/kind.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Attempt } from '../admission.ts'
import { namespaceOf, type Subject } from './matching.ts'

/** What a webhook said, once it is known to make sense. */
export interface Verdict {
  readonly allowed: boolean
  readonly result?: { status?: string; message?: string; reason?: string; code?: number; details?: object }
  /** The operations of a JSON patch, in base64. */
  readonly patch?: string
  readonly patchType?: string
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
}

const optionKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const

/** The request as webhooks and expressions see it (k8s.io/api/admission/v1 AdmissionRequest), without objects and uid. */
export function admissionRequest(attempt: Attempt, matched: AnyKind) {
  const { kind, objectKind, name, subresource, operation, user, isDryRun } = attempt
  const namespace = namespaceOf(attempt)
  return {
    kind: operation === 'CONNECT' ? connectKind(attempt) : kindOf(objectKind ?? matched),
    resource: resourceOf(matched),
    ...(subresource && { subResource: subresource }),
    requestKind: operation === 'CONNECT' ? connectKind(attempt) : kindOf(objectKind ?? kind),
    requestResource: resourceOf(kind),
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: userInfo(user),
    dryRun: isDryRun,
    options: optionsOf(attempt),
  }
}

const kindOf = ({ group, version, kind }: AnyKind) => ({ group, version, kind })
const resourceOf = ({ group, version, plural }: AnyKind) => ({ group, version, resource: plural })
const connectKind = ({ object }: Attempt) => ({ group: '', version: 'v1', kind: object.kind })

const userInfo = ({ name, uid, groups, extra }: UserInfo) => ({
  username: name,
  ...(uid && { uid }),
  ...(groups.length > 0 && { groups }),
  ...(extra && Object.keys(extra).length > 0 && { extra }),
})

function optionsOf({ operation, options, isDryRun }: Attempt): object | null {
  if (operation === 'CONNECT') return null
  const { fieldManager, fieldValidation, gracePeriodSeconds, propagationPolicy, preconditions } = options
  const common = { kind: optionKinds[operation], apiVersion: 'meta.k8s.io/v1', ...(isDryRun && { dryRun: ['All'] }) }
  if (operation !== 'DELETE')
    return { ...common, ...(fieldManager && { fieldManager }), ...(fieldValidation && { fieldValidation }) }
  return {
    ...common,
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(preconditions && { preconditions }),
  }
}

/** The body that is sent; `version` of the AdmissionReview is one that the webhook understands. */
export function admissionReview(attempt: Attempt, { kind, object, old }: Subject, uid: string, version: string): object {
  const request = {
    uid,
    ...admissionRequest(attempt, kind),
    object: named(kind, attempt, object),
    oldObject: named(kind, attempt, old),
  }
  return { kind: 'AdmissionReview', apiVersion: `admission.k8s.io/${version}`, request }
}

/** Objects say what they are. */
function named(matched: AnyKind, { operation, objectKind: kind = matched }: Attempt, object: object | undefined): object | null {
  if (object === undefined) return null
  return operation === 'CONNECT' ? object : { ...object, kind: kind.kind, apiVersion: apiVersionOf(kind) }
}

interface Response {
  readonly uid?: string
  readonly allowed?: boolean
  readonly status?: Verdict['result']
  readonly patch?: string
  readonly patchType?: string
  readonly warnings?: readonly string[]
  readonly auditAnnotations?: Readonly<Record<string, string>>
}

/** What a webhook said; a text instead when it makes no sense (k8s.io/apiserver/pkg/admission/plugin/webhook/request). */
export function readVerdict(answer: unknown, uid: string, version: string, isMutating: boolean): Verdict | string {
  const { kind = '', apiVersion = '', response } = (answer ?? {}) as { kind?: string; apiVersion?: string; response?: Response }
  if (!response) return 'webhook response was absent'
  if (version === 'v1') {
    if (response.uid !== uid) return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`
    if (kind !== 'AdmissionReview' || apiVersion !== 'admission.k8s.io/v1') {
      return `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${apiVersion}, Kind=${kind}`
    }
    const fault = patchFault(response, isMutating)
    if (fault !== undefined) return fault
  }
  const { allowed = false, status, patch, patchType, warnings = [], auditAnnotations = {} } = response
  return {
    allowed,
    ...(status && { result: status }),
    ...(patch && isMutating && { patch, patchType: patchType ?? 'JSONPatch' }),
    warnings,
    auditAnnotations,
  }
}

function patchFault({ patch, patchType }: Response, isMutating: boolean): string | undefined {
  if (!isMutating && patch) return 'validating webhook may not return response.patch'
  if (!isMutating && patchType !== undefined) return 'validating webhook may not return response.patchType'
  if (!isMutating) return undefined
  if (patch && patchType === undefined) return 'webhook returned response.patch but not response.patchType'
  if (!patch && patchType !== undefined) return 'webhook returned response.patchType but not response.patch'
  return patchType === '' ? 'webhook returned invalid response.patchType of ""' : undefined
}
