import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import { users } from '../api/user.ts'
import { virtualClock } from '../lib/clock.ts'
import { callsOn, configMap, configMaps, names, pod, pods, refusal } from '../test/contract/calls.ts'
import { encodeToken } from './continue-token.ts'
import { storeKey } from './store-keys.ts'
import { type TestServer, testServer } from './testing.ts'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server.stop())

const { create, get, list, patch, remove } = callsOn(() => server.transport())
const revision = (object: KubeObject) => Number(object.metadata.resourceVersion)

async function createAll(...all: string[]): Promise<void> {
  for (const name of all) await create(configMaps, configMap(name))
}

describe('pages', () => {
  test('a token that is too old says how to go on without consistency', async () => {
    await createAll('a', 'b', 'c', 'd')
    const first = await list(configMaps, { limit: 2 })
    await remove(configMaps, 'c')
    await createAll('cc')
    await server.store.compact(await server.store.revision())
    const status = await refusal(list(configMaps, { limit: 2, continue: first.metadata.continue ?? '' }))
    expect(status).toMatchObject({ code: 410, reason: 'Expired' })
    expect(status.message).toMatch(/^The provided continue parameter is too old to display a consistent list result\./)
    const rest = await list(configMaps, { continue: String(status.metadata.continue) })
    expect(names(rest)).toEqual(['cc', 'd'])
    expect(Number(rest.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion))
  })

  test('pages of a selection hold the matches only and count nothing', async () => {
    for (const [i, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      await create(configMaps, configMap(name, {}, { labels: { odd: String(i % 2) } }))
    }
    const first = await list(configMaps, { limit: 2, labelSelector: 'odd=0' })
    expect(names(first)).toEqual(['a', 'c'])
    expect(first.metadata.remainingItemCount).toBeUndefined()
    await createAll('z') // moves the newest revision on, so that the next page comes from the history
    const second = await list(configMaps, { limit: 2, labelSelector: 'odd=0', continue: first.metadata.continue ?? '' })
    expect(names(second)).toEqual(['e'])
    expect(second.metadata.continue).toBeUndefined()
  })

  test('as many pages as it takes show every object once, whatever happens meanwhile', async () => {
    const all = Array.from({ length: 25 }, (_, i) => `n${String(i).padStart(2, '0')}`)
    await createAll(...all)
    const seen: string[] = []
    let next = ''
    for (let page = 0; page === 0 || next; page++) {
      const part = await list(configMaps, { limit: 4, ...(next && { continue: next }) })
      seen.push(...names(part))
      expect((part.metadata.remainingItemCount ?? 0) + seen.length).toBe(all.length)
      next = part.metadata.continue ?? ''
      await remove(configMaps, all[page] ?? '')
      await create(configMaps, configMap(`x${page}`))
    }
    expect(seen).toEqual(all)
  })

  test.each([
    ['no base64', '%%%', /^invalid continue token: continue key is not valid: /],
    ['another version', Buffer.from('{"v":"v9"}').toString('base64url'), /server does not recognize this encoded version$/],
    ['no revision', Buffer.from('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}').toString('base64url'), /incorrect encoded start/],
    ['no start', Buffer.from('{"v":"meta.k8s.io/v1","rv":3,"start":""}').toString('base64url'), /encoded start key empty/],
    ['a way out of the prefix', encodeToken({ revision: 3, after: '../secrets/x' }), /continue key is not valid: \.\./],
  ])('a token with %s is refused', async (_name, token, message) => {
    expect(await refusal(list(configMaps, { continue: token }))).toMatchObject({
      code: 400,
      message: expect.stringMatching(message),
    })
  })
})

describe('versions', () => {
  test.each<[CallOptions, number, string]>([
    [{ resourceVersionMatch: 'Exact' }, 422, 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [{ resourceVersionMatch: 'Exact', resourceVersion: '0' }, 422, 'is forbidden for resourceVersion "0"'],
    [{ resourceVersionMatch: 'Sometimes' as 'Exact', resourceVersion: '1' }, 422, 'Unsupported value: "Sometimes"'],
    [{ sendInitialEvents: true }, 422, 'sendInitialEvents is forbidden for list'],
    [{ resourceVersion: 'abc' }, 400, 'invalid resource version'],
    [{ resourceVersion: '-1' }, 400, 'invalid resource version'],
    [
      { continue: encodeToken({ revision: 3, after: 'a' }), resourceVersion: '3' },
      400,
      'specifying resource version is not allowed',
    ],
    [
      { continue: encodeToken({ revision: 3, after: 'a' }), resourceVersion: '3', resourceVersionMatch: 'Exact' },
      422,
      'resourceVersionMatch is forbidden when continue is provided',
    ],
  ])('%j is refused with %i', async (options, code, message) => {
    const status = await refusal(list(configMaps, options))
    expect(status.code).toBe(code)
    expect(status.message).toContain(message)
  })

  test('an exact version that was compacted is gone', async () => {
    const old = await create(configMaps, configMap('a'))
    await createAll('b')
    await server.store.compact(await server.store.revision())
    const options = { resourceVersion: old.metadata.resourceVersion, resourceVersionMatch: 'Exact' } as const
    expect(await refusal(list(configMaps, options))).toMatchObject({
      code: 410,
      reason: 'Expired',
      message: 'The resourceVersion for the provided list is too old.',
    })
  })

  test('with a limit a version is exact, without one it is the least', async () => {
    const old = await create(configMaps, configMap('a'))
    await createAll('b')
    const { resourceVersion } = old.metadata
    expect(names(await list(configMaps, { resourceVersion }))).toEqual(['a', 'b'])
    expect(names(await list(configMaps, { resourceVersion, limit: 10 }))).toEqual(['a'])
  })

  test('version 0 ignores the limit', async () => {
    await createAll('a', 'b', 'c')
    const all = await list(configMaps, { resourceVersion: '0', limit: 1 })
    expect(names(all)).toEqual(['a', 'b', 'c'])
    expect(all.metadata.continue).toBeUndefined()
  })

  test('a version that has not happened is waited for, three seconds', async () => {
    const clock = virtualClock()
    const own = await testServer({ clock })
    const calls = callsOn(() => own.transport())
    const made = await calls.create(configMaps, configMap('a'))
    const next = String(revision(made) + 1)
    const early = calls.get(configMaps, 'b', { resourceVersion: next })
    await calls.create(configMaps, configMap('b'))
    expect((await early).metadata.name).toBe('b')
    const vain = refusal(calls.list(configMaps, { resourceVersion: String(revision(made) + 100) }))
    await clock.advance(3_000)
    expect(await vain).toMatchObject({
      code: 504,
      reason: 'Timeout',
      message: expect.stringMatching(/^Timeout: Too large resource version: \d+, current: \d+$/),
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
    })
    await own.stop()
  })
})

describe('field selectors', () => {
  test('the pods of a node are found as they come and go', async () => {
    const onNode = async (node: string) => names(await list(pods, { fieldSelector: `spec.nodeName=${node}` }))
    for (const name of ['a', 'b', 'c']) await create(pods, pod(name))
    expect(await onNode('n1')).toEqual([])
    const bind = (name: string, node: string) =>
      create(pods, { target: { kind: 'Node', name: node } }, { name, subresource: 'binding' })
    await bind('c', 'n1')
    await bind('a', 'n1')
    await bind('b', 'n2')
    expect(await onNode('n1')).toEqual(['a', 'c'])
    expect(names(await list(pods, { fieldSelector: 'spec.nodeName!=n1' }))).toEqual(['b'])
    await remove(pods, 'a', { gracePeriodSeconds: 0 })
    expect(await onNode('n1')).toEqual(['c'])
  })

  test('several fields and labels must all hold', async () => {
    await create(pods, pod('a', { labels: { x: '1' } }))
    await create(pods, pod('b', { labels: { x: '1' } }))
    await patch(pods, 'a', 'merge', { status: { phase: 'Running' } }, { subresource: 'status' })
    const options = { fieldSelector: 'status.phase=Running,spec.nodeName=', labelSelector: 'x' }
    expect(names(await list(pods, options))).toEqual(['a'])
  })

  test('unknown fields are refused in the words of the kind', async () => {
    expect(await refusal(list(pods, { fieldSelector: 'spec.color=red' }))).toMatchObject({
      code: 400,
      message: 'field label not supported: spec.color',
    })
    expect(await refusal(list(configMaps, { fieldSelector: 'data.x=1' }))).toMatchObject({
      code: 400,
      message: '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    })
  })
})

test('a long list lets other work through', async () => {
  const request = { group: '', version: 'v1', resource: 'pods', user: users.admin }
  const one = await create(pods, pod('p', { labels: { app: 'web' } }))
  const bytes = Buffer.from(JSON.stringify(one)) // as if read back from disk: nothing is decoded yet
  const copies = Array.from({ length: 3_000 }, (_, i) => storeKey(Pod, 'default', `p${i}`))
  await Promise.all(copies.map(key => server.store.put(key, () => Uint8Array.from(bytes), 0)))
  let turns = 0
  let counting = true
  const count = () => {
    turns++
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  const answer = await server.pipeline.handle({ ...request, verb: 'list', options: { labelSelector: 'app=web' } })
  counting = false
  expect(answer).toMatchObject({ type: 'list', kind: Pod.listKind })
  if (answer.type === 'list') expect(answer.items).toHaveLength(3_001)
  expect(turns).toBeGreaterThan(0)
})

test('a single object may be asked for at least at a version', async () => {
  const made = await create(configMaps, configMap('a'))
  expect(await get(configMaps, 'a', { resourceVersion: made.metadata.resourceVersion })).toEqual(made)
  expect(await refusal(get(configMaps, 'a', { resourceVersion: 'x' }))).toMatchObject({ code: 400 })
})
