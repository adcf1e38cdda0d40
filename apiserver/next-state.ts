import { invalidObject } from '../api/field-errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { copy, deepEqual } from '../lib/json.ts'
import type { Admission, Attempt } from './admission.ts'
import type { AnyDraft } from './decode-body.ts'
import { countGeneration, metadataErrors, newFinalizers } from './metadata.ts'
import type { ApiRequest } from './request.ts'

/** What the next state is made from. `own` books who owns what, once the draft is complete but for admission. */
export interface Assembly {
  readonly kind: AnyKind
  readonly request: ApiRequest
  readonly draft: AnyDraft
  readonly old: KubeObject
  readonly warnings: string[]
  readonly own: (complete: AnyDraft) => Promise<void> | void
}

/** Makes the next state of an object, to be stored; throws what is wrong with it. */
export type Assemble = (assembly: Assembly) => Promise<AnyDraft>

/** How an update becomes the next state: everything but the status is the caller's, or nothing but the status. */
export function nextStates(admission: Admission): { readonly nextObject: Assemble; readonly nextStatus: Assemble } {
  const nextObject: Assemble = async ({ kind, request, draft, old, warnings, own }) => {
    if (kind.subresources.includes('status')) keepStatus(draft, old)
    kind.default(draft)
    const owned = own(draft)
    if (owned) await owned
    const attempt = attemptOf(kind, request, draft, old, warnings)
    await admission.admit(attempt)
    kind.prepareForUpdate(draft, old)
    kind.default(draft)
    if (kind.generationOf) countGeneration(kind, draft, !deepEqual(kind.generationOf(draft), kind.generationOf(old)))
    const validate = (request.subresource && kind.parts?.[request.subresource as 'resize']?.validate) || kind.validate
    const errors = [...newFinalizers(draft, old), ...metadataErrors(kind, draft), ...validate(draft, old)]
    if (errors.length > 0) throw invalidObject(kind, draft.metadata.name, errors)
    if (kind.warnings && !request.subresource) warnings.push(...kind.warnings(draft, old))
    await admission.check(attempt)
    return draft
  }

  const nextStatus: Assemble = async ({ kind, request, draft: given, old, warnings, own }) => {
    const draft = withStatus(kind, given, old)
    kind.default(draft)
    const owned = own(draft)
    if (owned) await owned
    const attempt = attemptOf(kind, request, draft, old, warnings)
    await admission.admit(attempt)
    const errors = [...newFinalizers(draft, old), ...kind.validateStatus(draft, old, request.subresource ?? '')]
    if (errors.length > 0) throw invalidObject(kind, draft.metadata.name, errors)
    await admission.check(attempt)
    return draft
  }

  return { nextObject, nextStatus }
}

const attemptOf = (
  kind: AnyKind,
  { name, subresource, user, annotate, options = {} }: ApiRequest,
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
  annotate,
})

/** The status that is new, on an object that is otherwise as it was; of metadata, what the kind lets through. */
function withStatus(kind: AnyKind, given: AnyDraft, old: KubeObject): AnyDraft {
  const draft = { ...copy(old), status: given.status } as AnyDraft
  if (given.status === undefined) delete draft.status
  const { statusKeeps = [] } = kind
  if (kind.dynamic || statusKeeps === 'metadata') return draft
  const { labels, annotations, finalizers, ownerReferences } = given.metadata
  const metadata: Record<string, unknown> = draft.metadata
  for (const [field, value] of Object.entries({ labels, annotations, finalizers, ownerReferences })) {
    if (statusKeeps.includes(field as 'labels')) continue
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
