import type { FieldSet } from './field-set.ts'
import { isEmptySet, parseSet, sorted, union } from './field-set.ts'

/** Which fields somebody has set, as metadata.managedFields tells it. */
export interface ManagedEntry {
  readonly manager?: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time?: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1?: FieldSet
  readonly subresource?: string
}

/** Who owns what: entries by who they are of. */
export type Managers = Map<string, ManagedEntry>

/** Who an entry is of: those who apply are the same in every version (apimachinery managedfields, BuildManagerIdentifier). */
export function identityOf({ manager = '', operation, apiVersion, subresource = '' }: Identity): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource])
}

/** What tells one entry of managed fields from another. */
export type Identity = Pick<ManagedEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>

/** The fields that an entry owns. */
export const fieldsOf = ({ fieldsV1 = {} }: ManagedEntry): FieldSet => fieldsV1

/** The entries by who owns. */
export function managersOf(entries: readonly ManagedEntry[] | undefined): Managers {
  return new Map(entries?.map(entry => [identityOf(entry), entry]))
}

/** The entries as they are stored: in order; undefined if there are none. */
export function entriesOf(managers: Managers): readonly ManagedEntry[] | undefined {
  if (managers.size === 0) return undefined
  return [...managers.values()].sort(compareEntries)
}

/** Apply before Update, then by time, manager, version and subresource (sortEncodedManagedFields). */
function compareEntries(a: ManagedEntry, b: ManagedEntry): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time, b.time) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  )
}

const compareText = (a = '', b = '') => (a < b ? -1 : a > b ? 1 : 0)

/** An entry with its fields in the order in which they are written. */
export function entry(identity: Identity, time: string | undefined, fields: FieldSet): ManagedEntry {
  const { manager, operation, apiVersion, subresource } = identity
  return {
    manager: manager || 'unknown',
    operation,
    apiVersion,
    ...(time && { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: sorted(fields),
    ...(subresource && { subresource }),
  }
}

/** The same entry with other fields. */
export const withFields = (of: ManagedEntry, fields: FieldSet): ManagedEntry => ({ ...of, fieldsV1: sorted(fields) })

/** Entries as somebody sent them; throws what is wrong with them (DecodeManagedFields). */
export function parseEntries(given: readonly unknown[]): readonly ManagedEntry[] {
  return given.map((each, at) => {
    const { manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource } = each as Partial<ManagedEntry>
    if (operation !== 'Apply' && operation !== 'Update') throw new Error('operation must be `Apply` or `Update`')
    if (!apiVersion) throw new Error('apiVersion must not be empty')
    if (!fieldsType) throw new Error(`missing fieldsType in managed fields entry ${at}`)
    if (fieldsType !== 'FieldsV1') {
      throw new Error(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${at}`)
    }
    return {
      ...(manager && { manager }),
      operation,
      apiVersion,
      ...(time && { time }),
      fieldsType,
      fieldsV1: sorted(parseSet(fieldsV1)),
      ...(subresource && { subresource }),
    }
  })
}

/** How many managers that update are told apart (apimachinery managedfields, DefaultMaxUpdateManagers). */
const mostUpdateManagers = 10
const ancient = 'ancient-changes'

/** Merges the oldest Update entries of a version into one, until there are few enough. Changes the map. */
export function capUpdateManagers(managers: Managers): void {
  const updates = [...managers].filter(([, { operation }]) => operation === 'Update')
  let left = updates.length
  if (left <= mostUpdateManagers) return
  updates.sort(([a, { time: aTime }], [b, { time: bTime }]) => compareText(aTime, bTime) || compareText(nameKey(a), nameKey(b)))
  const firsts = new Map<string, string>()
  for (const [identity, old] of updates) {
    if (left <= mostUpdateManagers) return
    const { apiVersion, time } = old
    const first = firsts.get(apiVersion)
    if (first === undefined) {
      firsts.set(apiVersion, identity)
      continue
    }
    const bucket = { manager: ancient, operation: 'Update', apiVersion } as const
    const bucketId = identityOf(bucket)
    const sofar = managers.get(bucketId) ?? managers.get(first)
    if (sofar && !managers.has(bucketId)) managers.delete(first)
    managers.delete(identity)
    managers.set(bucketId, entry(bucket, time, union(fieldsOf(old), sofar ? fieldsOf(sofar) : {})))
    left--
  }
}

/** Upstream sorts by an identity that is a JSON object; ours is a list. */
function nameKey(identity: string): string {
  const [manager, operation, apiVersion, subresource] = JSON.parse(identity) as string[]
  return JSON.stringify({ manager, operation, apiVersion, ...(subresource && { subresource }) })
}

/** Forgets those who own nothing. */
export function dropEmpty(managers: Managers): void {
  for (const [identity, each] of managers) if (isEmptySet(fieldsOf(each))) managers.delete(identity)
}
