import { tryDecode } from '../api/decode.ts'
import type { AnyKind, DeletionRules, Draft } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { copy } from '../lib/json.ts'
import type { AnyDraft } from './decode-body.ts'

type Rule = (draft: Draft<KubeObject>, old?: KubeObject) => void

const made = new WeakMap<AnyKind, AnyKind>()

/**
 * A kind with the rules that hold for its objects: of a version that is kept in another one (`storedAs`), the rules of that one,
 * seen through the conversion; of all other kinds, their own.
 */
export function withStoredRules(kind: AnyKind): AnyKind {
  if (!kind.storedAs || kind.storedAs.hasOwnRules) return kind
  let known = made.get(kind)
  if (!known) made.set(kind, (known = lent(kind, kind.storedAs.kind)))
  return known
}

/** An object in the version that is kept, complete as if it had been sent in that version. */
export function keptObject(kind: AnyKind, object: KubeObject | AnyDraft): Promise<AnyDraft> | AnyDraft {
  const { storedAs } = kind
  if (!storedAs) return object as AnyDraft
  const converted = storedAs.toStored(object as KubeObject)
  if (storedAs.hasOwnRules) return converted as AnyDraft
  if (converted instanceof Promise) return converted.then(value => completed(storedAs.kind, value))
  return completed(storedAs.kind, converted)
}

function completed(kind: AnyKind, value: object): AnyDraft {
  const result = tryDecode(kind, copy(value), true)
  if (!result.ok) throw new Error(`conversion to ${kind.version} made what cannot be read: ${result.error}`)
  return result.object as AnyDraft
}

/** Makes an object equal to another. */
export function replaceWith(draft: object, next: object): void {
  const fields = draft as Record<string, unknown>
  for (const key of Object.keys(fields)) if (!(key in next)) delete fields[key]
  Object.assign(fields, copy(next))
}

function lent(kind: AnyKind, kept: AnyKind): AnyKind {
  const { storedAs } = kind
  const stored = (object: KubeObject) => keptObject(kind, object) as unknown as KubeObject
  const through =
    (rule: Rule): Rule =>
    (draft, old) => {
      const converted = stored(draft as KubeObject) as Draft<KubeObject>
      rule(converted, old && stored(old))
      replaceWith(draft, storedAs?.fromStored(converted as KubeObject) as object)
    }
  const { generationOf, warnings } = kept
  const standard = through(kept.default as Rule)
  return {
    ...kind,
    validateName: kept.validateName,
    tracksManagers: kept.tracksManagers,
    allowUnconditionalUpdate: kept.allowUnconditionalUpdate,
    allowCreateOnUpdate: kept.allowCreateOnUpdate,
    keepsStatusOnCreate: kept.keepsStatusOnCreate,
    default(draft: Draft<KubeObject>) {
      kind.default(draft)
      standard(draft)
    },
    prepareForCreate: through(kept.prepareForCreate as Rule),
    prepareForUpdate: through(kept.prepareForUpdate as Rule),
    validate: (object: KubeObject, old?: KubeObject) => kept.validate(stored(object), old && stored(old)),
    validateStatus: (object: KubeObject, old: KubeObject, subresource?: string) =>
      kept.validateStatus(stored(object), stored(old), subresource),
    ...(warnings && { warnings: (object: KubeObject, old?: KubeObject) => warnings(stored(object), old && stored(old)) }),
    ...(generationOf && { generationOf: (object: KubeObject) => generationOf(stored(object)) }),
    deletion: deletionThrough(kept.deletion, stored, through),
  }
}

function deletionThrough(
  rules: DeletionRules<KubeObject>,
  stored: (object: KubeObject) => KubeObject,
  through: (rule: Rule) => Rule,
): DeletionRules<KubeObject> {
  const { gracePeriodSeconds, forbidden, holds, prepare } = rules
  return {
    ...rules,
    ...(gracePeriodSeconds && { gracePeriodSeconds: (object, requested) => gracePeriodSeconds(stored(object), requested) }),
    ...(forbidden && { forbidden: object => forbidden(stored(object)) }),
    ...(holds && { holds: object => holds(stored(object)) }),
    ...(prepare && { prepare: through(prepare as Rule) }),
  }
}
