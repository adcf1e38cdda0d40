import { ApiError, conflict, staleMessage } from '../api/errors.ts'
import { type FieldError, fieldError } from '../api/field-errors.ts'
import type { AnyKind } from '../api/kind.ts'
import { maskTrailingDash } from '../api/names.ts'
import type { KubeObject } from '../api/transport.ts'
import { type Clock, timestamp } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { AnyDraft } from './decode-body.ts'
import type { ApiRequest } from './request.ts'

type Metadata = AnyDraft['metadata']
type Fields = Record<string, unknown>

/** Longest base of a generated name; five characters follow (k8s.io/apiserver/pkg/storage/names). */
const longestBase = 58

export const generatedName = (base: string, random: Random) => base.slice(0, longestBase) + random.suffix(5)

/** Puts the object where the path says; refuses a body that says otherwise. */
export function place(kind: AnyKind, metadata: Metadata, { namespace, name }: Pick<ApiRequest, 'namespace' | 'name'>): void {
  if (name !== undefined && metadata.name !== name) {
    if (metadata.name) {
      const message = `the name of the object (${metadata.name}) does not match the name on the URL (${name})`
      throw new ApiError('BadRequest', message)
    }
    metadata.name = name
  }
  if (!kind.namespaced) delete (metadata as Fields).namespace
  else if (!metadata.namespace) (metadata as Fields).namespace = namespace ?? ''
  else if (metadata.namespace !== namespace) {
    const message = 'the namespace of the provided object does not match the namespace sent on the request'
    throw new ApiError('BadRequest', message)
  }
}

/** What the server decides about new objects, whatever the client wrote. */
export function stampNew(kind: AnyKind, draft: AnyDraft, { clock, random }: { clock: Clock; random: Random }): void {
  const metadata: Fields = draft.metadata
  metadata.uid = random.uuid()
  metadata.creationTimestamp = timestamp(clock.now())
  if (kind.generationOf) metadata.generation = 1
  else delete metadata.generation
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
}

const settled = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation'] as const

/** What stays as it was, whatever the client wrote. */
export function keepSettled(metadata: Metadata, old: KubeObject): void {
  const fields: Fields = metadata
  const before: Fields = old.metadata
  for (const field of settled) {
    if (before[field] === undefined) delete fields[field]
    else fields[field] = before[field]
  }
  delete fields.selfLink
}

/** Whether the caller's idea of the object is the stored one; a uid or version that was given must match. */
export function checkIdentity(kind: AnyKind, given: { uid?: string; resourceVersion?: string }, old: KubeObject): void {
  const { name, uid, resourceVersion } = old.metadata
  if (given.uid && given.uid !== uid) {
    throw conflict(kind, name, `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${uid}`)
  }
  if (given.resourceVersion && given.resourceVersion !== '0' && given.resourceVersion !== resourceVersion) {
    throw conflict(kind, name, staleMessage)
  }
}

/** DELETE's preconditions, in DELETE's words. */
export function checkPreconditions(kind: AnyKind, given: { uid?: string; resourceVersion?: string }, old: KubeObject): void {
  const { name, uid, resourceVersion } = old.metadata
  if (given.uid !== undefined && given.uid !== uid) {
    const why = `the UID in the precondition (${given.uid}) does not match the UID in record (${uid}).`
    throw conflict(kind, name, `${why} The object might have been deleted and then recreated`)
  }
  if (given.resourceVersion !== undefined && given.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${given.resourceVersion}) does not match the ResourceVersion in record`
    throw conflict(kind, name, `${why} (${resourceVersion}). The object might have been modified`)
  }
}

/** One more generation if what the kind counts has changed. */
export function countGeneration(kind: AnyKind, draft: AnyDraft, hasChanged: boolean): void {
  const metadata: Fields = draft.metadata
  if (kind.generationOf && hasChanged) metadata.generation = (Number(metadata.generation) || 0) + 1
}

/** Once an object is being deleted, nobody may hold it back any more who did not before. */
export function newFinalizers({ metadata }: KubeObject | AnyDraft, old: KubeObject): FieldError[] {
  if (!old.metadata.deletionTimestamp) return []
  const before = new Set(old.metadata.finalizers)
  const added = (metadata.finalizers ?? []).filter(finalizer => !before.has(finalizer))
  if (added.length === 0) return []
  const list = `[]string{${added.map(finalizer => JSON.stringify(finalizer)).join(', ')}}`
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`
  return [fieldError.forbidden('metadata.finalizers', why)]
}

/** What every object's metadata must fulfil, beside what the kind's own validation says. */
export function metadataErrors(kind: AnyKind, { metadata }: AnyDraft): FieldError[] {
  const errors: FieldError[] = []
  const { name, generateName } = metadata
  if (!name && !generateName) errors.push(fieldError.required('metadata.name', 'name or generateName is required'))
  if (generateName) {
    const masked = maskTrailingDash(generateName)
    errors.push(...kind.validateName(masked).map(why => fieldError.invalid('metadata.generateName', generateName, why)))
  }
  if (name) errors.push(...kind.validateName(name).map(why => fieldError.invalid('metadata.name', name, why)))
  return errors
}
