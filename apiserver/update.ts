import { ApiError, conflict, notFound, qualifiedResource, staleMessage } from '../api/errors.ts'
import { invalidObject } from '../api/field-errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { copy, deepEqual, deepFreeze } from '../lib/json.ts'
import type { Attempt } from './admission.ts'
import type { ObjectResponse, WriteDependencies } from './create.ts'
import { type AnyDraft, decodeBody, isRecord } from './decode-body.ts'
import { checkIdentity, countGeneration, keepSettled, metadataErrors, newFinalizers, place } from './metadata.ts'
import type { ApiRequest, Stored } from './request.ts'

/** Makes the next state out of the stored one; throws what the caller did wrong. */
export type Change = (old: KubeObject) => Promise<AnyDraft> | AnyDraft

/** Read, change, write; again when someone was faster. Everything that updates an object goes through here. */
export type Rewrite = (kind: AnyKind, request: ApiRequest, change: Change, attempts?: number) => Promise<Rewritten>

export interface Rewritten {
  /** Absent after a dry run. */
  readonly stored?: Stored
  readonly object: KubeObject
}

/** An unconditional PUT has no reason to lose; but something is wrong when it loses this often. */
const manyAttempts = 100

export function rewriter({ access, commits }: Pick<WriteDependencies, 'access' | 'commits'>): Rewrite {
  return async function rewrite(kind, request, change, attempts = manyAttempts) {
    const { namespace, name = '', options = {} } = request
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const old = await access.stored(kind, namespace, name)
      if (!old) throw notFound(kind, name)
      const draft = await change(old.object)
      draft.metadata.resourceVersion = old.object.metadata.resourceVersion
      if (deepEqual(draft, old.object)) return { stored: old, object: old.object }
      if (options.dryRun) return { object: deepFreeze(draft) as KubeObject }
      const write = isFinished(kind, draft) ? commits.remove : commits.put
      const written = await write(request, kind, draft, old)
      if (written) return { stored: written, object: written.object }
    }
    throw conflict(kind, name, staleMessage)
  }
}

/** Whether an object was only waiting for its last finalizer to go. */
export function isFinished(kind: AnyKind, object: AnyDraft | KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers } = object.metadata
  return !!deletionTimestamp && deletionGracePeriodSeconds === 0 && !finalizers?.length && !kind.deletion.holds?.(object)
}

export interface Updates {
  /** PUT of the object, or of its status. */
  update(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse>
  /** The next state of the object (or of its status) from a whole new body. */
  next(kind: AnyKind, request: ApiRequest, body: unknown, old: KubeObject, isPatched: boolean): Promise<Next>
}

interface Next {
  readonly draft: AnyDraft
  readonly warnings: readonly string[]
}

interface Dependencies extends WriteDependencies {
  readonly rewrite: Rewrite
  readonly create: (kind: AnyKind, request: ApiRequest) => Promise<ObjectResponse>
}

export function updates({ access, admission, rewrite, create }: Dependencies): Updates {
  async function next(kind: AnyKind, request: ApiRequest, body: unknown, old: KubeObject, isPatched: boolean): Promise<Next> {
    const isStatus = request.subresource === 'status'
    const { draft, warnings } = decodeBody(kind, body, {
      fieldValidation: request.options?.fieldValidation,
      isPatched,
      dropsStatus: !isStatus && kind.subresources.includes('status'),
    })
    place(kind, draft.metadata, request)
    checkVersionGiven(kind, draft)
    checkIdentity(kind, draft.metadata, old)
    keepSettled(draft.metadata, old)
    const assemble = isStatus ? nextStatus : nextObject
    const told = [...warnings]
    return { draft: await assemble(kind, request, draft, old, told), warnings: told }
  }

  const attemptOf = (
    kind: AnyKind,
    { name, subresource, user, options = {} }: ApiRequest,
    object: AnyDraft,
    old: KubeObject,
    warnings: string[],
  ): Attempt => ({
    operation: 'UPDATE',
    kind,
    namespace: object.metadata.namespace,
    name,
    subresource,
    user,
    isDryRun: options.dryRun === true,
    options,
    object,
    old,
    warnings,
  })

  type Assemble = (kind: AnyKind, request: ApiRequest, draft: AnyDraft, old: KubeObject, warnings: string[]) => Promise<AnyDraft>

  const nextObject: Assemble = async (kind, request, draft, old, warnings) => {
    if (kind.subresources.includes('status')) keepStatus(draft, old)
    kind.default(draft)
    const attempt = attemptOf(kind, request, draft, old, warnings)
    await admission.admit(attempt)
    kind.prepareForUpdate(draft, old)
    kind.default(draft)
    if (kind.generationOf) countGeneration(kind, draft, !deepEqual(kind.generationOf(draft), kind.generationOf(old)))
    const errors = [...newFinalizers(draft, old), ...metadataErrors(kind, draft), ...kind.validate(draft, old)]
    if (errors.length > 0) throw invalidObject(kind, draft.metadata.name, errors)
    await admission.check(attempt)
    return draft
  }

  const nextStatus: Assemble = async (kind, request, given, old, warnings) => {
    const draft = withStatus(given, old)
    kind.default(draft)
    const attempt = attemptOf(kind, request, draft, old, warnings)
    await admission.admit(attempt)
    const errors = [...newFinalizers(draft, old), ...kind.validateStatus(draft, old)]
    if (errors.length > 0) throw invalidObject(kind, draft.metadata.name, errors)
    await admission.check(attempt)
    return draft
  }

  async function update(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    const { namespace, name = '', body } = request
    const mayCreate = kind.allowCreateOnUpdate && !request.subresource
    if (mayCreate && !(await access.stored(kind, namespace, name))) return createInstead(kind, request)
    let warnings: readonly string[] = []
    const written = await rewrite(kind, request, async old => {
      const result = await next(kind, request, body, old, false)
      warnings = result.warnings
      return result.draft
    })
    return { type: 'object', status: 200, ...written, warnings }
  }

  async function createInstead(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    if (!isRecord(request.body)) return create(kind, request)
    const body = copy(request.body) as { metadata?: Record<string, unknown> }
    if (body.metadata?.uid) throw notFound(kind, request.name ?? '')
    if (body.metadata) {
      delete body.metadata.resourceVersion
      body.metadata.name ??= request.name
    }
    return create(kind, { ...request, body })
  }

  return { update, next }
}

/** The status that is new, on an object that is otherwise as it was; labels, annotations and the like may come along. */
function withStatus(given: AnyDraft, old: KubeObject): AnyDraft {
  const draft = { ...copy(old), status: given.status } as AnyDraft
  const { labels, annotations, finalizers, ownerReferences } = given.metadata
  const metadata: Record<string, unknown> = draft.metadata
  for (const [field, value] of Object.entries({ labels, annotations, finalizers, ownerReferences })) {
    if (value === undefined) delete metadata[field]
    else metadata[field] = value
  }
  return draft
}

function keepStatus(draft: AnyDraft, old: KubeObject): void {
  const { status } = old as AnyDraft
  if (status === undefined) delete draft.status
  else draft.status = copy(status)
}

/** Some kinds want to know which version is overwritten (k8s.io/apiserver/pkg/registry/generic/registry/store.go). */
function checkVersionGiven(kind: AnyKind, { metadata }: AnyDraft): void {
  if (kind.allowUnconditionalUpdate || metadata.resourceVersion) return
  const field = 'metadata.resourceVersion'
  const message = 'Invalid value: 0: must be specified for an update'
  throw new ApiError('Invalid', `${qualifiedResource(kind)} "${metadata.name}" is invalid: ${field}: ${message}`, {
    details: {
      name: metadata.name,
      ...(kind.group && { group: kind.group }),
      kind: kind.plural,
      causes: [{ reason: 'FieldValueInvalid', message, field }],
    },
  })
}
