import { ApiError, conflict, notFound, qualifiedResource, staleMessage } from '../api/errors.ts'
import { type AnyKind, statusViews } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { copy, deepEqual, deepFreeze } from '../lib/json.ts'
import { setManagedFields } from './apply/field-manager.ts'
import type { ManagedEntry } from './apply/managed.ts'
import { keepTimes } from './apply/times.ts'
import type { Create, ObjectResponse, WriteDependencies } from './create.ts'
import { type AnyDraft, decodeBody, isRecord } from './decode-body.ts'
import { checkIdentity, keepSettled, place } from './metadata.ts'
import { nextStates } from './next-state.ts'
import type { ApiRequest, Stored } from './request.ts'
import { isOutdated } from './served.ts'

/** Makes the next state out of the stored one; throws what the caller did wrong. */
export type Change = (old: KubeObject) => Promise<AnyDraft> | AnyDraft

/** Read, change, write; again when someone was faster. Everything that updates an object goes through here. */
export type Rewrite = (kind: AnyKind, request: ApiRequest, change: Change, attempts?: number) => Promise<Rewritten>

/** An object as it is after a write. */
export interface Rewritten {
  /** Absent after a dry run. */
  readonly stored?: Stored
  readonly object: KubeObject
}

/** An unconditional PUT has no reason to lose; but something is wrong when it loses this often. */
const manyAttempts = 100

/** Subresources whose writes are booked on whoever makes them; others are the server's own doing, or see to it themselves. */
const trackedSubresources = new Set(['finalize', 'ephemeralcontainers', 'resize', 'approval'])

/** Writes until nobody was faster; a write that changes nothing is none. */
export function rewriter({ access, commits, managers }: Pick<WriteDependencies, 'access' | 'commits' | 'managers'>): Rewrite {
  return async function rewrite(kind, request, change, attempts = manyAttempts) {
    const { namespace, name = '', options = {} } = request
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const old = await access.stored(kind, namespace, name)
      if (!old) throw notFound(kind, name)
      const draft = await change(old.object)
      if (trackedSubresources.has(request.subresource ?? '')) await managers.track({ kind, request, draft, old: old.object })
      draft.metadata.resourceVersion = old.object.metadata.resourceVersion
      keepTimes(draft, old.object)
      if (deepEqual(draft, old.object) && !isOutdated(kind, old)) return { stored: old, object: old.object }
      if (options.dryRun) return { object: deepFreeze(draft) as KubeObject }
      const write = isFinished(kind, draft) ? commits.remove : commits.put
      const written = await write(request, kind, draft, old)
      if (written) return { stored: written, object: written.object }
    }
    throw conflict(kind, name, staleMessage)
  }
}

/** Whether an object was only waiting for its last finalizer to go. */
function isFinished(kind: AnyKind, object: AnyDraft | KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers } = object.metadata
  return !!deletionTimestamp && deletionGracePeriodSeconds === 0 && !finalizers?.length && !kind.deletion.holds?.(object)
}

/** Whole new states of objects. */
export interface Updates {
  /** PUT of the object, or of its status. */
  update(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse>
  /** The next state of the object (or of its status) from a whole new body. */
  next(kind: AnyKind, request: ApiRequest, incoming: Incoming, old: KubeObject): Promise<Next>
}

/** A whole new state of an object, not yet decoded. */
export interface Incoming {
  readonly body: unknown
  /** Paths of fields that its text has more than once. */
  readonly duplicates?: readonly string[] | undefined
  /** If it came out of a patch: what was wrong with the patch, and how to refuse it. */
  readonly problems?: readonly string[]
  readonly refuse?: (why: string) => ApiError
  /** If it came out of an apply: who owns what. */
  readonly settled?: { readonly managedFields: readonly ManagedEntry[] | undefined }
}

interface Next {
  readonly draft: AnyDraft
  readonly warnings: readonly string[]
}

interface Dependencies extends WriteDependencies {
  readonly rewrite: Rewrite
  readonly create: Create
  /** Refuses a request that may update but not create. */
  readonly authorizeCreate: (request: ApiRequest) => Promise<void> | void
}

/** PUT, and what PATCH and apply share with it. */
export function updates({ access, admission, rewrite, create, managers, authorizeCreate }: Dependencies): Updates {
  const { nextObject, nextStatus } = nextStates(admission)

  async function next(kind: AnyKind, request: ApiRequest, incoming: Incoming, old: KubeObject): Promise<Next> {
    const isStatus = statusViews.has(request.subresource)
    const { body, duplicates, problems, refuse, settled } = incoming
    const decoded = decodeBody(kind, body, {
      fieldValidation: settled ? 'Ignore' : request.options?.fieldValidation,
      duplicates,
      problems,
      refuse,
      dropsStatus: !isStatus && kind.subresources.includes('status'),
    })
    const { draft, warnings } = decoded
    place(kind, draft.metadata, request)
    checkIdentity(kind, draft.metadata, old)
    checkVersionGiven(kind, draft)
    keepSettled(draft.metadata, old)
    const assemble = isStatus ? nextStatus : nextObject
    const told = [...warnings]
    const own = (complete: AnyDraft) => {
      if (settled) return setManagedFields(complete, settled.managedFields)
      return managers.track({ kind, request, draft: complete, old, given: decoded.managedFields })
    }
    return { draft: await assemble({ kind, request, draft, old, warnings: told, own }), warnings: told }
  }

  async function update(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    const { namespace, name = '', body, duplicates } = request
    const mayCreate = kind.allowCreateOnUpdate && !request.subresource
    if (mayCreate && !(await access.stored(kind, namespace, name))) return createInstead(kind, request)
    let warnings: readonly string[] = []
    const written = await rewrite(kind, request, async old => {
      const result = await next(kind, request, { body, duplicates }, old)
      warnings = result.warnings
      return result.draft
    })
    return { type: 'object', status: 200, ...written, warnings }
  }

  async function createInstead(kind: AnyKind, request: ApiRequest): Promise<ObjectResponse> {
    await authorizeCreate(request)
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
