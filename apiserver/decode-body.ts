import { tryDecode } from '../api/decode.ts'
import { ApiError } from '../api/errors.ts'
import { type AnyKind, apiVersionOf, type Draft } from '../api/kind.ts'
import type { FieldValidation, KubeObject } from '../api/transport.ts'
import { canonicalJson } from '../lib/json.ts'
import { strictErrors } from './strict-errors.ts'

/** An object on its way in, of a kind that shared code knows nothing about. */
export type AnyDraft = Draft<KubeObject> & { spec?: unknown; status?: unknown }

export interface Decoded {
  /** Without managedFields. */
  readonly draft: AnyDraft
  readonly warnings: readonly string[]
  /** What the body says managedFields are to be, as it came. */
  readonly managedFields: readonly unknown[] | undefined
}

interface Options {
  readonly fieldValidation?: FieldValidation | undefined
  /** Fields that the text of the body has more than once (see ApiRequest). */
  readonly duplicates?: readonly string[] | undefined
  /** What strict validation has found already, in the patch that the body came out of. */
  readonly problems?: readonly string[] | undefined
  /** Says what is wrong in words of its own: the body came out of a patch. */
  readonly refuse?: ((why: string) => ApiError) | undefined
  /** What the body says about status is not for this request to decide. */
  readonly dropsStatus?: boolean
}

/** A body as an object of its kind, with unconditional defaults. Wrong types and (if Strict) unknown fields are refused. */
export function decodeBody(kind: AnyKind, body: unknown, options: Options = {}): Decoded {
  const { fieldValidation = 'Warn', dropsStatus = false, refuse = cannotHandle(kind) } = options
  const { duplicates = [], problems: earlier = [] } = options
  const ignores = fieldValidation === 'Ignore'
  if (!isRecord(body)) throw refuse('json: cannot unmarshal into Go value of type object')
  checkType(kind, body)
  const { managedFields } = isRecord(body.metadata) ? body.metadata : {}
  const given = withoutStoredEntries(body, managedFields)
  const { status, ...withoutStatus } = given
  // A status that does not count is read all the same, for what is wrong in it; but not by those who are trusted to know better.
  const checksStatus = dropsStatus && !ignores && isRecord(status) && Object.keys(status).length > 0
  const checked = checksStatus ? tryDecode(kind, given) : undefined
  if (checked?.ok === false) throw refuse(checked.error)
  const result = tryDecode(kind, dropsStatus ? withoutStatus : given, ignores || checked !== undefined)
  if (!result.ok) throw refuse(result.error)
  const unknown = (checked ?? result).unknown
  const found = ignores || duplicates.length === 0 ? unknown : strictErrors(body, unknown, duplicates)
  const problems = earlier.length > 0 ? [...earlier, ...found] : found
  if (fieldValidation === 'Strict' && problems.length > 0) throw refuse(`strict decoding error: ${problems.join(', ')}`)
  const { apiVersion, kind: name, metadata, ...fields } = result.object as AnyDraft
  const draft: AnyDraft = { apiVersion, kind: name, metadata, ...fields }
  delete (draft.metadata as Record<string, unknown>).managedFields
  const repeated = dropRepeatedOwners(draft.metadata)
  const warnings = repeated ? [...problems, repeated] : problems
  return { draft, warnings, managedFields: Array.isArray(managedFields) ? managedFields : undefined }
}

/** Entries that are frozen are the stored ones: read before, and not worth reading again. */
function withoutStoredEntries(body: Record<string, unknown>, managedFields: unknown): Record<string, unknown> {
  if (!Array.isArray(managedFields) || !Object.isFrozen(managedFields) || !isRecord(body.metadata)) return body
  const { managedFields: _known, ...metadata } = body.metadata
  return { ...body, metadata }
}

/** An owner that is named twice is kept once. Answers what to tell the client about it. */
function dropRepeatedOwners(metadata: AnyDraft['metadata']): string | undefined {
  const { ownerReferences: owners = [] } = metadata
  if (owners.length < 2) return undefined
  const unique = new Map<string, (typeof owners)[number]>()
  const repeated = new Set<string>()
  for (const owner of owners) {
    const text = canonicalJson(owner)
    if (unique.has(text)) repeated.add(owner.uid)
    else unique.set(text, owner)
  }
  if (repeated.size === 0) return undefined
  metadata.ownerReferences = [...unique.values()]
  return (
    '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such ' +
    `requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...repeated].join(', ')}`
  )
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A body may leave out what it is, but must not claim to be something else. */
function checkType(kind: { group: string; version: string; kind: string }, body: Record<string, unknown>): void {
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
