import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { ApiError } from '../../api/errors.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import { proxyPath } from './proxy.ts'
import { type TestServer, testServer } from './testing.ts'

const pods = '/api/v1/namespaces/default/pods'
const prefix = `${pods}/web:80/proxy`

let server: TestServer
let backend: Server
let port: number
let visits: IncomingMessage[]
let calls: ApiRequest[]
let open: Set<Socket>
let answer: () => ApiResponse
beforeEach(async () => {
  visits = []
  calls = []
  open = new Set()
  backend = createServer((request, response) => {
    visits.push(request)
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
    if (pathname === '/redirect') {
      return response.writeHead(302, { Location: searchParams.get('to') ?? '' }).end()
    }
    if (pathname === '/hang') return
    if (pathname === '/tear') return request.socket.destroy()
    if (pathname === '/drip') {
      response.write('first')
      return
    }
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('X-Own', ['a', 'b'])
    response.writeHead(pathname === '/teapot' ? 418 : 200)
    response.write(`${request.method} ${request.url} `)
    request.pipe(response)
  })
  backend.on('connection', socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const sockets = new WebSocketServer({ noServer: true })
  backend.on('upgrade', (request, socket, head) => {
    if (request.url === '/refused') return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    sockets.handleUpgrade(request, socket, head, webSocket =>
      webSocket.on('message', data => webSocket.send(`${request.url} ${data}`)),
    )
  })
  await new Promise<void>(resolve => backend.listen(0, '127.0.0.1', resolve))
  port = (backend.address() as AddressInfo).port
  answer = () => to(port)
  server = await testServer(async request => {
    calls.push(request)
    return answer()
  })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  backend.close()
  backend.closeAllConnections()
})

const to = (actual: number): ApiResponse => ({
  type: 'proxy',
  backend: {
    type: 'connection',
    scheme: 'http',
    host: '10.0.0.7:80',
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ port: actual, host: '127.0.0.1' }, () => resolve(socket))
        socket.once('error', reject)
      }),
  },
})

describe('proxy paths', () => {
  test.each([
    [`${prefix}/a%20b/?x=1`, { prefix, rest: '/a%20b/', query: '?x=1' }],
    [prefix, { prefix, rest: '', query: '' }],
    ['/api/v1/nodes/n/proxy/stats/summary', { prefix: '/api/v1/nodes/n/proxy', rest: '/stats/summary', query: '' }],
    [
      '/api/v1/namespaces/d/services/https:s:web/proxy/',
      { prefix: '/api/v1/namespaces/d/services/https:s:web/proxy', rest: '/', query: '' },
    ],
    [`${pods}/web/proxyx`, undefined],
    [`${pods}/proxy`, undefined],
    ['/api/v1/namespaces/d/configmaps/c/proxy/', undefined],
    [`${pods}?x=/proxy/`, undefined],
  ])('%s', (url, parts) => {
    expect(proxyPath(url)).toEqual(parts)
  })
})

describe('requests', () => {
  test.each([
    ['GET', 'get'],
    ['POST', 'create'],
    ['PUT', 'update'],
    ['PATCH', 'patch'],
    ['DELETE', 'delete'],
    ['OPTIONS', ''],
  ])('%s goes through with path, query and body, and is authorized as %j', async (method, verb) => {
    const body = method === 'GET' ? undefined : '{"not":'
    const reply = await server.send(method, `${prefix}/a%2Fb//c?q=%20&q=2`, { ...(body && { body }) })
    expect(reply).toMatchObject({ status: 200, text: `${method} /a%2Fb//c?q=%20&q=2 ${body ?? ''}` })
    expect(calls[0]).toMatchObject({ verb, resource: 'pods', namespace: 'default', name: 'web:80', subresource: 'proxy' })
  })

  test('headers: ours stay here, theirs come along, and who asked is told', async () => {
    const headers = {
      authorization: 'Bearer secret',
      'impersonate-user': 'kubernetes-admin',
      connection: 'x-hop',
      'x-hop': '1',
      'x-many': ['1', '2'],
      'x-forwarded-for': '10.9.9.9',
    }
    const reply = await server.send('GET', `${prefix}/teapot?x`, { headers })
    expect(reply.status).toBe(418)
    expect(reply.headers).toMatchObject({ 'x-own': 'a, b' })
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin')
    const { headers: seen } = visits[0] as IncomingMessage
    expect(seen).toMatchObject({
      host: `127.0.0.1:${server.port}`,
      'x-many': '1, 2',
      'x-forwarded-for': '10.9.9.9, 127.0.0.1',
      'x-forwarded-uri': `${prefix}/teapot`,
    })
    for (const name of ['authorization', 'impersonate-user', 'x-hop']) expect(seen).not.toHaveProperty(name)
  })

  test('the folder itself is one slash further', async () => {
    const reply = await server.send('GET', `${prefix}?a=b`)
    expect(reply).toMatchObject({ status: 301, headers: { location: `${prefix}/?a=b` } })
    expect((await server.send('POST', prefix, { body: 'x' })).text).toBe('POST / x')
  })

  test.each([
    ['/elsewhere/', `${prefix}/elsewhere/`],
    ['http://10.0.0.7:80/x?y=1', `${prefix}/x?y=1`],
    [`${prefix}/already`, `${prefix}/already`],
    ['relative', 'relative'],
    ['https://example.com/x', 'https://example.com/x'],
  ])('a redirect to %s leads to %s', async (location, rewritten) => {
    const { headers } = await server.send('GET', `${prefix}/redirect?to=${encodeURIComponent(location)}`)
    expect(headers.location).toBe(rewritten)
  })

  test('bodies of any length go through in both directions', async () => {
    const { text } = await server.send('POST', `${prefix}/big`, { body: Buffer.alloc(8_000_000, 'z') })
    expect(text).toHaveLength(8_000_000 + 'POST /big '.length)
  })

  test('what is said early arrives early, and a client that goes away is gone there too', async () => {
    const response = await server.open('GET', `${prefix}/drip`)
    expect(String(await new Promise(resolve => response.once('data', resolve)))).toBe('first')
    expect(open.size).toBe(1)
    response.destroy()
    await expect.poll(() => open.size).toBe(0)
  })

  test('a client that goes away before any answer is gone there too', async () => {
    const pending = server.open('GET', `${prefix}/hang`).catch(() => 'gone')
    await expect.poll(() => visits.length).toBe(1)
    await server.stop()
    await pending
    await expect.poll(() => open.size).toBe(0)
  })

  test('nobody there', async () => {
    answer = () => to(1)
    expect(await server.send('POST', `${prefix}/x`, { body: 'lost' })).toMatchObject({
      status: 503,
      json: {
        reason: 'ServiceUnavailable',
        message: 'error trying to reach service: dial tcp 10.0.0.7:80: connect: connection refused',
      },
    })
  })

  test('somebody who hangs up', async () => {
    expect(await server.send('GET', `${prefix}/tear`)).toMatchObject({
      status: 503,
      json: { message: 'error trying to reach service: EOF' },
    })
  })

  test('a refusal of the pipeline', async () => {
    answer = () => {
      throw new ApiError('ServiceUnavailable', 'no endpoints available for service "s"')
    }
    expect(await server.send('GET', `${prefix}/`)).toMatchObject({ status: 503, json: { kind: 'Status' } })
  })

  test('a node answers for itself', async () => {
    answer = () => ({
      type: 'proxy',
      backend: {
        type: 'node',
        serve: async path => (path === '/healthz' ? { status: 200, contentType: 'text/plain', body: 'ok' } : undefined),
      },
    })
    expect(await server.send('GET', '/api/v1/nodes/n/proxy/healthz')).toMatchObject({ status: 200, text: 'ok' })
    expect((await server.send('GET', '/api/v1/nodes/n/proxy/nothing')).status).toBe(404)
    expect((await server.send('POST', '/api/v1/nodes/n/proxy/healthz')).status).toBe(405)
  })
})

describe('upgrades', () => {
  const dial = (path: string) => {
    const { ca, clients } = server.certificates
    const { certificate: cert, key } = clients.admin ?? {}
    return new WebSocket(`wss://127.0.0.1:${server.port}${path}`, ['own.protocol'], { ca, cert, key })
  }

  test('pass, whatever they are for', async () => {
    const socket = dial(`${prefix}/chat?x=1`)
    socket.once('open', () => socket.send('hello'))
    expect(String(await new Promise(resolve => socket.once('message', resolve)))).toBe('/chat?x=1 hello')
    expect(socket.protocol).toBe('own.protocol')
    expect(calls[0]).toMatchObject({ verb: 'get', subresource: 'proxy', name: 'web:80' })
    socket.terminate()
    await expect.poll(() => open.size).toBe(0)
  })

  test('a refusal passes as well; nobody there is told', async () => {
    const refusal = (path: string) =>
      new Promise(resolve => {
        const socket = dial(path)
        socket.on('error', () => {})
        socket.once('unexpected-response', (_request, response: IncomingMessage) => {
          resolve(response.statusCode)
          socket.terminate()
        })
      })
    expect(await refusal(`${prefix}/refused`)).toBe(403)
    answer = () => to(1)
    expect(await refusal(`${prefix}/x`)).toBe(500)
  })
})
