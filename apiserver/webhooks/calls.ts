import { tryDecode } from '../../api/decode.ts'
import { ApiError, type Reason, type Status } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { copy, deepEqual } from '../../lib/json.ts'
import type { Random } from '../../lib/random.ts'
import type { Attempt } from '../admission.ts'
import type { AnyDraft } from '../decode-body.ts'
import { applyJsonPatch } from '../patch/json.ts'
import { keptObject } from '../stored-rules.ts'
import type { ClientConfig } from './address.ts'
import type { CallWebhook } from './caller.ts'
import type { Subject } from './matching.ts'
import { admissionReview, readVerdict, type Verdict } from './review.ts'

/** What mutating and validating webhooks have in common. */
export interface Webhook {
  readonly name: string
  readonly clientConfig: ClientConfig
  readonly failurePolicy: string
  readonly sideEffects?: string | undefined
  readonly timeoutSeconds: number
  readonly admissionReviewVersions?: readonly string[] | undefined
}

/** What it takes to ask a webhook. */
export interface Asking {
  readonly call: CallWebhook
  readonly random: Random
}

/** A webhook could not be asked, or its answer makes no sense: what to do then is up to its failurePolicy. */
class WebhookFailure extends Error {}

const failed = (name: string, why: string) => new WebhookFailure(`failed calling webhook ${JSON.stringify(name)}: ${why}`)

/** Asks a webhook. Undefined: it failed, and that is to be ignored. Throws when it refuses, or fails and must not. */
export async function ask(
  { call, random }: Asking,
  webhook: Webhook,
  attempt: Attempt,
  subject: Subject,
  isMutating: boolean,
): Promise<Verdict | undefined> {
  const { name, clientConfig, timeoutSeconds, sideEffects = '' } = webhook
  if (attempt.isDryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') {
    throw new ApiError('BadRequest', `admission webhook ${JSON.stringify(name)} does not support dry run`)
  }
  const version = webhook.admissionReviewVersions?.find(known => known === 'v1' || known === 'v1beta1')
  const uid = random.uuid()
  try {
    if (!version)
      throw failed(
        name,
        'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
      )
    const review = admissionReview(attempt, subject, uid, version)
    const answer = await call(clientConfig, review, timeoutSeconds * 1000).catch(error => {
      throw failed(name, `failed to call webhook: ${error instanceof Error ? error.message : String(error)}`)
    })
    const verdict = readVerdict(answer, uid, version, isMutating)
    if (typeof verdict === 'string') throw failed(name, `received invalid webhook response: ${verdict}`)
    for (const [key, value] of Object.entries(verdict.auditAnnotations)) attempt.annotate?.(`${name}/${key}`, value)
    attempt.warnings.push(...verdict.warnings)
    if (!verdict.allowed) throw denial(name, verdict.result)
    return verdict
  } catch (error) {
    if (!(error instanceof WebhookFailure)) throw error
    if (webhook.failurePolicy === 'Ignore') return undefined
    throw internal(error.message, error)
  }
}

/** InternalError in upstream's form; `cause` is for the log only. */
export const internal = (message: string, cause?: unknown) =>
  new ApiError('InternalError', `Internal error occurred: ${message}`, { details: { causes: [{ message }] }, cause })

/** What really was wrong with a patch: clients are only told that it was. */
export function causeOf(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : {}
  return cause instanceof Error ? cause.message : String(cause)
}

/** A refusal with the webhook's own status (k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go). */
function denial(name: string, result: Verdict['result'] = {}): ApiError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`
  const { reason, code = 0, details } = result
  const message = result.message ? `${by}: ${result.message}` : reason ? `${by}: ${reason}` : `${by} without explanation`
  const error = new ApiError((reason ?? 'BadRequest') as Reason, message, {
    code: Math.max(code, 400),
    ...(details && { details: details as NonNullable<Status['details']> }),
  })
  if (reason === undefined) delete error.status.reason
  return error
}

/** What a webhook wants done to an object; `told` hears of the operations that were applied. */
export interface Amendment extends Pick<Verdict, 'patch' | 'patchType'> {
  readonly told: (operations: unknown) => void
}

/** Does to the object what a webhook's patch says; answers whether that changed it. */
export async function applyVerdict(
  attempt: Attempt,
  webhook: Webhook,
  subject: Subject,
  { patch, patchType, told }: Amendment,
): Promise<boolean> {
  if (!patch) return false
  const { name } = webhook
  if (patchType !== 'JSONPatch') throw internal(failed(name, `unsupported patch type ${JSON.stringify(patchType)}`).message)
  let operations: unknown
  try {
    operations = JSON.parse(Buffer.from(patch, 'base64').toString())
  } catch (error) {
    const why = `received undecodable patch in webhook response: ${error instanceof Error ? error.message : String(error)}`
    throw internal(failed(name, why).message)
  }
  if (Array.isArray(operations) && operations.length === 0) return false
  if (!subject.object || attempt.operation === 'DELETE' || attempt.operation === 'CONNECT') {
    throw internal(
      `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`,
    )
  }
  let patched: unknown
  try {
    patched = applyJsonPatch(subject.object, operations)
  } catch (error) {
    throw internal(causeOf(error))
  }
  told(operations)
  return replaceObject(attempt, subject.kind, patched)
}

/** Puts a new state, in some version of the kind, in the place of the object under review; answers whether it differs. */
export async function replaceObject(attempt: Attempt, matched: AnyKind, state: unknown): Promise<boolean> {
  const own = attempt.objectKind ?? attempt.kind
  const kind = attempt.objectKind ?? matched
  const decoded = tryDecode(kind, state, true)
  if (!decoded.ok) throw internal(decoded.error)
  const stored = kind === own ? decoded.object : await keptObject(kind, decoded.object as AnyDraft)
  const before = copy(attempt.object)
  const draft = attempt.object as unknown as Record<string, unknown>
  for (const field of Object.keys(draft)) delete draft[field]
  Object.assign(draft, stored)
  own.default(attempt.object)
  return !deepEqual(before, attempt.object)
}
