import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { brotliDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ApiError, type StatusCause } from '../../api/errors.ts'
import { type AnyKind, type DynamicSchema, defineKind } from '../../api/kind.ts'
import { kinds } from '../../api/kinds.ts'
import { virtualClock } from '../../lib/clock.ts'
import { copy, deepFreeze } from '../../lib/json.ts'
import type { AnyDraft } from '../decode-body.ts'
import { kindTable } from '../kind-table.ts'
import { fieldManager } from './field-manager.ts'
import { identityOf, type ManagedEntry } from './managed.ts'

/** One write in the life of an object; the next one of the same life goes on from its result. */
interface Step {
  readonly n: number
  readonly op: 'update' | 'apply'
  readonly kind: string
  readonly manager: string
  readonly force?: boolean
  readonly subresource?: string
  readonly next: Tree
  readonly result?: Tree
  readonly error?: string
  readonly causes?: readonly StatusCause[]
}

interface Tree {
  metadata: { managedFields?: readonly ManagedEntry[]; uid?: string }
}

// Random writes by four managers, some through status, as k8s.io/apimachinery 0.34's field manager takes them. Recorded with one time
// for everything that is written, and without defaults, by scripts/patch-recordings.
const bytes = brotliDecompressSync(readFileSync(new URL('recorded.jsonl.br', import.meta.url)))
const steps = bytes
  .toString()
  .split('\n')
  .map(line => JSON.parse(line) as Step)

const freeForm: DynamicSchema = {
  decode: () => ({ ok: false, error: 'not decoded here' }),
  jsonSchema: () => ({ root: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, definitions: {} }),
}
const thing = {
  ...defineKind({
    group: 'ex.io',
    version: 'v1',
    kind: 'Thing',
    plural: 'things',
    namespaced: true,
    description: '',
    fields: () => ({}),
  }),
  dynamic: freeForm,
}
const known: readonly AnyKind[] = [...kinds, thing].map(kind => ({ ...kind, tracksManagers: 'always' }))
const managers = fieldManager({ kinds: kindTable(known), clock: virtualClock() })

/** Entries in an order that does not depend on times, all of which are the same here. */
const entriesIn = ({ metadata }: Tree) =>
  (metadata.managedFields ?? []).map(entry => [identityOf(entry), entry] as const).sort(([a], [b]) => (a < b ? -1 : 1))

/** What is not said and what is empty are the same thing in a recording of typed objects. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value !== 'object' || value === null) return value
  const isEmpty = (item: unknown) => !item || (typeof item === 'object' && Object.keys(item).length === 0)
  const entries = Object.entries(value).map(([key, item]) => [key, bare(item)] as const)
  return Object.fromEntries(entries.filter(([key, item]) => key !== 'managedFields' && !isEmpty(item)))
}

async function replay(step: Step, live: Tree | undefined): Promise<Tree> {
  const kind = known.find(({ kind }) => kind === step.kind) as AnyKind
  const { manager: fieldManager, force = false, subresource, next: body } = step
  const request = {
    verb: 'patch' as const,
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    ...(subresource && { subresource }),
    body,
    options: { fieldManager, force },
    user: { name: 'me', groups: [] },
  }
  if (step.op === 'apply') {
    const { body: applied, managedFields } = await managers.apply(kind, request, live as never)
    return { ...applied, metadata: { ...(applied.metadata as object), ...(managedFields && { managedFields }) } }
  }
  const draft = copy(step.result) as Tree
  delete draft.metadata.managedFields
  await managers.track({
    kind,
    request,
    draft: draft as unknown as AnyDraft,
    old: live as never,
    given: body.metadata.managedFields,
  })
  return draft
}

test('whoever writes comes to own what upstream says', async () => {
  const differing: unknown[] = []
  let live: Tree | undefined
  let life = -1
  for (const step of steps) {
    if (step.n !== life) live = undefined
    life = step.n
    const before = live && deepFreeze(live)
    try {
      const after = await replay(step, before)
      const { result = { metadata: {} } } = step
      if (!isDeepStrictEqual(entriesIn(after), entriesIn(result))) differing.push({ step, entries: entriesIn(after) })
      else if (!isDeepStrictEqual(bare(after), bare(result))) differing.push({ step, after })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const { message, details } = error.status
      const isConflict = message?.startsWith('Apply failed')
      const same = isConflict ? causesOf(details?.causes) === causesOf(step.causes) : message === step.error
      if (!same) differing.push({ step, message })
    }
    if (step.result) live = { ...step.result, metadata: { ...step.result.metadata, uid: 'u' } }
  }
  expect(steps.length).toBeGreaterThan(300)
  expect(differing).toEqual([])
})

/** Upstream tells them in no particular order. */
const causesOf = (causes: readonly StatusCause[] = []) =>
  causes
    .map(({ field, message }) => `${field} ${message}`)
    .sort()
    .join('\n')
