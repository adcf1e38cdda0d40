import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ApiRequest, ApiResponse } from '../request.ts'
import { type TestServer, testServer } from './testing.ts'

const pods = '/api/v1/namespaces/default/pods'

let asked: ApiRequest[]
let answer: () => Promise<ApiResponse>
let server: TestServer
beforeEach(async () => {
  asked = []
  answer = () => Promise.reject(new Error('nothing should have come so far'))
  server = await testServer(request => {
    asked.push(request)
    return answer()
  })
})
afterEach(() => server[Symbol.asyncDispose]())

function connection(): Promise<TLSSocket> {
  const { ca, clients } = server.certificates
  const credentials = { cert: clients.admin?.certificate, key: clients.admin?.key }
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca, ...credentials }, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** Everything that the server says until it hangs up. */
async function conversation(...said: string[]): Promise<string> {
  const socket = await connection()
  for (const text of said) socket.write(text)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test.each<[string, string, number, string]>([
  ['no request line', 'hello\r\n\r\n', 400, 'the request cannot be read: '],
  ['another version', `GET ${pods} HTTP/3.0\r\n\r\n`, 400, 'the request cannot be read: '],
  ['no version', `GET ${pods}\r\n\r\n`, 400, 'unsupported protocol version'],
  ['no host', `GET ${pods} HTTP/1.1\r\nconnection: close\r\n\r\n`, 400, 'missing required Host header'],
  ['a bad header', `GET ${pods} HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n`, 400, 'the request cannot be read: '],
  ['endless headers', `GET ${pods} HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(70_000)}`, 431, 'the headers are too long'],
  [
    'a bad chunk',
    `POST ${pods} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'the request cannot be read: ',
  ],
  ['two lengths', `POST ${pods} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx`, 400, 'cannot be read'],
  ['a tunnel', 'CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n', 405, 'the server does not allow this method'],
  ['what is expected', `GET ${pods} HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\n\r\n`, 417, 'the expectation cannot be met'],
  ['an upgrade', 'GET /version HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 400, 'unable to upgrade to x'],
])('%s is answered with a Status, and the connection ends', async (_what, text, code, message) => {
  const [head = '', body = ''] = (await conversation(text)).split('\r\n\r\n')
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${code} [A-Z]`))
  expect(head.toLowerCase()).toContain('content-type: application/json')
  const status = JSON.parse(body) as { message: string }
  expect(status).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code })
  expect(status.message).toContain(message)
  expect(asked).toEqual([])
})

test.each(['LOCK', 'PROPFIND', 'M-SEARCH', 'TRACE'])('%s is a method that is not allowed anywhere', async method => {
  for (const path of [pods, '/version', '/nothing']) {
    const text = `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`
    const [head, body = ''] = (await conversation(text)).split('\r\n\r\n')
    expect(head).toContain('405 Method Not Allowed')
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 405, reason: 'MethodNotAllowed' })
  }
  expect(asked).toEqual([])
})

test('a client that leaves in the middle of a body that nobody reads is missed at once', async () => {
  let onGone = () => {}
  const gone = new Promise<void>(resolve => {
    onGone = resolve
  })
  let onWatch = () => {}
  const watched = new Promise<void>(resolve => {
    onWatch = resolve
  })
  answer = async () => ({ type: 'watch', apiVersion: 'v1', kind: 'Pod', events: silence() })
  async function* silence() {
    onWatch()
    try {
      await new Promise<void>(resolve => asked[0]?.signal?.addEventListener('abort', () => resolve()))
    } finally {
      onGone()
    }
    yield []
  }
  const socket = await connection()
  socket.write(`GET ${pods}?watch=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(200_000)}`)
  await watched
  socket.destroy()
  await gone
})

test.each([
  ['fieldManager=%01a%ADb', '[fieldManager: Invalid value: "\\u0001a\\ufffdb": invalid character U+0001 (at position 0)'],
  [`fieldManager=${'m'.repeat(129)}`, 'fieldManager: Too long: may not be more than 128 bytes'],
  ['fieldManager=a%C2%ADb', 'fieldManager: Invalid value: "a\u00adb": invalid character U+00AD (at position 1)'],
])('%s names no manager', async (query, message) => {
  const { json } = await server.send('POST', `${pods}?${query}`, { body: '{}' })
  expect(json).toMatchObject({ code: 422, reason: 'Invalid' })
  expect(json.message).toContain(message.replace(/^\[/, '').split('": ').at(-1))
  expect(json.message).toMatch(/^CreateOptions\.meta\.k8s\.io "" is invalid: fieldManager: /)
})

test('a manager of a read is nobody, and of what is said twice the first counts', async () => {
  answer = async () => ({ type: 'list', apiVersion: 'v1', kind: 'PodList', items: [], resourceVersion: '1' })
  await server.send('GET', `${pods}?fieldManager=%01&labelSelector=a&labelSelector=b&limit=1&limit=x`)
  expect(asked).toMatchObject([{ verb: 'list', options: { labelSelector: 'a', limit: 1 } }])
  const { json } = await server.send('POST', `${pods}?dryRun=All&dryRun=x`, { body: '{}' })
  expect(json).toMatchObject({ code: 422 })
})
