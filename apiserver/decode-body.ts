import { ApiError } from '../api/errors.ts'
import { tryDecode } from '../api/decode.ts'
import { fieldError, invalidObject } from '../api/field-errors.ts'
import { type AnyKind, apiVersionOf, type Draft } from '../api/kind.ts'
import type { FieldValidation, KubeObject } from '../api/transport.ts'
import { deepEqual } from '../lib/json.ts'

/** An object on its way in, of a kind that shared code knows nothing about. */
export type AnyDraft = Draft<KubeObject> & { spec?: unknown; status?: unknown }

export interface Decoded {
  readonly draft: AnyDraft
  readonly warnings: readonly string[]
}

interface Options {
  readonly fieldValidation?: FieldValidation | undefined
  /** The body came out of a patch: what is wrong with it is told as a fault of the patch. */
  readonly isPatched?: boolean
  /** What the body says about status is not for this request to decide. */
  readonly dropsStatus?: boolean
}

/** A body as an object of its kind, with unconditional defaults. Wrong types and (if Strict) unknown fields are refused. */
export function decodeBody(kind: AnyKind, body: unknown, options: Options = {}): Decoded {
  const { fieldValidation = 'Warn', isPatched = false, dropsStatus = false } = options
  const refuse = isPatched ? invalidPatch(body) : cannotHandle(kind)
  if (!isRecord(body)) throw refuse('json: cannot unmarshal into Go value of type object')
  checkType(kind, body)
  const { status: _status, ...withoutStatus } = body
  const result = tryDecode(kind, dropsStatus ? withoutStatus : body, fieldValidation === 'Ignore')
  if (!result.ok) throw refuse(result.error)
  const { unknown } = result
  if (fieldValidation === 'Strict' && unknown.length > 0) throw refuse(`strict decoding error: ${unknown.join(', ')}`)
  const { apiVersion, kind: name, metadata, ...fields } = result.object as AnyDraft
  const draft: AnyDraft = { apiVersion, kind: name, metadata, ...fields }
  delete (draft.metadata as Record<string, unknown>).managedFields
  const repeated = dropRepeatedOwners(draft.metadata)
  return { draft, warnings: repeated ? [...unknown, repeated] : unknown }
}

/** An owner that is named twice is kept once. Answers what to tell the client about it. */
function dropRepeatedOwners(metadata: AnyDraft['metadata']): string | undefined {
  const { ownerReferences: owners = [] } = metadata
  if (owners.length < 2) return undefined
  const isRepeated = (owner: (typeof owners)[number], at: number) => owners.findIndex(other => deepEqual(other, owner)) < at
  const repeated = new Set(owners.filter(isRepeated).map(({ uid }) => uid))
  if (repeated.size === 0) return undefined
  metadata.ownerReferences = owners.filter((owner, at) => !isRepeated(owner, at))
  return (
    '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such ' +
    `requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...repeated].join(', ')}`
  )
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A body may leave out what it is, but must not claim to be something else. */
export function checkType(kind: { group: string; version: string; kind: string }, body: Record<string, unknown>): void {
  const expected = apiVersionOf(kind)
  if (body.apiVersion && body.apiVersion !== expected) {
    const message = `the API version in the data (${String(body.apiVersion)}) does not match the expected API version (${expected})`
    throw new ApiError('BadRequest', message)
  }
  if (body.kind && body.kind !== kind.kind) {
    const message = `the object provided is unrecognized (must be of type ${kind.kind}): its kind is ${JSON.stringify(body.kind)}`
    throw new ApiError('BadRequest', message)
  }
}

function cannotHandle(kind: AnyKind) {
  const subject = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`
  return (why: string) => new ApiError('BadRequest', `${subject}: ${why}`)
}

function invalidPatch(body: unknown) {
  return (why: string) => invalidObject({ group: '', kind: '' }, '', [fieldError.invalid('patch', JSON.stringify(body), why)])
}
