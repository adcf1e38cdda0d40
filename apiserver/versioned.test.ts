import { expect, test } from 'vitest'
import { fieldError } from '../api/field-errors.ts'
import { type AnyKind, defineKind } from '../api/kind.ts'
import { kinds } from '../api/kinds.ts'
import { named, text, texts, whole } from '../api/schema.ts'
import type { Call, KubeObject, WatchEvent } from '../api/transport.ts'
import { testServer } from './testing.ts'

/** A boat, as it is kept: how many seats, and a list of crew. */
const Boat = defineKind({
  group: 'harbour.test',
  version: 'v1',
  kind: 'Boat',
  plural: 'boats',
  namespaced: true,
  description: 'Something that floats.',
  fields: () => ({
    spec: named('harbour/v1.BoatSpec', 'What it is like.', () => ({
      seats: whole('Seats.'),
      crew: texts('Who sails it.'),
    })).prefault({}),
    status: named('harbour/v1.BoatStatus', 'Where it is.', () => ({ berth: text('Its place.') })).prefault({}),
  }),
  subresources: ['status'],
  generationOf: boat => boat.spec,
  selectableFields: { 'spec.seats': boat => String(boat.spec.seats ?? 0) },
  validate: boat => ((boat.spec.seats ?? 0) > 12 ? [fieldError.invalid('spec.seats', boat.spec.seats, 'too large')] : []),
})

/** The same boats in an older version: places instead of seats, the crew as one text. */
const OldBoat = defineKind({
  group: 'harbour.test',
  version: 'v1beta1',
  kind: 'Boat',
  plural: 'boats',
  namespaced: true,
  description: 'Something that floats.',
  fields: () => ({
    spec: named('harbour/v1beta1.BoatSpec', 'What it is like.', () => ({
      places: whole('Places.'),
      sailors: text('Who.'),
    })).prefault({}),
    status: named('harbour/v1beta1.BoatStatus', 'Where it is.', () => ({ berth: text('Its place.') })).prefault({}),
  }),
  subresources: ['status'],
  selectableFields: { 'spec.places': boat => String(boat.spec.places ?? 0) },
  storedAs: {
    kind: Boat as AnyKind,
    toStored: ({ spec: { places, sailors }, ...boat }) => ({
      ...boat,
      apiVersion: 'harbour.test/v1',
      spec: { ...(places && { seats: places }), ...(sailors && { crew: sailors.split(' ') }) },
    }),
    fromStored(object) {
      const { spec, ...boat } = object as unknown as { spec: { seats?: number; crew?: string[] } }
      const sailors = spec.crew?.join(' ')
      return {
        ...boat,
        apiVersion: 'harbour.test/v1beta1',
        spec: { ...(spec.seats && { places: spec.seats }), ...(sailors && { sailors }) },
      }
    },
  },
})

const place = { group: 'harbour.test', resource: 'boats', namespace: 'default' }
const old = (rest: Partial<Call> & Pick<Call, 'verb'>): Call => ({ ...place, version: 'v1beta1', ...rest })
const kept = (rest: Partial<Call> & Pick<Call, 'verb'>): Call => ({ ...place, version: 'v1', ...rest })
type Boatish = KubeObject & { spec: Record<string, unknown>; status: Record<string, unknown> }

async function harbour() {
  const server = await testServer({ kinds: [...kinds, Boat, OldBoat] })
  const { call, watch } = server.transport()
  return {
    ask: (request: Call) => call(request) as Promise<Boatish>,
    list: (request: Call) => call(request) as Promise<{ apiVersion: string; items: Boatish[] }>,
    watch,
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

const nina = { metadata: { name: 'nina' }, spec: { places: 3, sailors: 'ann bob' } }

test('what is written in one version is read in the other, and kept once', async () => {
  await using at = await harbour()
  const made = await at.ask(old({ verb: 'create', body: nina }))
  expect(made).toMatchObject({ apiVersion: 'harbour.test/v1beta1', spec: nina.spec, metadata: { generation: 1 } })
  const read = await at.ask(kept({ verb: 'get', name: 'nina' }))
  expect(read).toMatchObject({ apiVersion: 'harbour.test/v1', spec: { seats: 3, crew: ['ann', 'bob'] } })
  expect(read.metadata.resourceVersion).toBe(made.metadata.resourceVersion)
  await at.ask(kept({ verb: 'create', body: { metadata: { name: 'pinta' }, spec: { seats: 2 } } }))
  const { apiVersion, items } = await at.list(old({ verb: 'list' }))
  expect(apiVersion).toBe('harbour.test/v1beta1')
  expect(items.map(({ apiVersion, spec }) => ({ apiVersion, spec }))).toEqual([
    { apiVersion: 'harbour.test/v1beta1', spec: { places: 3, sailors: 'ann bob' } },
    { apiVersion: 'harbour.test/v1beta1', spec: { places: 2 } },
  ])
})

test('patches, status and rules work in the version they are sent in', async () => {
  await using at = await harbour()
  await at.ask(old({ verb: 'create', body: nina }))
  const patched = await at.ask(old({ verb: 'patch', name: 'nina', patchType: 'merge', body: { spec: { places: 4 } } }))
  expect(patched).toMatchObject({ spec: { places: 4, sailors: 'ann bob' }, metadata: { generation: 2 } })
  const moved = { ...patched, status: { berth: '7' } }
  expect(await at.ask(old({ verb: 'update', name: 'nina', subresource: 'status', body: moved }))).toMatchObject(
    moved.status && { status: { berth: '7' } },
  )
  expect(await at.ask(kept({ verb: 'get', name: 'nina' }))).toMatchObject({ spec: { seats: 4 }, status: { berth: '7' } })
  const body = { spec: { places: 13 } }
  const refusal = at.ask(old({ verb: 'patch', name: 'nina', patchType: 'merge', body }))
  await expect(refusal).rejects.toThrow('Boat.harbour.test "nina" is invalid: spec.seats: Invalid value: 13: too large')
})

test('a patch that changes nothing writes nothing', async () => {
  await using at = await harbour()
  const made = await at.ask(old({ verb: 'create', body: nina }))
  const same = await at.ask(old({ verb: 'patch', name: 'nina', patchType: 'merge', body: { spec: { places: 3 } } }))
  expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion)
})

test('each version selects by its own fields', async () => {
  await using at = await harbour()
  await at.ask(old({ verb: 'create', body: nina }))
  const names = async (call: Call) => (await at.list(call)).items.map(({ metadata }) => metadata.name)
  expect(await names(old({ verb: 'list', options: { fieldSelector: 'spec.places=3' } }))).toEqual(['nina'])
  expect(await names(old({ verb: 'list', options: { fieldSelector: 'spec.places=4' } }))).toEqual([])
  expect(await names(kept({ verb: 'list', options: { fieldSelector: 'spec.seats=3' } }))).toEqual(['nina'])
  await expect(names(old({ verb: 'list', options: { fieldSelector: 'spec.seats=3' } }))).rejects.toThrow(
    'field label not supported: spec.seats',
  )
})

test('a watch shows the version it was asked in', async () => {
  await using at = await harbour()
  const stop = new AbortController()
  const seen: WatchEvent[] = []
  await at.ask(old({ verb: 'create', body: nina }))
  const watching = (async () => {
    for await (const events of at.watch(old({ verb: 'watch', options: { fieldSelector: 'spec.places=3' } }), stop.signal)) {
      seen.push(...events)
      if (seen.length === 1) await at.ask(kept({ verb: 'patch', name: 'nina', patchType: 'merge', body: { spec: { seats: 5 } } }))
      if (seen.length === 2) stop.abort()
    }
  })()
  await watching
  expect(seen.map(({ type, object }) => [type, object.apiVersion, (object as Boatish).spec.places])).toEqual([
    ['ADDED', 'harbour.test/v1beta1', 3],
    ['DELETED', 'harbour.test/v1beta1', 3],
  ])
})

test('either version deletes', async () => {
  await using at = await harbour()
  await at.ask(old({ verb: 'create', body: nina }))
  await at.ask(old({ verb: 'delete', name: 'nina' }))
  await expect(at.ask(kept({ verb: 'get', name: 'nina' }))).rejects.toThrow('boats.harbour.test "nina" not found')
})
