import { expect, test } from 'vitest'
import type { Call, KubeObject, WatchEvent } from '../../api/transport.ts'
import { systemClock } from '../../lib/clock.ts'
import { memoryStore } from '../../storage/memory.ts'
import { type TestServerOptions, testServer } from '../testing.ts'
import { testWebhook } from '../webhooks/testing.ts'
import { setValueAt, valueAt } from './paths.ts'

type Body = Record<string, unknown>
type Boat = KubeObject & { spec: Body; status?: Body }

const schema = {
  type: 'object',
  description: 'Something that floats.',
  properties: {
    spec: {
      type: 'object',
      required: ['name'],
      properties: {
        name: { type: 'string', minLength: 2 },
        seats: { type: 'integer', minimum: 1, default: 2 },
        colour: { type: 'string', enum: ['red', 'blue'] },
        crew: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['who'],
          items: { type: 'object', required: ['who'], properties: { who: { type: 'string' }, rank: { type: 'string' } } },
        },
        extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
      'x-kubernetes-validations': [
        { rule: "self.seats <= 10 || self.name == 'ark'", message: 'only the ark has more than ten seats' },
        {
          rule: 'self.name == oldSelf.name',
          messageExpression: "'a boat named ' + oldSelf.name + ' stays so'",
          fieldPath: '.name',
        },
      ],
    },
    status: { type: 'object', properties: { seats: { type: 'integer' }, selector: { type: 'string' } } },
  },
}

const v1 = {
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  subresources: {
    status: {},
    scale: { specReplicasPath: '.spec.seats', statusReplicasPath: '.status.seats', labelSelectorPath: '.status.selector' },
  },
  additionalPrinterColumns: [{ name: 'Seats', type: 'integer', jsonPath: '.spec.seats' }],
  selectableFields: [{ jsonPath: '.spec.colour' }],
}

const definition = (spec: Body = {}) => ({
  metadata: { name: 'boats.harbour.test' },
  spec: {
    group: 'harbour.test',
    scope: 'Namespaced',
    names: { plural: 'boats', kind: 'Boat', shortNames: ['bo'], categories: ['all'] },
    versions: [v1],
    ...spec,
  },
})

const definitions = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' }
const boats = { group: 'harbour.test', version: 'v1', resource: 'boats', namespace: 'default' }
const nina = { apiVersion: 'harbour.test/v1', kind: 'Boat', metadata: { name: 'nina' }, spec: { name: 'Nina' } }

async function harbour(options: TestServerOptions = {}) {
  const server = await testServer(options)
  const { call, watch } = server.transport()
  const ask = (request: Call) => call(request) as Promise<Boat>
  const strictly = (request: Call) => ask({ ...request, options: { ...request.options, fieldValidation: 'Strict' } })
  const define = async (spec?: Body) => {
    await ask({ ...definitions, verb: 'create', body: definition(spec) })
    await established('boats.harbour.test')
  }
  async function established(name: string): Promise<Body> {
    const since = (await call({ ...definitions, verb: 'list' })) as { metadata: { resourceVersion: string } }
    const stop = new AbortController()
    const options = { fieldSelector: `metadata.name=${name}` }
    void since
    for await (const events of watch({ ...definitions, verb: 'watch', options }, stop.signal)) {
      for (const { object } of events) {
        const { conditions = [] } = ((object as Boat).status ?? {}) as { conditions?: Body[] }
        if (!conditions.some(({ type, status }) => type === 'Established' && status === 'True')) continue
        stop.abort()
        return object as unknown as Body
      }
    }
    throw new Error('never established')
  }
  return { server, ask, strictly, define, established, watch, call, [Symbol.asyncDispose]: () => server.stop() }
}

test('a kind that is defined is served, and its objects are like all others', async () => {
  await using at = await harbour()
  await at.define()
  const made = await at.ask({ ...boats, verb: 'create', body: { ...nina, status: { seats: 9 } } })
  expect(made).toMatchObject({
    apiVersion: 'harbour.test/v1',
    kind: 'Boat',
    spec: { name: 'Nina', seats: 2 },
    metadata: { generation: 1 },
  })
  expect(made.status).toBeUndefined()
  const patch = (body: Body) => at.ask({ ...boats, verb: 'patch', name: 'nina', patchType: 'merge', body })
  expect(await patch({ spec: { seats: 3 } })).toMatchObject({ spec: { seats: 3 }, metadata: { generation: 2 } })
  expect((await patch({ metadata: { labels: { a: 'b' } } })).metadata.generation).toBe(2)
  const status = { ...(await at.ask({ ...boats, verb: 'get', name: 'nina' })), status: { seats: 1 } }
  const told = await at.ask({
    ...boats,
    verb: 'update',
    name: 'nina',
    subresource: 'status',
    body: { ...status, spec: { name: 'x' } },
  })
  expect(told).toMatchObject({ status: { seats: 1 }, spec: { name: 'Nina' }, metadata: { generation: 2 } })
  const { items } = (await at.call({ ...boats, verb: 'list' })) as { items: Boat[] }
  expect(items.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name])).toEqual([
    ['harbour.test/v1', 'Boat', 'nina'],
  ])
})

test('scale', async () => {
  await using at = await harbour()
  await at.define()
  await at.ask({ ...boats, verb: 'create', body: nina })
  const scale = { ...boats, name: 'nina', subresource: 'scale' }
  expect(await at.ask({ ...scale, verb: 'get' })).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { replicas: 0 } })
  await at.ask({ ...scale, verb: 'patch', patchType: 'merge', body: { spec: { replicas: 5 } } })
  expect(await at.ask({ ...boats, verb: 'get', name: 'nina' })).toMatchObject({ spec: { seats: 5 }, metadata: { generation: 2 } })
})

test('a number of replicas that is not there cannot be read, but can be set', async () => {
  await using at = await harbour()
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  const subresources = { scale: { specReplicasPath: '.spec.inner.seats', statusReplicasPath: '.status.seats' } }
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, subresources }
  await at.define({ versions: [version] })
  await at.ask({ ...boats, verb: 'create', body: nina })
  const scale = { ...boats, name: 'nina', subresource: 'scale' }
  const missing = 'the spec replicas field ".spec.inner.seats"'
  await expect(at.ask({ ...scale, verb: 'get' })).rejects.toThrow(`${missing} does not exist`)
  const patch = (body: Body) => at.ask({ ...scale, verb: 'patch', patchType: 'merge', body })
  await expect(patch({ metadata: { labels: {} } })).rejects.toMatchObject({
    status: { code: 400, message: `${missing} cannot be empty` },
  })
  expect(await patch({ spec: { replicas: 3 } })).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } })
  expect(await at.ask({ ...scale, verb: 'get' })).toMatchObject({ spec: { replicas: 3 } })
})

test('a path to the prototype leads to a field of that name', () => {
  const object = {}
  setValueAt(object, '.spec.__proto__.seats', 3)
  expect([valueAt(object, '.spec.__proto__.seats'), valueAt({}, '.seats'), valueAt(object, '.constructor.name')]).toEqual([
    3,
    undefined,
    undefined,
  ])
})

const withSpec = (spec: Body) => ({ ...nina, spec: { name: 'Nina', ...spec } })
const invalid = (text: string) => `Boat.harbour.test "nina" is invalid: ${text}`

test.each<[string, Body, string]>([
  [
    'a wrong type',
    withSpec({ seats: 'many' }),
    invalid(
      '[spec.seats: Invalid value: "string": spec.seats in body must be of type integer: "string", .spec.seats: Invalid value: 0: .spec.seats accessor error: "many" is of the type string, expected int64, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    ),
  ],
  [
    'too few',
    withSpec({ seats: 0 }),
    invalid('spec.seats: Invalid value: 0: spec.seats in body should be greater than or equal to 1'),
  ],
  [
    'too short',
    withSpec({ name: 'x' }),
    invalid('spec.name: Invalid value: "x": spec.name in body should be at least 2 chars long'),
  ],
  [
    'nothing required',
    { ...nina, spec: {} },
    invalid(
      '[spec.name: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    ),
  ],
  [
    'another word',
    withSpec({ colour: 'green' }),
    invalid(
      '[spec.colour: Unsupported value: "green": supported values: "red", "blue", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    ),
  ],
  [
    'the same key twice',
    withSpec({ crew: [{ who: 'ann' }, { who: 'ann' }] }),
    invalid('spec.crew[1]: Duplicate value: {"who":"ann"}'),
  ],
  ['a broken rule', withSpec({ seats: 11 }), invalid('spec: Invalid value: "object": only the ark has more than ten seats')],
  [
    'unknown fields',
    withSpec({ sail: true, extra: { a: 1 } }),
    'Boat in version "v1" cannot be handled as a Boat: strict decoding error: unknown field "spec.sail"',
  ],
  [
    'unknown metadata',
    { ...nina, metadata: { name: 'nina', foo: 1 } },
    'Boat in version "v1" cannot be handled as a Boat: strict decoding error: unknown field "metadata.foo"',
  ],
])('refuses %s', async (_, body, message) => {
  await using at = await harbour()
  await at.define()
  await expect(at.strictly({ ...boats, verb: 'create', body })).rejects.toThrow(message)
})

test('a rule may compare with what was before; unknown fields go', async () => {
  await using at = await harbour()
  await at.define()
  const made = await at.ask({ ...boats, verb: 'create', body: withSpec({ sail: 1, extra: { any: { thing: 1 } } }) })
  expect(made.spec).toEqual({ name: 'Nina', seats: 2, extra: { any: { thing: 1 } } })
  const renamed = at.ask({ ...boats, verb: 'patch', name: 'nina', patchType: 'merge', body: { spec: { name: 'Pinta' } } })
  await expect(renamed).rejects.toThrow(invalid('spec.name: Invalid value: "object": a boat named Nina stays so'))
})

test('a PUT needs a version, and a strategic patch is none', async () => {
  await using at = await harbour()
  await at.define()
  await at.ask({ ...boats, verb: 'create', body: nina })
  await expect(at.ask({ ...boats, verb: 'update', name: 'nina', body: nina })).rejects.toThrow(
    'boats.harbour.test "nina" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
  )
  await expect(at.ask({ ...boats, verb: 'patch', name: 'nina', patchType: 'strategic', body: {} })).rejects.toThrow(
    'unknown format',
  )
})

test('names are given to who comes first, and freed', async () => {
  await using at = await harbour()
  await at.define()
  const rival = definition({ names: { plural: 'ships', kind: 'Boat', shortNames: ['bo'] } })
  await at.ask({ ...definitions, verb: 'create', body: { ...rival, metadata: { name: 'ships.harbour.test' } } })
  await expect
    .poll(async () => (await at.ask({ ...definitions, verb: 'get', name: 'ships.harbour.test' })).status?.conditions)
    .toMatchObject([
      { type: 'NamesAccepted', status: 'False', reason: 'ListKindConflict', message: '"BoatList" is already in use' },
      { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
    ])
  await at.ask({ ...definitions, verb: 'delete', name: 'boats.harbour.test' })
  expect(await at.established('ships.harbour.test')).toMatchObject({
    status: { acceptedNames: { plural: 'ships', kind: 'Boat', shortNames: ['bo'] } },
  })
})

test('with a definition go its objects, and nothing new comes meanwhile', async () => {
  await using at = await harbour()
  await at.define()
  await at.ask({ ...boats, verb: 'create', body: { ...nina, metadata: { name: 'nina', finalizers: ['harbour.test/anchor'] } } })
  await at.ask({ ...boats, verb: 'create', body: { ...nina, metadata: { name: 'pinta' } } })
  await at.ask({ ...definitions, verb: 'delete', name: 'boats.harbour.test' })
  const condition = async () => {
    const { conditions = [] } = (await at.ask({ ...definitions, verb: 'get', name: 'boats.harbour.test' })).status as {
      conditions: Body[]
    }
    return conditions.find(({ type }) => type === 'Terminating')?.reason
  }
  await expect.poll(condition).toBe('InstanceDeletionInProgress')
  await expect(at.ask({ ...boats, verb: 'create', body: { ...nina, metadata: { name: 'late' } } })).rejects.toThrow(
    'boats.harbour.test "late" is forbidden: create not allowed while custom resource definition is terminating',
  )
  await expect
    .poll(() => at.ask({ ...boats, verb: 'get', name: 'pinta' }).catch(({ message }: Error) => message))
    .toContain('not found')
  await at.ask({ ...boats, verb: 'patch', name: 'nina', patchType: 'merge', body: { metadata: { finalizers: null } } })
  await expect
    .poll(() => at.ask({ ...boats, verb: 'get', name: 'nina' }).catch(({ message }: Error) => message))
    .toBe('the server could not find the requested resource')
  await expect(at.ask({ ...definitions, verb: 'get', name: 'boats.harbour.test' })).rejects.toThrow('not found')
})

const v2 = { ...v1, name: 'v2', storage: false, served: true }
const both = [v1, v2]

test('without a converter, versions differ by name only', async () => {
  await using at = await harbour()
  await at.define({ versions: both })
  await at.ask({ ...boats, verb: 'create', body: nina })
  expect(await at.ask({ ...boats, version: 'v2', verb: 'get', name: 'nina' })).toMatchObject({
    apiVersion: 'harbour.test/v2',
    spec: { name: 'Nina' },
  })
  const changed = await at.ask({
    ...boats,
    version: 'v2',
    verb: 'patch',
    name: 'nina',
    patchType: 'merge',
    body: { spec: { seats: 4 } },
  })
  expect(changed).toMatchObject({ apiVersion: 'harbour.test/v2', spec: { seats: 4 } })
  expect(await at.ask({ ...boats, verb: 'get', name: 'nina' })).toMatchObject({
    apiVersion: 'harbour.test/v1',
    spec: { seats: 4 },
  })
})

test('a write that changes nothing moves an object to the version that is kept now', async () => {
  await using at = await harbour()
  await at.define({ versions: both })
  const made = await at.ask({ ...boats, verb: 'create', body: nina })
  const crd = (await at.ask({ ...definitions, verb: 'get', name: 'boats.harbour.test' })) as unknown as { spec: Body }
  const versions = both.map(version => ({ ...version, storage: version.name === 'v2' }))
  const changed = await at.ask({
    ...definitions,
    verb: 'update',
    name: 'boats.harbour.test',
    body: { ...crd, spec: { ...crd.spec, versions } },
  })
  expect(changed.status?.storedVersions).toEqual(['v1', 'v2'])
  const put = async () =>
    at.ask({ ...boats, verb: 'update', name: 'nina', body: await at.ask({ ...boats, verb: 'get', name: 'nina' }) })
  await expect.poll(async () => (await put()).metadata.resourceVersion).not.toBe(made.metadata.resourceVersion)
  const moved = (await put()).metadata.resourceVersion
  expect((await put()).metadata.resourceVersion).toBe(moved)
})

test('a webhook converts, many objects at a time', async () => {
  const reviews: { request: { uid: string; desiredAPIVersion: string; objects: Boat[] } }[] = []
  await using at = await harbour({
    async postToWebhook(_client, body) {
      const review = body as (typeof reviews)[number]
      reviews.push(review)
      const { uid, desiredAPIVersion: apiVersion, objects } = review.request
      const convertedObjects = objects.map(object => ({
        ...object,
        apiVersion,
        spec: { ...object.spec, extra: { to: apiVersion } },
      }))
      return {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'ConversionReview',
        response: { uid, convertedObjects, result: { status: 'Success' } },
      }
    },
  })
  const webhook = { clientConfig: { url: 'https://harbour.test/convert' }, conversionReviewVersions: ['v1'] }
  await at.define({ versions: both, conversion: { strategy: 'Webhook', webhook } })
  for (const name of ['nina', 'pinta']) await at.ask({ ...boats, verb: 'create', body: { ...nina, metadata: { name } } })
  expect(reviews).toEqual([])
  const { items } = (await at.call({ ...boats, version: 'v2', verb: 'list' })) as { items: Boat[] }
  expect(items.map(({ apiVersion, spec }) => [apiVersion, spec.extra])).toEqual([
    ['harbour.test/v2', { to: 'harbour.test/v2' }],
    ['harbour.test/v2', { to: 'harbour.test/v2' }],
  ])
  expect(reviews.map(({ request }) => request.objects.length)).toEqual([2])
  const { items: red } = (await at.call({
    ...boats,
    version: 'v2',
    verb: 'list',
    options: { fieldSelector: 'spec.colour=red' },
  })) as { items: Boat[] }
  expect(red).toEqual([])
})

test('a webhook behind TLS converts, and refuses what it cannot', async () => {
  await using webhook = await testWebhook(({ desiredAPIVersion: apiVersion, objects }, path) => {
    if (objects[0].metadata.name === 'pinta') return { result: { status: 'Failure', message: `${path}: not her` } }
    const convertedObjects = objects.map((object: Boat) => ({ ...object, apiVersion, spec: { ...object.spec, extra: { path } } }))
    return { convertedObjects, result: { status: 'Success' } }
  })
  await using at = await harbour()
  const converter = { clientConfig: webhook.clientConfig('/convert'), conversionReviewVersions: ['v1'] }
  await at.define({ versions: both, conversion: { strategy: 'Webhook', webhook: converter } })
  for (const name of ['nina', 'pinta']) await at.ask({ ...boats, verb: 'create', body: { ...nina, metadata: { name } } })
  const read = (name: string) => at.ask({ ...boats, version: 'v2', verb: 'get', name })
  expect(await read('nina')).toMatchObject({ apiVersion: 'harbour.test/v2', spec: { extra: { path: '/convert?timeout=30s' } } })
  await expect(read('pinta')).rejects.toThrow('Kind=Boat failed: /convert?timeout=30s: not her')
  expect(webhook.requests[0]).toMatchObject({
    desiredAPIVersion: 'harbour.test/v2',
    objects: [{ apiVersion: 'harbour.test/v1' }],
  })
})

test('a definition that is served in no version goes, and takes its objects along', async () => {
  const store = memoryStore({ clock: systemClock })
  await using at = await harbour({ store })
  await at.define()
  await at.ask({ ...boats, verb: 'create', body: nina })
  const kept = async () => (await store.list('')).entries.map(({ key }) => key).filter(key => key.includes('boats'))
  expect(await kept()).toHaveLength(2)
  const crd = (await at.ask({ ...definitions, verb: 'get', name: 'boats.harbour.test' })) as unknown as { spec: Body }
  const spec = { ...crd.spec, versions: [{ ...v1, served: false }] }
  await at.ask({ ...definitions, verb: 'update', name: 'boats.harbour.test', body: { ...crd, spec } })
  await expect
    .poll(() =>
      at.ask({ ...boats, verb: 'list' }).then(
        () => 'served',
        () => 'not served',
      ),
    )
    .toBe('not served')
  await at.ask({ ...definitions, verb: 'delete', name: 'boats.harbour.test' })
  const gone = () =>
    at.ask({ ...definitions, verb: 'get', name: 'boats.harbour.test' }).then(
      () => false,
      () => true,
    )
  await expect.poll(gone).toBe(true)
  expect(await kept()).toEqual([])
})

test('a converter that fails is told of', async () => {
  await using at = await harbour({ postToWebhook: () => Promise.reject(new Error('connection refused')) })
  const webhook = { clientConfig: { url: 'https://harbour.test/convert' }, conversionReviewVersions: ['v1'] }
  await at.define({ versions: both, conversion: { strategy: 'Webhook', webhook } })
  await at.ask({ ...boats, verb: 'create', body: nina })
  const reading = at.ask({ ...boats, version: 'v2', verb: 'get', name: 'nina' })
  await expect(reading).rejects.toThrow('conversion webhook for harbour.test/v1, Kind=Boat failed: connection refused')
})

test('fields can be selected, watches end when the definition changes, and defaults come to old objects', async () => {
  await using at = await harbour()
  await at.define()
  await at.ask({ ...boats, verb: 'create', body: withSpec({ colour: 'red' }) })
  const { items } = (await at.call({ ...boats, verb: 'list', options: { fieldSelector: 'spec.colour=red' } })) as {
    items: Boat[]
  }
  expect(items).toHaveLength(1)
  const seen: WatchEvent[] = []
  const watching = (async () => {
    for await (const events of at.watch({ ...boats, verb: 'watch', options: {} }, new AbortController().signal))
      seen.push(...events)
  })()
  await expect.poll(() => seen.length).toBe(1)
  const openAPIV3Schema = structuredClone(schema)
  Object.assign(openAPIV3Schema.properties.spec.properties, { harbour: { type: 'string', default: 'Palos' } })
  const crd = (await at.ask({ ...definitions, verb: 'get', name: 'boats.harbour.test' })) as unknown as { spec: Body }
  const spec = { ...crd.spec, versions: [{ ...v1, schema: { openAPIV3Schema } }] }
  await at.ask({ ...definitions, verb: 'update', name: 'boats.harbour.test', body: { ...crd, spec } })
  await watching
  expect((await at.ask({ ...boats, verb: 'get', name: 'nina' })).spec).toMatchObject({ harbour: 'Palos' })
})

test('after a restart they are served from the first request on', async () => {
  const store = memoryStore({ clock: systemClock })
  {
    await using at = await harbour({ store })
    await at.define()
    await at.ask({ ...boats, verb: 'create', body: nina })
  }
  await using again = await harbour({ store })
  expect(await again.ask({ ...boats, verb: 'get', name: 'nina' })).toMatchObject({ kind: 'Boat' })
})
