import { ApiError, alreadyExists, qualifiedResource } from '../api/errors.ts'
import { invalidObject } from '../api/field-errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { Clock } from '../lib/clock.ts'
import { deepFreeze } from '../lib/json.ts'
import type { Random } from '../lib/random.ts'
import type { Access } from './access.ts'
import type { Admission, Attempt } from './admission.ts'
import { type FieldManager, setManagedFields } from './apply/field-manager.ts'
import type { ManagedEntry } from './apply/managed.ts'
import type { Commits } from './commit.ts'
import { type AnyDraft, decodeBody } from './decode-body.ts'
import { generatedName, metadataErrors, place, stampNew } from './metadata.ts'
import type { ApiRequest, ApiResponse, Stored } from './request.ts'

export type ObjectResponse = Extract<ApiResponse, { type: 'object' }>

export interface WriteDependencies {
  readonly access: Access
  readonly admission: Admission
  readonly commits: Commits
  readonly clock: Clock
  readonly random: Random
  readonly managers: FieldManager
}

/** Creates an object; `managedFields` if an apply has settled them already (undefined: nobody owns anything). */
export type Create = (
  kind: AnyKind,
  request: ApiRequest,
  settled?: { managedFields: readonly ManagedEntry[] | undefined },
) => Promise<ObjectResponse>

const attemptsForAName = 8

/** POST of a new object. */
export function creator({ access, admission, commits, clock, random, managers }: WriteDependencies): Create {
  return async function create(kind, request, settled) {
    const { options = {}, namespace, user } = request
    const {
      draft,
      warnings: decoding,
      managedFields,
    } = decodeBody(kind, request.body, {
      fieldValidation: settled ? 'Ignore' : options.fieldValidation,
      duplicates: request.duplicates,
      dropsStatus: kind.subresources.includes('status') && !kind.keepsStatusOnCreate,
    })
    const warnings = [...decoding]
    const { metadata } = draft
    if (metadata.resourceVersion) throw versionOnCreate()
    place(kind, metadata, { namespace, ...(request.name !== undefined && { name: request.name }) })
    stampNew(kind, draft, { clock, random })
    const isGenerated = !metadata.name && !!metadata.generateName
    if (isGenerated) metadata.name = generatedName(metadata.generateName ?? '', random)
    kind.default(draft)
    if (settled) setManagedFields(draft, settled.managedFields)
    else {
      const tracking = managers.track({ kind, request, draft, given: managedFields })
      if (tracking) await tracking
    }
    const attempt: Attempt = {
      operation: 'CREATE',
      kind,
      namespace: metadata.namespace,
      name: metadata.name || undefined,
      subresource: undefined,
      user,
      isDryRun: options.dryRun === true,
      options,
      object: draft,
      old: undefined,
      warnings,
      annotate: request.annotate,
    }
    if (kind.warnings) warnings.push(...kind.warnings(draft)) // about what was sent, not about what admission puts in
    const admitting = admission.admit(attempt)
    if (admitting) await admitting
    kind.prepareForCreate(draft)
    kind.default(draft)
    const errors = [...metadataErrors(kind, draft), ...kind.validate(draft)]
    if (errors.length > 0) throw invalidObject(kind, metadata.name, errors)
    const checking = admission.check(attempt)
    if (checking) await checking
    if (options.dryRun) return dryRun(kind, draft, warnings)
    const created = (await commits.put(request, kind, draft)) ?? (await commitAnew(kind, request, draft, isGenerated))
    return {
      type: 'object',
      status: 201,
      stored: created,
      get object() {
        return created.object
      },
      warnings,
    }
  }

  /** The name is taken. One that was generated is generated anew, a few times. */
  async function commitAnew(kind: AnyKind, request: ApiRequest, draft: AnyDraft, isGenerated: boolean): Promise<Stored> {
    const { metadata } = draft
    for (let attempt = 1; isGenerated && attempt < attemptsForAName; attempt++) {
      metadata.name = generatedName(metadata.generateName ?? '', random)
      const created = await commits.put(request, kind, draft)
      if (created) return created
    }
    throw isGenerated ? noFreeName(kind, metadata.name) : await taken(kind, draft)
  }

  async function dryRun(kind: AnyKind, draft: AnyDraft, warnings: readonly string[]): Promise<ObjectResponse> {
    if (await access.stored(kind, draft.metadata.namespace, draft.metadata.name)) throw await taken(kind, draft)
    return { type: 'object', status: 201, object: deepFreeze(draft), warnings }
  }

  async function taken(kind: AnyKind, { metadata: { namespace, name } }: AnyDraft): Promise<ApiError> {
    const error = alreadyExists(kind, name)
    const existing = await access.get(kind, namespace, name)
    if (!existing?.metadata.deletionTimestamp) return error
    const { details } = error.status
    return new ApiError('AlreadyExists', `object is being deleted: ${error.message}`, details && { details })
  }
}

/** Upstream answers 500 without a reason. */
function versionOnCreate(): ApiError {
  return new ApiError('BadRequest', 'resourceVersion should not be set on objects to be created')
}

function noFreeName(kind: AnyKind, name: string): ApiError {
  const message = `${qualifiedResource(kind)} "${name}" already exists, the server was not able to generate a unique name for the object`
  const details = { name, ...(kind.group && { group: kind.group }), kind: kind.plural, retryAfterSeconds: 1 }
  return new ApiError('AlreadyExists', message, { details })
}
