import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import { users } from '../api/user.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { type Random, seededRandom } from '../lib/random.ts'
import {
  callsOn,
  configMap,
  configMaps,
  deployment,
  deployments,
  namespaces,
  pod,
  pods,
  refusal,
} from '../test/contract/calls.ts'
import { type TestServer, testServer } from './testing.ts'

let clock: VirtualClock
let random: Random
let server: TestServer
beforeEach(async () => {
  clock = virtualClock()
  random = seededRandom(1)
  server = await testServer({ clock, random: { ...random, suffix: length => suffix(length) } })
})
afterEach(() => server.stop())
let suffix = (length: number) => random.suffix(length)
afterEach(() => {
  suffix = length => random.suffix(length)
})

const { call, create, get, list, patch, remove, update } = callsOn(() => server.transport())

describe('create', () => {
  test('what the server decides, the client cannot', async () => {
    const body = pod('a', {
      uid: 'mine',
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
      generation: 77,
      selfLink: '/x',
      managedFields: [{ manager: 'me' }],
    })
    const made = await create(pods, { ...body, status: { phase: 'Running', podIP: '1.2.3.4' } })
    expect(made.metadata).toMatchObject({ creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 })
    expect(made.metadata.uid).not.toBe('mine')
    for (const field of ['deletionTimestamp', 'selfLink', 'managedFields']) expect(made.metadata).not.toHaveProperty(field)
    expect(made.status).toMatchObject({ phase: 'Pending' })
    expect(made.status).not.toHaveProperty('podIP')
  })

  test('a kubelet registers its node with a status, which is kept', async () => {
    const nodes = { group: '', version: 'v1', resource: 'nodes' }
    const made = await create(nodes, { metadata: { name: 'n1' }, status: { capacity: { cpu: '4' } } })
    expect(made.status).toMatchObject({ capacity: { cpu: '4' }, allocatable: { cpu: '4' } })
  })

  test('a taken generated name is generated anew', async () => {
    const answers = ['aaaaa', 'aaaaa', 'aaaaa', 'bbbbb']
    suffix = () => answers.shift() ?? expect.unreachable()
    const made = () => create(configMaps, { metadata: { generateName: 'x-' } })
    expect((await made()).metadata.name).toBe('x-aaaaa')
    expect((await made()).metadata.name).toBe('x-bbbbb')
  })

  test('after eight attempts it is given up', async () => {
    let attempts = 0
    suffix = () => {
      attempts++
      return 'aaaaa'
    }
    await create(configMaps, { metadata: { generateName: 'x-' } })
    attempts = 0
    expect(await refusal(create(configMaps, { metadata: { generateName: 'x-' } }))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "x-aaaaa" already exists, the server was not able to generate a unique name for the object',
      details: { retryAfterSeconds: 1 },
    })
    expect(attempts).toBe(8)
  })

  test('a long base is cut so that the name fits', async () => {
    const { metadata } = await create(configMaps, { metadata: { generateName: 'a'.repeat(100) } })
    expect(metadata.name).toMatch(/^a{58}[a-z0-9]{5}$/)
  })

  test('a name whose object is being deleted says so', async () => {
    await create(configMaps, configMap('a', {}, { finalizers: ['x.y/z'] }))
    await remove(configMaps, 'a')
    expect(await refusal(create(configMaps, configMap('a')))).toMatchObject({
      code: 409,
      message: 'object is being deleted: configmaps "a" already exists',
    })
  })

  test.each<[string, unknown, number, string | RegExp]>([
    ['nothing', undefined, 400, /cannot be handled as a ConfigMap/],
    ['null', null, 400, /cannot be handled as a ConfigMap/],
    ['a list', [], 400, /cannot be handled as a ConfigMap/],
    ['text', 'x', 400, /cannot be handled as a ConfigMap/],
    [
      'a version',
      configMap('a', {}, { resourceVersion: '7' }),
      400,
      'resourceVersion should not be set on objects to be created',
    ],
    ['no name', { metadata: {} }, 422, /metadata\.name: Required value: name or generateName is required/],
    ['a bad name', configMap('A_B'), 422, /metadata\.name: Invalid value: "A_B": a lowercase RFC 1123 subdomain/],
    ['a bad base', { metadata: { generateName: 'Abc-' } }, 422, /metadata\.generateName: Invalid value/],
    ['a bad label', configMap('a', {}, { labels: { a: 'b c' } }), 422, /metadata\.labels: Invalid value: "b c"/],
    ['wrong types', configMap('a', { x: 1 }), 400, /cannot be handled as a ConfigMap: json: cannot unmarshal number/],
    [
      'another API version',
      { ...configMap('a'), apiVersion: 'v2' },
      400,
      'the API version in the data (v2) does not match the expected API version (v1)',
    ],
    ['another kind', { ...configMap('a'), kind: 'Pod' }, 400, /must be of type ConfigMap/],
  ])('a body with %s is refused', async (_name, body, code, message) => {
    const status = await refusal(create(configMaps, body))
    expect(status.code).toBe(code)
    expect(status.message).toMatch(message)
  })

  describe('unknown fields', () => {
    const body = { ...configMap('a'), dat: {}, metadata: { name: 'a', label: {} } }
    const made = (fieldValidation?: CallOptions['fieldValidation']) =>
      server.pipeline.handle({
        ...configMaps,
        verb: 'create',
        body,
        user: users.admin,
        ...(fieldValidation && { options: { fieldValidation } }),
      })

    test('are refused if Strict', async () => {
      expect(await refusal(made('Strict'))).toMatchObject({
        code: 400,
        message:
          'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.label", unknown field "dat"',
      })
    })
    test.each([undefined, 'Warn'] as const)('are warned of if %s', async mode => {
      expect(await made(mode)).toMatchObject({ warnings: ['unknown field "metadata.label"', 'unknown field "dat"'] })
    })
    test('are passed over if Ignore', async () => {
      expect(await made('Ignore')).toMatchObject({ status: 201, warnings: [] })
    })
  })
})

test('an owner that is named twice is kept once, with a warning', async () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u1' }
  const other = { ...owner, uid: 'u2' }
  const body = configMap('a', {}, { ownerReferences: [owner, other, owner] })
  const made = await server.pipeline.handle({ ...configMaps, verb: 'create', body, user: users.admin })
  expect(made).toMatchObject({
    object: { metadata: { ownerReferences: [owner, other] } },
    warnings: [expect.stringMatching(/^\.metadata\.ownerReferences contains duplicate entries; .* observed: u1$/)],
  })
})

describe('update', () => {
  test('generation counts changes of what is wanted only', async () => {
    const first = await create(deployments, deployment('web'))
    expect(first.metadata.generation).toBe(1)
    const labelled = await patch(deployments, 'web', 'merge', { metadata: { labels: { x: '1' } } })
    expect(labelled.metadata.generation).toBe(1)
    const scaled = await patch(deployments, 'web', 'merge', { spec: { replicas: 3 } })
    expect(scaled.metadata.generation).toBe(2)
    const forged = await patch(deployments, 'web', 'merge', { metadata: { generation: 99 } })
    expect(forged.metadata.generation).toBe(2)
  })

  test('every change is a new resourceVersion, only a change of what is wanted a new generation; status and spec are written apart', async () => {
    const replicasOf = ({ spec, status }: Record<string, unknown>) =>
      [spec, status].map(part => (part as { replicas?: number } | undefined)?.replicas)
    const first = await create(deployments, deployment('web'))
    const both = { spec: { replicas: 7 }, status: { replicas: 5 } }
    const told = await patch(deployments, 'web', 'merge', both, { subresource: 'status' })
    expect(replicasOf(told)).toEqual([(first.spec as { replicas: number }).replicas, 5])
    const wanted = await patch(deployments, 'web', 'merge', { spec: { replicas: 7 }, status: { replicas: 9 } })
    expect(replicasOf(wanted)).toEqual([7, 5])
    const again = await patch(deployments, 'web', 'merge', { spec: { replicas: 7 } })
    const versions = [first, told, wanted, again].map(({ metadata }) => Number(metadata.resourceVersion))
    expect(versions).toEqual([...new Set(versions.slice(0, 3)), versions[2]])
    expect([...versions].sort((a, b) => a - b)).toEqual(versions)
    expect([first, told, wanted, again].map(({ metadata }) => metadata.generation)).toEqual([1, 1, 2, 2])
  })

  test.each<[string, object, number, string]>([
    ['another name', { metadata: { name: 'b' } }, 400, 'the name of the object (b) does not match the name on the URL (a)'],
    [
      'another namespace',
      { metadata: { name: 'a', namespace: 'x' } },
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      'another uid',
      { metadata: { name: 'a', uid: 'u' } },
      409,
      'Precondition failed: UID in precondition: u, UID in object meta: ',
    ],
    ['a stale version', { metadata: { name: 'a', resourceVersion: '1' } }, 409, 'the object has been modified'],
  ])('a body with %s is refused', async (_name, body, code, message) => {
    await create(configMaps, configMap('a'))
    const status = await refusal(update(configMaps, 'a', body))
    expect(status.code).toBe(code)
    expect(status.message).toContain(message)
  })

  test('of what is missing is refused, or creates for the kinds that allow it', async () => {
    expect(await refusal(update(configMaps, 'none', configMap('none')))).toMatchObject({ code: 404 })
    const leases = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'default' }
    const lease = { metadata: { name: 'l' }, spec: { holderIdentity: 'me' } }
    const made = await server.pipeline.handle({ ...leases, verb: 'update', name: 'l', body: lease, user: users.admin })
    expect(made).toMatchObject({ status: 201, object: { metadata: { name: 'l' }, spec: { holderIdentity: 'me' } } })
    expect(await refusal(update(leases, 'l', lease))).toMatchObject({
      code: 422,
      message:
        'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    })
  })

  test('a deleting object takes no new finalizers', async () => {
    await create(configMaps, configMap('a', {}, { finalizers: ['x.y/z'] }))
    await remove(configMaps, 'a')
    expect(await refusal(patch(configMaps, 'a', 'merge', { metadata: { finalizers: ['x.y/z', 'new.one/x'] } }))).toMatchObject({
      code: 422,
      message:
        'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"new.one/x"}',
    })
  })

  test('a patch that makes an invalid object is refused as a patch', async () => {
    await create(configMaps, configMap('a'))
    expect(await refusal(patch(configMaps, 'a', 'merge', { data: { x: 1 } }))).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { causes: [{ field: 'patch', reason: 'FieldValueInvalid' }] },
    })
    const options = { fieldValidation: 'Strict' } as const
    const unknown = patch(configMaps, 'a', 'merge', { dat: {} }, { options })
    expect((await refusal(unknown)).message).toContain('strict decoding error: unknown field "dat"')
  })

  test('patch types that are not served', async () => {
    await create(configMaps, configMap('a'))
    const nothing = { ...configMaps, verb: 'patch', name: 'a', body: {} } as const
    expect(await refusal(call(nothing))).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' })
    expect(await refusal(call({ ...nothing, patchType: 'merge', body: [] }))).toMatchObject({ code: 400 })
  })

  test('status may bring labels along, and finishes a deletion like any update', async () => {
    await create(pods, pod('a', { finalizers: ['x.y/z'], labels: { a: '1' } }))
    const updated = await patch(
      pods,
      'a',
      'merge',
      { metadata: { labels: { b: '2' } }, spec: { nodeName: 'forged' }, status: { phase: 'Running' } },
      { subresource: 'status' },
    )
    expect(updated).toMatchObject({ metadata: { labels: { a: '1', b: '2' } }, status: { phase: 'Running' } })
    expect(updated.spec).not.toHaveProperty('nodeName')
    await remove(pods, 'a', { gracePeriodSeconds: 0 })
    await patch(pods, 'a', 'merge', { metadata: { finalizers: null } }, { subresource: 'status' })
    expect(await refusal(get(pods, 'a'))).toMatchObject({ code: 404 })
  })
})

describe('delete', () => {
  const bind = (name: string) => create(pods, { target: { kind: 'Node', name: 'n' } }, { name, subresource: 'binding' })

  test('a running pod gets its grace, and its kubelet ends it', async () => {
    await create(pods, pod('a', {}, { terminationGracePeriodSeconds: 20 }))
    await bind('a')
    const marked = await remove(pods, 'a')
    expect(marked.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:20Z',
      deletionGracePeriodSeconds: 20,
      generation: 2,
    })
    expect(await remove(pods, 'a')).toEqual(marked)
    const gone = await remove(pods, 'a', { gracePeriodSeconds: 0, preconditions: { uid: marked.metadata.uid } })
    expect(gone).toMatchObject({ kind: 'Pod', metadata: { name: 'a', deletionGracePeriodSeconds: 0 } })
    expect(await refusal(get(pods, 'a'))).toMatchObject({ code: 404 })
  })

  test('a finished pod with a finalizer goes with its last finalizer, not before', async () => {
    await create(pods, pod('a', { finalizers: ['x.y/z', 'v.w/u'] }))
    await remove(pods, 'a')
    await patch(pods, 'a', 'strategic', { metadata: { '$deleteFromPrimitiveList/finalizers': ['v.w/u'] } })
    expect((await get(pods, 'a')).metadata.finalizers).toEqual(['x.y/z'])
    await patch(pods, 'a', 'strategic', { metadata: { '$deleteFromPrimitiveList/finalizers': ['x.y/z'] } })
    expect(await refusal(get(pods, 'a'))).toMatchObject({ code: 404 })
  })

  test.each([
    [{ preconditions: { uid: 'other' } }, 409, /the UID in the precondition \(other\) does not match the UID in record/],
    [{ preconditions: { resourceVersion: '1' } }, 409, /the ResourceVersion in the precondition \(1\) does not match/],
    [{ propagationPolicy: 'Sideways' as 'Orphan' }, 422, /propagationPolicy: Unsupported value: "Sideways"/],
  ])('%j is refused', async (options, code, message) => {
    await create(configMaps, configMap('a'))
    const status = await refusal(remove(configMaps, 'a', options))
    expect(status.code).toBe(code)
    expect(status.message).toMatch(message)
  })

  test('a dry run deletes nothing', async () => {
    await create(configMaps, configMap('a'))
    expect(await remove(configMaps, 'a', { dryRun: true })).toMatchObject({ status: 'Success' })
    expect((await get(configMaps, 'a')).metadata.name).toBe('a')
  })

  test('system namespaces stay', async () => {
    expect(await refusal(remove(namespaces, 'kube-system'))).toMatchObject({
      code: 403,
      message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    })
  })

  test('a page of a collection, then the rest', async () => {
    for (const name of ['a', 'b', 'c']) await create(configMaps, configMap(name))
    const page = await call({ ...configMaps, verb: 'deletecollection', options: { limit: 2 } })
    expect(page.items).toHaveLength(2)
    expect((await list(configMaps)).items).toHaveLength(1)
  })
})

describe('what cannot be asked', () => {
  test.each<[string, Parameters<typeof call>[0], number]>([
    ['an unknown resource', { ...configMaps, resource: 'things', verb: 'list' }, 404],
    ['an unknown version', { ...configMaps, version: 'v9', verb: 'list' }, 404],
    ['an unknown subresource', { ...configMaps, verb: 'get', name: 'a', subresource: 'status' }, 404],
    ['a verb that a subresource lacks', { ...pods, verb: 'get', name: 'a', subresource: 'binding' }, 405],
    ['an object without a name', { ...configMaps, verb: 'get' }, 405],
    ['a creation without a namespace', { group: '', version: 'v1', resource: 'configmaps', verb: 'create', body: {} }, 400],
    ['a cluster-scoped kind in a namespace', { ...namespaces, resource: 'nodes', namespace: 'default', verb: 'list' }, 404],
  ])('%s', async (_name, request, code) => {
    expect((await refusal(call(request))).code).toBe(code)
  })
})

test('who is not allowed is told so before anything else', async () => {
  const asked: unknown[] = []
  const own = await testServer({
    clock,
    authorize(request) {
      if (request.user.name === 'eve') {
        asked.push(request)
        throw Object.assign(new Error('no'), { isRefusal: true })
      }
    },
  })
  const eve = own.transport({ name: 'eve', groups: [] })
  const watchOne = { ...configMaps, verb: 'list', options: { fieldSelector: 'metadata.name=a' } } as const
  await expect(eve.call(watchOne)).rejects.toMatchObject({ isRefusal: true })
  await expect(eve.raw('/version')).rejects.toMatchObject({ isRefusal: true })
  expect(asked).toMatchObject([
    { verb: 'list', group: '', resource: 'configmaps', namespace: 'default', name: 'a' },
    { verb: 'get', path: '/version' },
  ])
  await own.stop()
})

test('every write is journalled with its author and cause', async () => {
  const cause = { actor: 'tester', wokenBy: [3], note: { rule: 'test/rule', text: 'because', data: { n: 1 } } }
  const made: KubeObject = await create(configMaps, configMap('a'), { cause })
  await patch(configMaps, 'a', 'merge', { data: { x: '1' } })
  await remove(configMaps, 'a')
  const { journal } = server.pipeline
  const history = await journal.history({ group: '', resource: 'configmaps', namespace: 'default', name: 'a' })
  expect(history.map(({ verb }) => verb)).toEqual(['create', 'patch', 'delete'])
  expect(history[0]).toEqual({
    revision: Number(made.metadata.resourceVersion),
    time: clock.now(),
    verb: 'create',
    group: '',
    resource: 'configmaps',
    namespace: 'default',
    name: 'a',
    uid: made.metadata.uid,
    user: users.admin.name,
    cause,
  })
  expect(await journal.at(Number(made.metadata.resourceVersion))).toEqual(history[0])
  expect(await journal.at(1_000_000)).toBeUndefined()
})
