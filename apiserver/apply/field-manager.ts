import { ApiError } from '../../api/errors.ts'
import { type AnyKind, apiVersionOf, statusViews } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { zeroOf } from '../../api/zero.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import type { AnyDraft } from '../decode-body.ts'
import type { KindTable } from '../kind-table.ts'
import type { ApiRequest } from '../request.ts'
import { keptObject } from '../stored-rules.ts'
import { apply } from './apply.ts'
import { type FieldSet, setOf } from './field-set.ts'
import { typeOf } from './field-type.ts'
import { allowedByLastApplied, appliesForKubectl, withLastApplied } from './last-applied.ts'
import { entriesOf, type Identity, type ManagedEntry, type Managers, managersOf, parseEntries } from './managed.ts'
import { bookUpdate, type OtherVersion, type Ownership, type Version } from './ownership.ts'
import { fieldElement } from './path-element.ts'
import { typeErrors } from './typed-errors.ts'

/** Keeps metadata.managedFields: who has set which fields. */
export interface FieldManager {
  /**
   * Books a write other than an apply on a draft that is complete but for admission. `given`: what the request says managedFields
   * are to be, as it came. A promise only if there is something to book.
   */
  track(write: Write): Promise<void> | void
  /** What an apply makes of an object (absent: creates); not yet decoded. Throws Conflict, BadRequest. */
  apply(kind: AnyKind, request: ApiRequest, live: KubeObject | undefined): Promise<Applied>
}

/** A create or an update, decoded: `given` are the managed fields that the caller sent. */
export interface Write {
  readonly kind: AnyKind
  readonly request: ApiRequest
  readonly draft: AnyDraft
  readonly old?: KubeObject | undefined
  readonly given?: readonly unknown[] | undefined
}

/** An object as an apply leaves it. */
export interface Applied {
  readonly body: Record<string, unknown>
  readonly managedFields: readonly ManagedEntry[] | undefined
}

interface Managed {
  managedFields?: readonly ManagedEntry[]
}

/** Who owns what was there before the first apply of an object that was not tracked. */
const beforeFirstApply = 'before-first-apply'

/** Who owns which fields (k8s.io/apimachinery/pkg/util/managedfields). */
export function fieldManager({ kinds, clock }: { kinds: Pick<KindTable, 'byKind'>; clock: Clock }): FieldManager {
  const now = () => timestamp(clock.now())

  function ownershipOf(kind: AnyKind, subresource: string | undefined): Ownership {
    return {
      version: versionOf(kind, subresource),
      otherVersion(apiVersion) {
        const slash = apiVersion.indexOf('/')
        const group = slash < 0 ? '' : apiVersion.slice(0, slash)
        const other = group === kind.group ? kinds.byKind(group, apiVersion.slice(slash + 1), kind.kind) : undefined
        return other && throughKept(kind, other, subresource)
      },
    }
  }

  async function book(write: Write, managers: Managers): Promise<void> {
    const { kind, request, draft, old } = write
    await bookUpdate(ownershipOf(kind, request.subresource), managers, {
      before: old ?? zeroOf(kind),
      after: draft,
      identity: identityFor('Update', kind, request, request.options?.fieldManager),
      time: now(),
    })
    setManagedFields(draft, entriesOf(managers))
  }

  return {
    track(write) {
      const { draft, old } = write
      const entries = entriesBefore(write)
      // What nobody puts a name to is the server's own: the objects that every cluster starts with.
      const isNobodys = write.request.options?.fieldManager === undefined
      const isSkipped = !entries?.length && (old !== undefined || isNobodys || write.kind.tracksManagers === 'onceApplied')
      if (isSkipped) return setManagedFields(draft, undefined)
      return book(write, managersOf(entries))
    },

    async apply(kind, request, live) {
      const wanted = checkedIntent(kind, request)
      const ownership = ownershipOf(kind, request.subresource)
      const { version } = ownership
      const wrong = typeErrors(version.type, wanted)
      if (wrong) throw untypable(`failed to create typed patch object (${describe(kind, wanted)}): ${wrong}`)
      const { managedFields, ...metadata } = (live?.metadata ?? {}) as Managed
      const before = live ? { ...live, metadata } : zeroOf(kind)
      const managers = managersOf(managedFields)
      const time = now()
      if (live && managers.size === 0) {
        const identity = identityFor('Update', kind, request, beforeFirstApply)
        await bookUpdate(ownership, managers, { before: zeroOf(kind), after: before, identity, time })
      }
      const manager = request.options?.fieldManager ?? ''
      const intent = {
        live: before,
        wanted,
        identity: identityFor('Apply', kind, request, manager),
        force: request.options?.force === true,
        time,
        allowed: appliesForKubectl(manager) ? allowedByLastApplied(version, before) : undefined,
      }
      const applied = await apply(ownership, managers, intent)
      const body = appliesForKubectl(manager) ? withLastApplied(applied, wanted) : applied
      return { body: body as Record<string, unknown>, managedFields: entriesOf(managers) }
    },
  }
}

const identityFor = (
  operation: Identity['operation'],
  kind: AnyKind,
  { subresource }: ApiRequest,
  manager: string | undefined,
): Identity => ({
  manager: manager || 'unknown',
  operation,
  apiVersion: apiVersionOf(kind),
  ...(subresource && { subresource }),
})

/** Says on a draft who owns what; nothing if nobody owns anything. */
export function setManagedFields({ metadata }: AnyDraft, entries: readonly ManagedEntry[] | undefined): void {
  if (entries?.length) (metadata as Managed).managedFields = entries
  else delete (metadata as Managed).managedFields
}

/**
 * The entries to go on from: those that came with the request if they can be read, otherwise the stored ones. `[]` and `[{}]` ask
 * for a new start. Subresources have no say in it (apimachinery managedfields/internal/fieldmanager.go, decodeLiveOrNew).
 */
function entriesBefore({ old, given, request }: Write): readonly ManagedEntry[] | undefined {
  const before = (old?.metadata as Managed | undefined)?.managedFields
  if (given === undefined || given === before || request.subresource) return before
  if (given.length === 0 || (given.length === 1 && deepEqual(given[0], {}))) return undefined
  try {
    return parseEntries(given)
  } catch {
    return before
  }
}

const top = (...path: string[]) => path.map(fieldElement)
const noFields: FieldSet = {}
const resetOnMain = setOf(top('status'))
const resetOnStatus = setOf(top('spec'))

function versionOf(kind: AnyKind, subresource: string | undefined): Version {
  return { type: typeOf(kind), apiVersion: apiVersionOf(kind), reset: resetOf(kind, subresource) }
}

/** What an endpoint leaves as it was, whatever is sent (the GetResetFields of upstream's strategies). */
function resetOf(kind: AnyKind, subresource: string | undefined): FieldSet {
  if (!kind.subresources.includes('status')) return noFields
  return statusViews.has(subresource) ? (kind.statusKeeps ? statusReset(kind.statusKeeps) : resetOnStatus) : resetOnMain
}

const statusReset = (kept: readonly string[] | 'metadata') =>
  kept === 'metadata' ? setOf(top('spec'), top('metadata')) : setOf(top('spec'), ...kept.map(field => top('metadata', field)))

/** Another version of the kind, reached through the one that is kept. */
function throughKept(kind: AnyKind, other: AnyKind, subresource: string | undefined): OtherVersion {
  const convert = (from: AnyKind, into: AnyKind) => async (object: object) => {
    const kept = (await keptObject(from, object as KubeObject)) as KubeObject
    return into.storedAs ? into.storedAs.fromStored(kept) : kept
  }
  return { ...versionOf(other, subresource), to: convert(kind, other), from: convert(other, kind) }
}

/** The body of an apply: a whole object of the kind, without managedFields. */
function checkedIntent(kind: AnyKind, { body }: ApiRequest): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError('BadRequest', 'error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}')
  }
  const wanted = body as Record<string, unknown>
  const { apiVersion, kind: name, metadata } = wanted
  if (apiVersion !== apiVersionOf(kind) || name !== kind.kind) {
    throw new ApiError('BadRequest', `invalid object type: ${goVersion(String(apiVersion ?? ''))}, Kind=${String(name ?? '')}`)
  }
  const { managedFields } = (metadata ?? {}) as Managed
  if (managedFields !== undefined && managedFields !== null) {
    throw new ApiError('BadRequest', 'metadata.managedFields must be nil')
  }
  return wanted
}

/** As Go prints a version: the core group is not left out. */
const goVersion = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion : `/${apiVersion}`)

/** `namespace/name; apps/v1, Kind=Deployment` */
function describe(kind: AnyKind, { metadata }: Record<string, unknown>): string {
  const { namespace = '', name = '' } = (metadata ?? {}) as { namespace?: string; name?: string }
  return `${namespace}/${name}; ${goVersion(apiVersionOf(kind))}, Kind=${kind.kind}`
}

/** What is applied does not fit its schema. Upstream answers 500 without a reason. */
function untypable(message: string): ApiError {
  return new ApiError('BadRequest', message)
}
