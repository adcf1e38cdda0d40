import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { users } from '../../api/user.ts'
import { callsOn, deployment, deployments, pod, pods, refusal } from '../../test/contract/calls.ts'
import type { IssueToken } from '../subresources.ts'
import { type TestServer, testServer } from '../testing.ts'

let server: TestServer
const issued: Parameters<IssueToken>[0][] = []
beforeEach(async () => {
  issued.length = 0
  server = await testServer({
    issueToken: async request => {
      issued.push(request)
      return { kind: 'TokenRequest', status: { token: 't' } }
    },
  })
})
afterEach(() => server.stop())
const { create, get, patch, remove, update } = callsOn(() => server.transport())
const bind = (name: string, body: object) => create(pods, body, { name, subresource: 'binding' })
const node = { kind: 'Node', name: 'n' }

describe('binding', () => {
  test.each<[string, object, object, number, string | RegExp]>([
    ['no node', {}, { target: {} }, 422, 'Binding "a" is invalid: target.name: Required value'],
    ['no node but something else', {}, { target: { kind: 'Pod', name: 'x' } }, 422, /target\.kind: Unsupported value: "Pod"/],
    ['another pod', {}, { metadata: { name: 'b' }, target: node }, 400, 'name in URL does not match name in Binding object'],
    ['another uid', {}, { metadata: { uid: 'u' }, target: node }, 409, /the UID in the precondition \(u\) does not match/],
    [
      'an old version',
      {},
      { metadata: { resourceVersion: '1' }, target: node },
      409,
      /the ResourceVersion in the precondition \(1\)/,
    ],
    [
      'gates',
      { schedulingGates: [{ name: 'g' }] },
      { target: node },
      409,
      'Operation cannot be fulfilled on pods/binding "a": pod a has non-empty .spec.schedulingGates',
    ],
  ])('with %s is refused', async (_name, spec, body, code, message) => {
    await create(pods, pod('a', {}, { ...spec }))
    const status = await refusal(bind('a', body))
    expect(status.code).toBe(code)
    expect(status.message).toMatch(message)
  })

  test('of a pod that is being deleted is refused', async () => {
    await create(pods, pod('a', { finalizers: ['x.y/z'] }))
    await remove(pods, 'a')
    expect(await refusal(bind('a', { target: node }))).toMatchObject({
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "a": pod a is being deleted, cannot be assigned to a host',
    })
  })

  test('clears the nomination and keeps the generation', async () => {
    await create(pods, pod('a'))
    const status = {
      nominatedNodeName: 'other',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
    }
    await patch(pods, 'a', 'merge', { status }, { subresource: 'status' })
    await bind('a', { target: node })
    const bound = await get(pods, 'a')
    expect(bound).toMatchObject({ metadata: { generation: 1 }, spec: { nodeName: 'n' } })
    expect(bound.status).not.toHaveProperty('nominatedNodeName')
    expect(bound.status).toMatchObject({ conditions: [{ type: 'PodScheduled', status: 'True' }] })
    const [condition] = (bound.status as { conditions: object[] }).conditions
    expect(condition).not.toHaveProperty('reason')
  })

  test('of many at once, each pod has one node', async () => {
    await create(pods, pod('a'))
    const tries = await Promise.allSettled(['n1', 'n2', 'n3'].map(name => bind('a', { target: { kind: 'Node', name } })))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('eviction', () => {
  const evict = (body: object) => create(pods, body, { name: 'a', subresource: 'eviction' })

  test('tells a running pod why and deletes it with grace', async () => {
    await create(pods, pod('a'))
    await bind('a', { target: node })
    await evict({ metadata: { name: 'a' }, deleteOptions: { gracePeriodSeconds: 7 } })
    expect(await get(pods, 'a')).toMatchObject({
      metadata: { deletionGracePeriodSeconds: 7 },
      status: {
        conditions: [
          { type: 'PodScheduled' },
          { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
        ],
      },
    })
  })

  test('a dry run leaves it alone', async () => {
    const { metadata } = await create(pods, pod('a'))
    await evict({ metadata: { name: 'a' }, deleteOptions: { dryRun: ['All'] } })
    expect((await get(pods, 'a')).metadata).toEqual(metadata)
  })

  test('of another pod or uid is refused', async () => {
    await create(pods, pod('a'))
    expect(await refusal(evict({ metadata: { name: 'b' } }))).toMatchObject({
      code: 400,
      message: 'name in URL does not match name in Eviction object',
    })
    const other = { metadata: { name: 'a' }, deleteOptions: { preconditions: { uid: 'other' } } }
    expect((await refusal(evict(other))).code).toBe(409)
    expect((await get(pods, 'a')).status).not.toHaveProperty('conditions.0.reason')
  })
})

describe('scale', () => {
  const scale = { subresource: 'scale' }

  test('a PUT sets the replicas if its version is right', async () => {
    await create(deployments, deployment('web'))
    const body = { metadata: { name: 'web' }, spec: { replicas: 4 } }
    const scaled = await update(deployments, 'web', body, scale)
    expect(scaled).toMatchObject({ kind: 'Scale', spec: { replicas: 4 } })
    expect(
      await refusal(update(deployments, 'web', { ...body, metadata: { name: 'web', resourceVersion: '1' } }, scale)),
    ).toMatchObject({
      code: 409,
    })
  })

  test('negative replicas, a missing object, a kind without scale', async () => {
    await create(deployments, deployment('web'))
    expect(await refusal(patch(deployments, 'web', 'merge', { spec: { replicas: -1 } }, scale))).toMatchObject({
      code: 422,
      details: { causes: [{ field: 'spec.replicas' }] },
    })
    expect((await refusal(patch(deployments, 'none', 'merge', {}, scale))).code).toBe(404)
    expect((await refusal(patch(pods, 'a', 'merge', {}, scale))).code).toBe(404)
  })
})

test('a token is asked of whoever issues them, for an account that exists', async () => {
  const accounts = { ...pods, resource: 'serviceaccounts' }
  const body = { spec: { audiences: ['x'] } }
  const ask = () => create(accounts, body, { name: 'robot', subresource: 'token' })
  expect((await refusal(ask())).code).toBe(404)
  const serviceAccount = await create(accounts, { metadata: { name: 'robot' } })
  expect(await ask()).toEqual({ kind: 'TokenRequest', status: { token: 't' } })
  expect(issued).toEqual([{ serviceAccount, body, user: users.admin, isDryRun: false }])
})
