import { request } from 'node:https'
import { setImmediate as turn } from 'node:timers/promises'
import { connect } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApiError } from '../../api/errors.ts'
import { systemClock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import { authenticator } from '../auth/authenticator.ts'
import { ensureCertificates } from '../auth/certificates.ts'
import { serviceAccountUser } from '../auth/token-claims.ts'
import type { ApiRequest, ApiResponse, Stored, WatchFrame } from '../request.ts'
import type { HttpServerOptions } from './server.ts'
import { type SendOptions, type TestServer, testServer } from './testing.ts'

const podNamed = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: '1', resourceVersion: '7', creationTimestamp: '' },
  ...more,
})
const storedOf = (object: ReturnType<typeof podNamed>): Stored => ({
  object,
  bytes: Buffer.from(JSON.stringify(object)),
  revision: 7,
})
const pod = podNamed('web')
const answered = (status: 200 | 201 = 200, warnings: string[] = []): ApiResponse => ({
  type: 'object',
  status,
  stored: storedOf(pod),
  object: pod,
  warnings,
})
const listOf = (items: readonly Stored[]): ApiResponse => ({
  type: 'list',
  apiVersion: 'v1',
  kind: 'PodList',
  items,
  resourceVersion: '9',
  continue: 'more',
  remainingItemCount: 3,
})

let seen: ApiRequest[]
let answer: (request: ApiRequest) => Promise<ApiResponse> | ApiResponse
let server: TestServer

const tables: HttpServerOptions['tables'] = ({ resource }) =>
  resource === 'pods'
    ? {
        columns: [{ name: 'Name', type: 'string', format: 'name', description: 'the name', priority: 0 }],
        cells: object => [object.metadata.name],
        conditions: object =>
          object.metadata.name === 'done'
            ? [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'x' }]
            : undefined,
      }
    : undefined

beforeEach(async () => {
  seen = []
  answer = () => answered()
  const staticTokens = [{ token: 'robots-token', user: serviceAccountUser('ci', 'robot') }]
  server = await testServer(
    async request => {
      seen.push(request)
      return answer(request)
    },
    { tables, authenticator: authenticator({ staticTokens }) },
  )
})
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const admin = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }
const inPods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
const asJson = (type: string): SendOptions['headers'] & object => ({ 'content-type': type })

describe('what is asked', () => {
  const user = admin
  const body = JSON.stringify(pod)
  const warn = { fieldValidation: 'Warn' }
  const unnamed = { ...warn, fieldManager: 'unknown' }
  test.each<[string, string, SendOptions, Partial<ApiRequest>]>([
    ['GET', `${pods}/web`, {}, { ...inPods, verb: 'get', name: 'web', options: {}, user }],
    [
      'GET',
      `${pods}/web/status?resourceVersion=0`,
      {},
      { ...inPods, verb: 'get', name: 'web', subresource: 'status', options: { resourceVersion: '0' }, user },
    ],
    [
      'GET',
      `${pods}?limit=500&labelSelector=a%3Db&watch=false`,
      {},
      { ...inPods, verb: 'list', options: { limit: 500, labelSelector: 'a=b' }, user },
    ],
    [
      'GET',
      '/apis/apps/v1/deployments',
      {},
      { group: 'apps', version: 'v1', resource: 'deployments', verb: 'list', options: {}, user },
    ],
    [
      'POST',
      `${pods}?fieldManager=me&fieldValidation=Strict&dryRun=All`,
      { body },
      { ...inPods, verb: 'create', body: pod, options: { fieldManager: 'me', fieldValidation: 'Strict', dryRun: true }, user },
    ],
    [
      'POST',
      pods,
      { body, headers: { 'user-agent': 'kubectl/v1 (x)' } },
      {
        ...inPods,
        verb: 'create',
        body: pod,
        options: { fieldManager: 'kubectl', ...warn } as never,
        user,
        cause: { actor: 'kubectl' },
      },
    ],
    [
      'POST',
      pods,
      { body: 'apiVersion: v1\nkind: Pod', headers: asJson('application/yaml') },
      { ...inPods, verb: 'create', body: { apiVersion: 'v1', kind: 'Pod' }, options: unnamed as never, user },
    ],
    [
      'PUT',
      `${pods}/web`,
      { body, headers: asJson('application/json; charset=utf-8') },
      { ...inPods, verb: 'update', name: 'web', body: pod, options: unnamed as never, user },
    ],
    [
      'PATCH',
      `${pods}/web`,
      { body: '{"a":1}', headers: asJson('application/strategic-merge-patch+json') },
      { ...inPods, verb: 'patch', name: 'web', patchType: 'strategic', body: { a: 1 }, options: unnamed as never, user },
    ],
    [
      'PATCH',
      `${pods}/web?force=true`,
      { body: 'a: 1', headers: { ...asJson('application/apply-patch+yaml'), 'user-agent': 'x/1' } },
      {
        ...inPods,
        verb: 'patch',
        name: 'web',
        patchType: 'apply',
        body: { a: 1 },
        options: { force: true, ...warn } as never,
        user,
        cause: { actor: 'x' },
      },
    ],
    [
      'DELETE',
      `${pods}/web?gracePeriodSeconds=5`,
      {},
      { ...inPods, verb: 'delete', name: 'web', options: { gracePeriodSeconds: 5 }, user },
    ],
    [
      'DELETE',
      `${pods}/web?gracePeriodSeconds=5`,
      { body: '{"propagationPolicy":"Foreground","dryRun":["All"],"preconditions":{"uid":"u"}}' },
      {
        ...inPods,
        verb: 'delete',
        name: 'web',
        options: { propagationPolicy: 'Foreground', dryRun: true, preconditions: { uid: 'u' } },
        user,
      },
    ],
    [
      'DELETE',
      `${pods}?labelSelector=a`,
      { body: '{"gracePeriodSeconds":0}' },
      { ...inPods, verb: 'deletecollection', options: { labelSelector: 'a', gracePeriodSeconds: 0 }, user },
    ],
    [
      'DELETE',
      `${pods}/web?orphanDependents=true`,
      { headers: asJson('application/json') },
      { ...inPods, verb: 'delete', name: 'web', options: { propagationPolicy: 'Orphan' }, user },
    ],
  ])('%s %s %j', async (method, path, options, expected) => {
    expect((await server.send(method, path, options)).status).toBe(200)
    expect(seen).toEqual([expected])
  })

  test('a log that says nothing yet is answered all the same; one that cannot be read is refused by its status', async () => {
    const log = (chunks: AsyncGenerator<Uint8Array>): ApiResponse => ({ type: 'bytes', contentType: 'text/plain', chunks })
    const over = deferred()
    answer = () =>
      log(
        (async function* () {
          yield new Uint8Array()
          await over.promise
          yield Buffer.from('at last')
        })(),
      )
    const reply = await server.open('GET', `${pods}/web/log?follow=true`)
    expect(reply.statusCode).toBe(200)
    over.resolve()
    expect(String((await reply.toArray())[0])).toBe('at last')

    const nothing = async function* (isThere: boolean) {
      await turn()
      if (!isThere) throw new ApiError('BadRequest', 'there is none')
      yield new Uint8Array()
    }
    answer = () => log(nothing(false))
    expect(await server.send('GET', `${pods}/web/log`)).toMatchObject({ status: 400, json: { message: 'there is none' } })
  })

  test('a log is asked for with its own parameters', async () => {
    answer = () => ({
      type: 'bytes',
      contentType: 'text/plain',
      chunks: (async function* () {
        yield Buffer.from('one\n')
      })(),
    })
    const reply = await server.send('GET', `${pods}/web/log?follow=true&tailLines=3&container=c&timestamps=false`)
    expect(reply.text).toBe('one\n')
    expect(seen[0]).toMatchObject({
      verb: 'get',
      subresource: 'log',
      parameters: { follow: true, tailLines: 3, container: 'c', timestamps: false },
    })
  })
})

describe('what is refused', () => {
  test.each<[string, string, SendOptions, number, string, string]>([
    [
      'POST',
      pods,
      { body: '{"a":\n 1,}' },
      400,
      'BadRequest',
      'json parse error: Expected double-quoted property name in JSON at position 9 (line 2 column 4)',
    ],
    ['POST', pods, { body: '{"a":' }, 400, 'BadRequest', 'json parse error: Unexpected end of JSON input'],
    [
      'POST',
      pods,
      { body: 'a: b: c', headers: asJson('application/yaml') },
      400,
      'BadRequest',
      'yaml parse error: Nested mappings are not allowed in compact mappings at line 1, column 4',
    ],
    ['POST', pods, { body: '[]' }, 400, 'BadRequest', "couldn't get version/kind; the body is a list"],
    ['POST', pods, {}, 400, 'BadRequest', 'the body is empty'],
    ['POST', pods, { body: 'too long' }, 413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728'],
    [
      'POST',
      pods,
      { body: 'x', headers: asJson('application/cbor') },
      415,
      'UnsupportedMediaType',
      'accepted media types include: application/json, application/yaml',
    ],
    [
      'PATCH',
      `${pods}/x`,
      { body: '{}', headers: asJson('application/json') },
      415,
      'UnsupportedMediaType',
      'accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
    ],
    [
      'GET',
      pods,
      { headers: { accept: 'application/vnd.kubernetes.protobuf' } },
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json, application/yaml',
    ],
    [
      'GET',
      '/apis/apps/v1/deployments',
      { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } },
      406,
      'NotAcceptable',
      'only the following',
    ],
    [
      'GET',
      `${pods}?includeObject=Everything`,
      { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } },
      400,
      'BadRequest',
      'Unable to convert to Table as requested: includeObject: Invalid value: "Everything": must be',
    ],
    ['GET', `${pods}?limit=many`, {}, 400, 'BadRequest', 'strconv.ParseInt: parsing "many": invalid syntax'],
    [
      'POST',
      `${pods}?dryRun=Some`,
      { body: '{}' },
      422,
      'Invalid',
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    [
      'POST',
      `${pods}?fieldValidation=Some`,
      { body: '{}' },
      422,
      'Invalid',
      'fieldValidation: Unsupported value: "Some": supported values: "Ignore", "Strict", "Warn"',
    ],
    [
      'DELETE',
      `${pods}/x`,
      { body: '{"propagationPolicy":"Whatever"}' },
      422,
      'Invalid',
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Whatever": supported values: "Foreground", "Background", "Orphan"',
    ],
    ['DELETE', `${pods}/x`, { body: '{"gracePeriodSeconds":"soon"}' }, 400, 'BadRequest', 'cannot be handled as DeleteOptions'],
    [
      'DELETE',
      `${pods}/x`,
      { body: '{"orphanDependents":true,"propagationPolicy":"Orphan"}' },
      422,
      'Invalid',
      'orphanDependents and deletionPropagation cannot be both set',
    ],
    ['GET', '/api/v1/namespaces/default/pods/%E0%A4%A', {}, 400, 'BadRequest', 'invalid URL escape'],
    ['OPTIONS', pods, {}, 405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    ['GET', `${pods}/x/exec?command=ls`, {}, 400, 'BadRequest', 'Upgrade request required'],
  ])('%s %s %j: %i %s', async (method, path, options, code, reason, message) => {
    const body = options.body === 'too long' ? Buffer.alloc(3 * 1024 * 1024 + 1, 32) : options.body
    const reply = await server.send(method, path, { ...options, ...(body && { body }) })
    expect(reply.json).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason })
    expect(reply.json.message).toContain(message)
    expect(reply.status).toBe(code)
    expect(seen).toEqual([])
  })

  test('a refusal of the pipeline is its Status, with Retry-After where it says so', async () => {
    answer = () => {
      throw new ApiError('TooManyRequests', 'later', { details: { retryAfterSeconds: 7 } })
    }
    const reply = await server.send('GET', pods)
    expect(reply).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7' },
      json: { message: 'later', reason: 'TooManyRequests' },
    })
  })

  test('a bug is an internal error', async () => {
    answer = () => {
      throw new TypeError('x is not a function')
    }
    expect((await server.send('GET', pods)).json).toMatchObject({
      code: 500,
      reason: 'InternalError',
      message: 'Internal error occurred: x is not a function',
    })
  })
})

describe('how it is answered', () => {
  const accept = (value: string): SendOptions => ({ headers: { accept: value } })
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'
  const partial =
    'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'

  test.each([
    undefined,
    '*/*',
    'application/json',
    'application/json, */*;q=0.8',
    'application/vnd.kubernetes.protobuf,application/json',
    'text/html, application/*;q=0.1',
  ])('Accept %s gets JSON, the very bytes that are stored', async value => {
    const reply = await server.send('GET', `${pods}/web`, value ? accept(value) : {})
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-cache, private',
      'audit-id': expect.stringMatching(/-/),
    })
    expect(reply.text).toBe(JSON.stringify(pod))
  })

  test('YAML for those who prefer it', async () => {
    const reply = await server.send('GET', `${pods}/web`, accept('application/json;q=0.5, application/yaml'))
    expect(reply.headers['content-type']).toBe('application/yaml')
    expect(reply.text).toMatch(/^apiVersion: v1\nkind: Pod\n/)
  })

  test('indented for people', async () => {
    expect((await server.send('GET', `${pods}/web?pretty=true`)).text).toBe(`${JSON.stringify(pod, undefined, 2)}\n`)
  })

  test('with warnings', async () => {
    answer = () => answered(201, ['mind the "gap"', 'unknown field \\ ü → x'])
    const reply = await server.send('POST', pods, { body: '{}' })
    expect(reply.status).toBe(201)
    expect(reply.headers.warning).toBe('299 - "mind the \\"gap\\"", 299 - "unknown field \\\\ ü ? x"')
  })

  test('a list is the bytes of its items', async () => {
    answer = () => listOf([storedOf(podNamed('a')), storedOf(podNamed('b'))])
    expect((await server.send('GET', pods)).json).toEqual({
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '9', continue: 'more', remainingItemCount: 3 },
      items: [podNamed('a'), podNamed('b')],
    })
    answer = () => listOf([])
    expect((await server.send('GET', pods)).json.items).toEqual([])
  })

  test('a long list comes whole, zipped for those who can', async () => {
    const items = Array.from({ length: 3000 }, (_, i) => storedOf(podNamed(`p${i}`, { filler: 'x'.repeat(500) })))
    answer = () => listOf(items)
    const plain = await server.send('GET', pods)
    expect(plain.json.items).toHaveLength(3000)
    expect(plain.bytes.length).toBe(Number(plain.headers['content-length']))
    const zipped = await server.send('GET', pods, { headers: { 'accept-encoding': 'gzip' } })
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    expect(gunzipSync(zipped.bytes).equals(plain.bytes)).toBe(true)
    expect(zipped.bytes.length).toBeLessThan(plain.bytes.length / 5)
  })

  test('a list as a table', async () => {
    answer = () => listOf([storedOf(podNamed('a')), storedOf(podNamed('done'))])
    const object = (name: string) => ({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: podNamed(name).metadata,
    })
    expect((await server.send('GET', pods, accept(table))).json).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '9', continue: 'more', remainingItemCount: 3 },
      columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', description: 'the name', priority: 0 }],
      rows: [
        { cells: ['a'], object: object('a') },
        {
          cells: ['done'],
          conditions: [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'x' }],
          object: object('done'),
        },
      ],
    })
    const whole = await server.send('GET', `${pods}?includeObject=Object`, accept(table))
    expect(whole.json.rows[0].object).toEqual(podNamed('a'))
    const none = await server.send('GET', `${pods}?includeObject=None`, accept(table))
    expect(none.json.rows[0].object).toBeNull()
  })

  test('an object as a table, a Status never', async () => {
    expect((await server.send('GET', `${pods}/web`, accept(table))).json).toMatchObject({
      kind: 'Table',
      rows: [{ cells: ['web'] }],
    })
    answer = () => ({ type: 'object', status: 200, object: { kind: 'Status', status: 'Success' }, warnings: [] })
    expect((await server.send('DELETE', `${pods}/web`, accept(table))).json).toEqual({ kind: 'Status', status: 'Success' })
  })

  test('what cannot be a table falls back to what else is accepted', async () => {
    expect((await server.send('GET', '/apis/apps/v1/namespaces/x/deployments/y', accept(table))).json).toEqual(pod)
  })

  test('metadata alone', async () => {
    answer = () => listOf([storedOf(podNamed('a'))])
    expect((await server.send('GET', pods, accept(partial))).json).toEqual({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '9', continue: 'more', remainingItemCount: 3 },
      items: [{ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: podNamed('a').metadata }],
    })
  })
})

describe('a watch', () => {
  const frame = (type: 'ADDED' | 'MODIFIED' | 'DELETED', name: string): WatchFrame => ({
    type,
    object: podNamed(name),
    bytes: Buffer.from(JSON.stringify(podNamed(name))),
  })
  const watching = (events: () => AsyncIterable<readonly WatchFrame[]>): ApiResponse => ({ type: 'watch', events: events() })

  test('begins at once, before anything has happened', async () => {
    let wake = () => {}
    answer = () =>
      watching(async function* () {
        await new Promise<void>(resolve => (wake = resolve))
        yield [frame('ADDED', 'a')]
      })
    const response = await server.open('GET', `${pods}?watch=1&allowWatchBookmarks=true&resourceVersion=5`)
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json')
    expect(seen[0]).toMatchObject({ verb: 'watch', options: { allowWatchBookmarks: true, resourceVersion: '5' } })
    wake()
    expect(await linesOf(response)).toEqual([{ type: 'ADDED', object: podNamed('a') }])
  })

  test('frames the stored bytes, one event a line, and ends with the pipeline', async () => {
    answer = () =>
      watching(async function* () {
        yield [frame('ADDED', 'a'), frame('MODIFIED', 'a')]
        yield [frame('DELETED', 'a')]
      })
    const lines = await linesOf(await server.open('GET', `${pods}?watch=true`))
    expect(lines.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  })

  test('that has fallen behind ends with an ERROR event', async () => {
    answer = () =>
      watching(async function* () {
        yield [frame('ADDED', 'a')]
        throw new ApiError('Expired', 'too old resource version: 5 (9)')
      })
    const lines = await linesOf(await server.open('GET', `${pods}?watch=true`))
    expect(lines[1]).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
  })

  test('whose client is gone ends in the pipeline too', async () => {
    const ended = new Promise<void>(resolve => {
      answer = ({ signal }) =>
        watching(async function* () {
          yield [frame('ADDED', 'a')]
          await new Promise<void>(done => signal?.addEventListener('abort', () => done()))
          resolve()
        })
    })
    const response = await server.open('GET', `${pods}?watch=true`)
    response.on('error', () => {})
    response.destroy()
    await ended
  })

  test('waits for a client that reads slowly, instead of filling memory', async () => {
    let taken = 0
    const large = { ...frame('ADDED', 'a'), bytes: Buffer.from(JSON.stringify(podNamed('a', { filler: 'x'.repeat(1 << 20) }))) }
    answer = ({ signal }) =>
      watching(async function* () {
        for (; taken < 1000 && !signal?.aborted; taken++) yield [large]
      })
    const response = await server.open('GET', `${pods}?watch=true`)
    response.pause()
    let before = -1
    while (before !== taken) {
      before = taken
      for (let i = 0; i < 50; i++) await turn()
    }
    expect(taken).toBeLessThan(100)
    response.on('error', () => {})
    response.destroy()
  })

  test('as a table tells the columns once', async () => {
    answer = () =>
      watching(async function* () {
        yield [frame('ADDED', 'a'), frame('DELETED', 'a')]
      })
    const lines = await linesOf(
      await server.open('GET', `${pods}?watch=true`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } }),
    )
    expect(lines.map(({ object }) => [object.kind, object.columnDefinitions?.length ?? null, object.rows[0].cells])).toEqual([
      ['Table', 1, ['a']],
      ['Table', null, ['a']],
    ])
  })

  test('by the old path is a watch of one name', async () => {
    answer = () => watching(async function* () {})
    await linesOf(await server.open('GET', '/api/v1/watch/namespaces/default/pods/web'))
    expect(seen[0]).toMatchObject({ ...inPods, verb: 'watch', options: { fieldSelector: 'metadata.name=web' } })
    expect(seen[0]?.name).toBeUndefined()
    // ... and leaves the next request alone
    answer = () => listOf([])
    await server.send('GET', pods)
    expect(seen[1]).toMatchObject({ verb: 'list', options: {} })
  })

  test('does not keep the server from stopping', async () => {
    answer = ({ signal }) =>
      watching(async function* () {
        yield [frame('ADDED', 'a')]
        await new Promise<void>(done => signal?.addEventListener('abort', () => done()))
      })
    const response = await server.open('GET', `${pods}?watch=true`)
    const lines = linesOf(response)
    expect(await server.stop()).toBeLessThan(1000)
    expect((await lines).map(({ type }) => type)).toEqual(['ADDED'])
  })
})

describe('who asks', () => {
  test.each<[string, SendOptions, string]>([
    ['the certificate', { as: 'scheduler' }, 'system:kube-scheduler'],
    ['a token', { as: 'anonymous', headers: { authorization: 'Bearer robots-token' } }, 'system:serviceaccount:ci:robot'],
    ['nothing', { as: 'anonymous' }, 'system:anonymous'],
    [
      'the certificate before the token',
      { as: 'scheduler', headers: { authorization: 'Bearer robots-token' } },
      'system:kube-scheduler',
    ],
    ['whom an administrator acts as', { headers: { 'impersonate-user': 'ann' } }, 'ann'],
  ])('is told by %s', async (_, options, name) => {
    await server.send('GET', pods, options)
    expect(seen[0]?.user.name).toBe(name)
  })

  test('not by a certificate that another authority signed', async () => {
    const store = { read: async () => undefined, write: async () => {} }
    const forged = await ensureCertificates({
      store,
      clock: systemClock,
      clients: { admin: { name: 'kubernetes-admin', groups: ['system:masters'] } },
    })
    const pair = forged.clients.admin
    const options = {
      host: '127.0.0.1',
      port: server.port,
      path: pods,
      ca: server.certificates.ca,
      cert: pair?.certificate,
      key: pair?.key,
      agent: false,
    }
    const status = await new Promise((resolve, reject) => {
      request(options, response => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(401)
    expect(seen).toEqual([])
  })

  test('is remembered when a TLS session is taken up again', async () => {
    const { ca, clients } = server.certificates
    const options = {
      port: server.port,
      host: '127.0.0.1',
      ca,
      cert: clients.scheduler?.certificate,
      key: clients.scheduler?.key,
    }
    const ask = (session?: Buffer) =>
      new Promise<{ session: Buffer; isReused: boolean }>((resolve, reject) => {
        let isReused = false
        const socket = connect({ ...options, ...(session && { session }) }, () => {
          isReused = socket.isSessionReused()
          socket.write(`GET ${pods} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        })
        let ticket: Buffer | undefined
        socket.on('session', given => (ticket = given))
        socket.on('error', reject)
        socket.on('data', () => {})
        socket.on('close', () => resolve({ session: ticket ?? Buffer.alloc(0), isReused }))
      })
    const first = await ask()
    expect((await ask(first.session)).isReused).toBe(true)
    expect(seen.map(({ user }) => user.name)).toEqual(['system:kube-scheduler', 'system:kube-scheduler'])
  })

  test.each<[string, SendOptions, number]>([
    ['a wrong token', { as: 'anonymous', headers: { authorization: 'Bearer x' } }, 401],
    ['an impersonation that is not allowed', { as: 'scheduler', headers: { 'impersonate-user': 'ann' } }, 403],
  ])('%s gets no further', async (_, options, code) => {
    const reply = await server.send('GET', pods, options)
    expect(reply.json).toMatchObject({ kind: 'Status', code })
    expect(seen).toEqual([])
  })
})

async function linesOf(response: AsyncIterable<Buffer>) {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks)
    .toString()
    .trim()
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}
