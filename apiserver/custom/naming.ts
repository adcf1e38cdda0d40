import { type Definition, isTrue, type Names, withCondition } from '../../api/apiextensions/definition.ts'
import { deepEqual } from '../../lib/json.ts'

const none: Names = { plural: '', kind: '' }

/**
 * The status of a definition as far as its names decide it; undefined: as it is. `siblings` are the other definitions of its group,
 * whose names it may not have (k8s.io/apiextensions-apiserver/pkg/controller/status, establish). `now` as RFC 3339.
 */
export function namedStatus(
  definition: Definition,
  siblings: readonly Definition[],
  now: string,
): Definition['status'] | undefined {
  const { spec, status } = definition
  const { names } = spec
  const accepted = status.acceptedNames ?? none
  if (deepEqual(names, accepted) && isTrue(status, 'Established')) return undefined
  const { next, conflict } = settle(names, accepted, siblings)
  const namesAccepted = conflict
    ? { type: 'NamesAccepted', status: 'False', reason: conflict.reason, message: conflict.message }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  let conditions = withCondition(status.conditions ?? [], namesAccepted, now)
  if (!isTrue(status, 'Established')) {
    const established = conflict
      ? { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
      : {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        }
    conditions = withCondition(conditions, established, now)
  }
  const result = { ...status, conditions, acceptedNames: next }
  return deepEqual(result, status) ? undefined : result
}

interface Conflict {
  readonly reason: string
  readonly message: string
}

/** The names that can be had, and the last conflict there is about the others. */
function settle(
  wanted: Names,
  accepted: Names,
  siblings: readonly Definition[],
): { next: Names; conflict: Conflict | undefined } {
  const taken = siblings.map(({ status }) => status.acceptedNames ?? none)
  const resources = new Set(taken.flatMap(({ plural, singular = '', shortNames = [] }) => [plural, singular, ...shortNames]))
  const kinds = new Set(taken.flatMap(({ kind, listKind = '' }) => [kind, listKind]))
  const next: Record<string, unknown> = { ...accepted }
  let conflict: Conflict | undefined
  const inUse = (name: string) => `${JSON.stringify(name)} is already in use`
  const single = (field: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string>, reason: string) => {
    const name = wanted[field] ?? ''
    if (name !== accepted[field] && name !== '' && used.has(name)) conflict = { reason, message: inUse(name) }
    else next[field] = name
  }
  single('plural', resources, 'PluralConflict')
  single('singular', resources, 'SingularConflict')
  const before = new Set(accepted.shortNames)
  const clashes = (wanted.shortNames ?? []).filter(name => !before.has(name) && resources.has(name))
  if (clashes.length > 0) {
    const texts = clashes.map(inUse)
    conflict = { reason: 'ShortNamesConflict', message: texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]` }
  } else if (wanted.shortNames) next.shortNames = wanted.shortNames
  else delete next.shortNames
  single('kind', kinds, 'KindConflict')
  single('listKind', kinds, 'ListKindConflict')
  if (wanted.categories) next.categories = wanted.categories
  else delete next.categories
  return { next: next as unknown as Names, conflict }
}
