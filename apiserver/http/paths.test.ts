import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestServer as ApiServer, testServer as apiServer } from '../testing.ts'
import { type TestServer, testServer } from './testing.ts'

let api: ApiServer
let server: TestServer
let isStoreDown: boolean

beforeEach(async () => {
  isStoreDown = false
  api = await apiServer()
  server = await testServer(api.pipeline.handle, {
    documents: api.pipeline.documents,
    checks: { storage: () => (isStoreDown ? 'the disk is full' : undefined) },
    extraRoutes: (path, query, user) =>
      path === '/wherry/v1/who' ? Promise.resolve({ user: user.name, about: query.get('about') }) : undefined,
    tokens: { issuer: 'https://issuer', jwks: () => ({ keys: [{ alg: 'ES256' }] }) },
  })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await api.stop()
})

const anonymous = { as: 'anonymous' } as const

describe('health', () => {
  test.each(['/healthz', '/livez', '/readyz', '/readyz/ping', '/readyz/storage'])('anybody may see %s', async path => {
    const reply = await server.send('GET', path, path.split('/').length > 2 ? {} : anonymous)
    expect(reply).toMatchObject({ status: 200, text: 'ok', headers: { 'content-type': 'text/plain; charset=utf-8' } })
  })
  test('can be verbose, and leave checks out', async () => {
    expect((await server.send('GET', '/readyz?verbose')).text).toBe('[+]ping ok\n[+]storage ok\nreadyz check passed\n')
    isStoreDown = true
    expect(await server.send('GET', '/livez')).toMatchObject({
      status: 500,
      text: '[+]ping ok\n[-]storage failed: reason withheld\nlivez check failed\n',
    })
    expect((await server.send('GET', '/livez/storage')).status).toBe(500)
    expect((await server.send('GET', '/livez?exclude=storage')).status).toBe(200)
    expect((await server.send('GET', '/livez/nothing')).status).toBe(404)
  })
})

describe('who may see what', () => {
  test.each([
    ['/version', anonymous, 200],
    ['/api', anonymous, 403],
    ['/openapi/v3', anonymous, 403],
    ['/wherry/v1/who', anonymous, 403],
    ['/api', {}, 200],
    ['/nothing/here', {}, 404],
  ])('%s %j: %i', async (path, who, status) => {
    expect((await server.send('GET', path, who)).status).toBe(status)
  })
  test('a refusal names the path', async () => {
    expect((await server.send('GET', '/metrics', anonymous)).json.message).toBe(
      'forbidden: User "system:anonymous" cannot get path "/metrics"',
    )
  })
  test('others may add paths', async () => {
    expect((await server.send('GET', '/wherry/v1/who?about=web')).json).toEqual({ user: 'kubernetes-admin', about: 'web' })
  })
  test('there is nothing to write to', async () => {
    expect((await server.send('POST', '/version')).json).toMatchObject({ code: 405, reason: 'MethodNotAllowed' })
  })
})

describe('discovery', () => {
  test('plain', async () => {
    expect((await server.send('GET', '/api')).json).toMatchObject({ kind: 'APIVersions', versions: ['v1'] })
    expect((await server.send('GET', '/apis/apps')).json).toMatchObject({
      kind: 'APIGroup',
      name: 'apps',
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    })
    const { resources } = (await server.send('GET', '/api/v1/')).json
    expect(resources).toContainEqual(
      expect.objectContaining({ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', shortNames: ['po'] }),
    )
    expect(resources).toContainEqual(
      expect.objectContaining({ name: 'pods/eviction', group: 'policy', version: 'v1', kind: 'Eviction' }),
    )
    expect(await server.send('GET', '/apis/nothing.io/v1')).toMatchObject({
      status: 404,
      text: '404 page not found\n',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    })
  })

  const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const v2beta1 = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList'
  test.each([
    [`${v2},${v2beta1},application/json`, v2, 'apidiscovery.k8s.io/v2'],
    [`${v2beta1},application/json`, v2beta1, 'apidiscovery.k8s.io/v2beta1'],
    [
      `application/json;as=APIGroupDiscoveryList;profile=nopeer;v=v2;g=apidiscovery.k8s.io,application/json`,
      v2,
      'apidiscovery.k8s.io/v2',
    ],
    [`application/json,${v2}`, 'application/json', 'v1'],
  ])('aggregated for %s', async (accept, type, apiVersion) => {
    const reply = await server.send('GET', '/apis', { headers: { accept } })
    expect(reply.headers).toMatchObject({ 'content-type': type, vary: 'Accept' })
    expect(reply.json.apiVersion).toBe(apiVersion)
  })

  test('aggregated tells of resources and what is below them', async () => {
    const { items } = (await server.send('GET', '/apis', { headers: { accept: v2 } })).json
    const apps = items.find((item: { metadata: { name: string } }) => item.metadata.name === 'apps')
    expect(apps.versions[0]).toMatchObject({ version: 'v1', freshness: 'Current' })
    expect(apps.versions[0].resources.find((each: { resource: string }) => each.resource === 'deployments')).toMatchObject({
      responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      scope: 'Namespaced',
      singularResource: 'deployment',
      shortNames: ['deploy'],
      categories: ['all'],
      subresources: [
        {
          subresource: 'scale',
          responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
          verbs: ['get', 'patch', 'update'],
        },
        { subresource: 'status', responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
      ],
    })
    const core = (await server.send('GET', '/api', { headers: { accept: v2 } })).json.items
    expect(core).toHaveLength(1)
    expect(core[0].metadata.name).toBeUndefined()
  })

  test('is sent again only when it has changed', async () => {
    const first = await server.send('GET', '/apis', { headers: { accept: v2 } })
    const tag = String(first.headers.etag)
    expect(tag).toMatch(/^"[0-9A-F]+"$/)
    const again = await server.send('GET', '/apis', { headers: { accept: v2, 'if-none-match': tag } })
    expect(again).toMatchObject({ status: 304, text: '', headers: { 'cache-control': 'public', 'audit-id': expect.any(String) } })
  })
})

describe('OpenAPI v3', () => {
  test('documents are found by their hash and may be kept for ever', async () => {
    const { paths } = (await server.send('GET', '/openapi/v3')).json
    const address = paths['apis/apps/v1'].serverRelativeURL
    const reply = await server.send('GET', address)
    expect(reply).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'public, immutable', 'content-type': 'application/json' },
    })
    expect(reply.json.openapi).toMatch(/^3\./)
    const stale = await server.send('GET', '/openapi/v3/apis/apps/v1?hash=OLD')
    expect(stale).toMatchObject({ status: 301, headers: { location: address } })
    expect((await server.send('GET', '/openapi/v3/apis/nothing/v1')).status).toBe(404)
  })
})

test('the keys of service account tokens are published', async () => {
  expect((await server.send('GET', '/openid/v1/jwks')).json).toEqual({ keys: [{ alg: 'ES256' }] })
  expect((await server.send('GET', '/.well-known/openid-configuration')).json).toMatchObject({
    issuer: 'https://issuer',
    id_token_signing_alg_values_supported: ['ES256'],
  })
})
