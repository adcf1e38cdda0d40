import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiError, type Status } from '../../api/errors.ts'
import type { CallOptions, KubeObject, PatchType, Transport, Verb } from '../../api/transport.ts'
import { virtualClock } from '../../lib/clock.ts'
import { type TestServer, testServer } from '../testing.ts'
import type { ManagedEntry } from './managed.ts'

const clock = virtualClock()
let server: TestServer
let api: Transport

beforeAll(async () => {
  server = await testServer({ clock })
  api = server.transport()
})
afterAll(() => server.stop())

const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'default' }
const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' }

interface Spec {
  readonly replicas?: number
  readonly image?: string
  readonly env?: Readonly<Record<string, string>>
}

const deployment = (name: string, { replicas, image = 'web:1', env = {} }: Spec = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    ...(replicas !== undefined && { replicas }),
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image, env: Object.entries(env).map(([name, value]) => ({ name, value })) }] },
    },
  },
})

const configMap = (name: string, data: Record<string, string>, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})

type Body = { readonly metadata: { readonly name: string } }
type Answer = KubeObject & { spec: Record<string, unknown>; data: Record<string, string>; status: object }

const targetOf = (body: object) => ('spec' in body ? deployments : configMaps)

function apply(body: Body, fieldManager: string, options: CallOptions = {}, subresource?: string): Promise<Answer> {
  const { name } = body.metadata
  const call = { ...targetOf(body), name, verb: 'patch' as const, patchType: 'apply' as const, body }
  return api.call({ ...call, options: { fieldManager, ...options }, ...(subresource && { subresource }) }) as Promise<Answer>
}

function write(
  verb: Verb,
  body: Body,
  fieldManager: string,
  more: { patchType?: PatchType; subresource?: string } = {},
): Promise<Answer> {
  const name = verb === 'create' ? {} : { name: body.metadata.name }
  return api.call({ ...targetOf(body), ...name, verb, body, options: { fieldManager }, ...more }) as Promise<Answer>
}

const patch = (name: string, body: unknown, fieldManager: string, patchType: PatchType = 'merge', target = configMaps) =>
  api.call({ ...target, name, verb: 'patch', patchType, body, options: { fieldManager } }) as Promise<Answer>

const entriesOf = ({ metadata }: KubeObject) => (metadata as { managedFields?: ManagedEntry[] }).managedFields ?? []
const ownersOf = (object: KubeObject) =>
  entriesOf(object).map(({ manager, operation, subresource }) => [manager, operation, subresource].filter(Boolean).join(' '))

async function refusal(promise: Promise<unknown>): Promise<Status> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(ApiError)
  return (error as ApiError).status
}

describe('server-side apply', () => {
  test('what two want and one of them changes is a conflict, unless it is forced', async () => {
    await apply(deployment('two', { replicas: 2 }), 'one')
    expect(await refusal(apply(deployment('two', { replicas: 3 }), 'other'))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }] },
    })
    const forced = await apply(deployment('two', { replicas: 3 }), 'other', { force: true })
    expect(forced.spec.replicas).toBe(3)
    const fields = entriesOf(forced).map(({ fieldsV1 }) => (fieldsV1 as Record<string, object>)['f:spec'])
    expect(fields.map(spec => 'f:replicas' in (spec ?? {}))).toEqual([false, true])
  })

  test('what several managers have set is told sorted by them', async () => {
    await write('create', configMap('several', { a: '1', b: '1', c: '1' }), 'maker')
    await apply(configMap('several', { b: '2' }), 'second', { force: true })
    expect((await refusal(apply(configMap('several', { a: '3', b: '3', c: '3' }), 'third'))).message).toBe(
      'Apply failed with 3 conflicts: conflicts with "maker" using v1:\n- .data.a\n- .data.c\nconflicts with "second":\n- .data.b',
    )
  })

  test('what is no longer wanted goes, unless somebody else wants it', async () => {
    await apply(deployment('fewer', { env: { A: '1', B: '1' } }), 'one')
    await apply(deployment('fewer', { env: { B: '1' } }), 'other')
    const left = await apply(deployment('fewer'), 'one')
    const { containers } = (left.spec.template as { spec: { containers: { env: object[] }[] } }).spec
    expect(containers[0]?.env).toEqual([{ name: 'B', value: '1' }])
    // Who only wanted what was there already has changed nothing, and so has no time to be sorted by.
    expect(ownersOf(left)).toEqual(['other Apply', 'one Apply'])
  })

  test('an apply that changes nothing leaves version and time alone', async () => {
    const first = await apply(configMap('same', { a: '1' }), 'me')
    await clock.advance(5_000)
    expect(await apply(configMap('same', { a: '1' }, { creationTimestamp: null }), 'me')).toEqual(first)
  })

  test('an update takes fields away from whoever applied them', async () => {
    await apply(configMap('taken', { a: '1', b: '1' }), 'applier')
    const updated = await patch('taken', { data: { a: '2', c: '3' } }, 'updater')
    expect(entriesOf(updated).map(({ manager, fieldsV1 }) => [manager, fieldsV1])).toEqual([
      ['applier', { 'f:data': { 'f:b': {} } }],
      ['updater', { 'f:data': { 'f:a': {}, 'f:c': {} } }],
    ])
    const again = await patch('taken', { data: { b: null } }, 'updater')
    expect(ownersOf(again)).toEqual(['updater Update'])
  })

  test('status has owners of its own', async () => {
    await apply(deployment('status', { replicas: 1 }), 'me')
    const status = { ...deployment('status', { replicas: 9 }), status: { readyReplicas: 1 } }
    const reported = await apply(status, 'controller', {}, 'status')
    expect([reported.spec.replicas, reported.status]).toEqual([1, { readyReplicas: 1 }])
    const { fieldsV1 } = entriesOf(reported).find(({ subresource }) => subresource === 'status') ?? {}
    expect(fieldsV1).toEqual({ 'f:status': { 'f:readyReplicas': {} } })
    const ignored = await apply({ ...deployment('status', { replicas: 1 }), status: { readyReplicas: 7 } } as Body, 'me')
    expect(ignored.status).toEqual({ readyReplicas: 1 })
  })

  test('scale owns the number of replicas, whatever it is called there', async () => {
    await apply(deployment('scaled', { replicas: 1 }), 'me')
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'scaled' }, spec: { replicas: 4 } }
    await write('update', scale, 'scaler', { subresource: 'scale' })
    const scaled = (await api.call({ ...deployments, name: 'scaled', verb: 'get' })) as Answer
    expect(scaled.spec.replicas).toBe(4)
    const entry = entriesOf(scaled).find(({ subresource }) => subresource === 'scale')
    expect(entry).toMatchObject({ manager: 'scaler', apiVersion: 'apps/v1', fieldsV1: { 'f:spec': { 'f:replicas': {} } } })
    const conflict = await refusal(apply(deployment('scaled', { replicas: 1 }), 'me'))
    expect(conflict.message).toBe(
      'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using apps/v1: .spec.replicas',
    )
  })
})

describe('managed fields', () => {
  test('of an object that is not tracked, what was there belongs to before-first-apply', async () => {
    await write('create', configMap('reset', { a: '1' }), 'maker')
    for (const managedFields of [[], [{}]]) {
      expect(ownersOf(await patch('reset', { metadata: { managedFields } }, 'me'))).toEqual([])
    }
    expect(ownersOf(await patch('reset', { data: { b: '1' } }, 'me'))).toEqual([])
    const applied = await apply(configMap('reset', { c: '1' }), 'me')
    expect(ownersOf(applied)).toEqual(['me Apply', 'before-first-apply Update'])
  })

  test('kept as they are when a client sends none, or some that cannot be read', async () => {
    const made = await write('create', configMap('kept', { a: '1' }), 'maker')
    const odd = {
      ...configMap('kept', { a: '1' }),
      metadata: { name: 'kept', managedFields: [{ manager: 'x', operation: 'Sing' }] },
    }
    expect(entriesOf(await write('update', odd, 'maker'))).toEqual(entriesOf(made))
    expect(entriesOf(await write('update', configMap('kept', { a: '1' }), 'maker'))).toEqual(entriesOf(made))
  })

  test('can be rewritten, as kubectl does to take over from itself', async () => {
    const made = await write('create', configMap('moved', { a: '1' }), 'kubectl-client-side-apply')
    const managedFields = entriesOf(made).map(entry => ({ ...entry, manager: 'kubectl', operation: 'Apply' }))
    const ops = [
      { op: 'replace', path: '/metadata/managedFields', value: managedFields },
      { op: 'replace', path: '/metadata/resourceVersion', value: made.metadata.resourceVersion },
    ]
    expect(ownersOf(await patch('moved', ops, 'kubectl', 'json'))).toEqual(['kubectl Apply'])
    expect(await refusal(patch('moved', ops, 'kubectl', 'json'))).toMatchObject({ code: 409 })
  })

  test('of more than ten who update, the oldest become one', async () => {
    await write('create', configMap('many', { z: '1' }), 'u00')
    for (let i = 1; i <= 12; i++) {
      await clock.advance(1_000)
      await patch('many', { data: { [`k${i}`]: 'v' } }, `u${String(i).padStart(2, '0')}`)
    }
    const many = (await api.call({ ...configMaps, name: 'many', verb: 'get' })) as Answer
    const expected = ['ancient-changes', ...[4, 5, 6, 7, 8, 9, 10, 11, 12].map(i => `u${String(i).padStart(2, '0')}`)]
    expect(ownersOf(many).map(owner => owner.split(' ')[0])).toEqual(expected)
  })

  test('come with the first apply only, of kinds that are written all the time', async () => {
    const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    expect(ownersOf((await api.call({ ...pods, verb: 'create', body: pod })) as KubeObject)).toEqual([])
    const labelled = { ...pod, metadata: { name: 'p', labels: { a: '1' } } }
    const call = { ...pods, name: 'p', verb: 'patch' as const, patchType: 'apply' as const, body: labelled }
    const applied = (await api.call({ ...call, options: { fieldManager: 'me' } })) as KubeObject
    expect(ownersOf(applied)).toEqual(['me Apply', 'before-first-apply Update'])
  })
})

describe('what an apply must be', () => {
  test('creates what is missing, but for a dry run', async () => {
    expect((await apply(configMap('dry', { a: '1' }), 'me', { dryRun: true })).data).toEqual({ a: '1' })
    expect(await refusal(api.call({ ...configMaps, name: 'dry', verb: 'get' }))).toMatchObject({ code: 404 })
    const response = await server.pipeline.handle({
      ...configMaps,
      name: 'dry',
      verb: 'patch',
      patchType: 'apply',
      body: configMap('dry', { a: '1' }),
      options: { fieldManager: 'me' },
      user: { name: 'me', groups: ['system:masters'] },
    })
    expect(response).toMatchObject({ type: 'object', status: 201 })
  })

  test.each<[string, Body, CallOptions, object]>([
    [
      'a manager',
      configMap('bad', {}),
      { fieldManager: '' },
      { code: 422, message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch' },
    ],
    [
      'no managedFields',
      configMap('bad', {}, { managedFields: [] }),
      {},
      { code: 400, message: 'metadata.managedFields must be nil' },
    ],
    [
      'the version on the path',
      { ...configMap('bad', {}), apiVersion: 'v2' } as Body,
      {},
      { code: 400, message: 'invalid object type: /v2, Kind=ConfigMap' },
    ],
    [
      'fields of the schema',
      { ...configMap('bad', {}), dat: {} } as Body,
      {},
      {
        code: 400,
        message: 'failed to create typed patch object (/bad; /v1, Kind=ConfigMap): .dat: field not declared in schema',
      },
    ],
    [
      'an object that is there, if it says which',
      configMap('bad', {}, { uid: 'u' }),
      {},
      {
        code: 409,
        message:
          'Operation cannot be fulfilled on configmaps "bad": uid mismatch: the provided object specified uid u, and no existing object was found',
      },
    ],
    [
      'the name on the path',
      configMap('bad', {}, { namespace: 'other' }),
      {},
      { code: 400, message: 'the namespace of the provided object does not match the namespace sent on the request' },
    ],
  ])('%s', async (_what, body, options, status) => {
    expect(await refusal(apply(body, 'me', options))).toMatchObject(status)
  })

  test('of the version it names, and forced only if it is an apply', async () => {
    await apply(configMap('version', { a: '1' }), 'me')
    const stale = configMap('version', { a: '2' }, { resourceVersion: '1' })
    expect(await refusal(apply(stale, 'me'))).toMatchObject({ code: 409, reason: 'Conflict' })
    const merge = { ...configMaps, name: 'version', verb: 'patch' as const, patchType: 'merge' as const, body: {} }
    expect(await refusal(api.call({ ...merge, options: { force: false } }))).toMatchObject({
      code: 422,
      message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    })
  })
})
