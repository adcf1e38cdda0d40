import { EventEmitter, once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { ApiError } from '../../api/errors.ts'
import { httpTransport } from '../../client/http-transport.ts'
import { virtualClock } from '../../lib/clock.ts'
import { echo } from '../../streaming/testing.ts'
import { pingNowAndThen } from '../../streaming/websocket.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import { type TestServer, testServer } from './testing.ts'

const path = '/api/v1/namespaces/default/pods/web/exec?command=sh&command=-c&stdin=true&stdout=1&stderr=true&container=main'

let server: TestServer
let seen: ApiRequest[]
let answer: () => ApiResponse | Promise<ApiResponse>

beforeEach(async () => {
  seen = []
  server = await testServer(async request => {
    seen.push(request)
    return answer()
  })
})
afterEach(() => server[Symbol.asyncDispose]())

const credentials = () => {
  const { ca, clients } = server.certificates
  return { ca, cert: clients.admin?.certificate ?? '', key: clients.admin?.key ?? '' }
}

/** Sends frames, collects what comes back per channel until the server closes. */
function talk(
  protocols: string[],
  frames: (string | number[])[],
): Promise<{ code: number; protocol: string; channels: Record<number, string> }> {
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, protocols, credentials())
  const channels: Record<number, string> = {}
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      for (const frame of frames) socket.send(typeof frame === 'string' ? frame : Buffer.from(frame))
    })
    socket.on('message', (data: Buffer) => {
      const isBase64 = protocols[0]?.includes('base64')
      const channel = isBase64 ? (data[0] ?? 0) - 48 : (data[0] ?? 0)
      channels[channel] =
        (channels[channel] ?? '') + (isBase64 ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1)).toString()
    })
    socket.on('close', code => resolve({ code, protocol: socket.protocol, channels }))
    socket.on('error', reject)
  })
}
const bytes = (channel: number, text: string) => [channel, ...Buffer.from(text)]
const success = '{"metadata":{},"status":"Success"}'

describe('exec over WebSocket', () => {
  test('carries input, output and the end, and closes with 1000', async () => {
    const { session, log } = echo()
    answer = () => ({ type: 'session', session })
    const said = await talk(
      ['v5.channel.k8s.io'],
      [bytes(0, 'hello '), bytes(4, '{"Width":80,"Height":24}'), bytes(0, 'world'), [255, 0]],
    )
    expect(said).toEqual({
      code: 1000,
      protocol: 'v5.channel.k8s.io',
      channels: { 1: 'got hello world', 2: 'warned', 3: success },
    })
    expect(log).toContain('80x24')
    expect(seen[0]).toMatchObject({
      verb: 'get',
      subresource: 'exec',
      name: 'web',
      parameters: { command: ['sh', '-c'], stdin: true, stdout: true, stderr: true, tty: false, container: 'main' },
    })
  })

  test('tells the exit code', async () => {
    const { session } = echo({ exitCode: 7 })
    answer = () => ({ type: 'session', session })
    const { channels } = await talk(['v5.channel.k8s.io', 'v4.channel.k8s.io'], [[255, 0]])
    expect(JSON.parse(channels[3] ?? '')).toEqual({
      metadata: {},
      status: 'Failure',
      message: 'command terminated with non-zero exit code: exit status 7',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    })
  })

  test('tells why a command never ran', async () => {
    const { session } = echo({ exitCode: -1, message: 'no such file' })
    answer = () => ({ type: 'session', session })
    const { channels } = await talk(['v5.channel.k8s.io'], [[255, 0]])
    expect(JSON.parse(channels[3] ?? '')).toMatchObject({
      status: 'Failure',
      reason: 'InternalError',
      message: 'Internal error occurred: error executing command in container: no such file',
    })
  })

  test('speaks base64', async () => {
    const { session } = echo()
    answer = () => ({ type: 'session', session })
    const talking = talk(['v4.base64.channel.k8s.io'], [`0${Buffer.from('hi').toString('base64')}`])
    const channels = talking.then(said => said.channels) // the old protocols cannot end the input
    await expect.poll(() => seen.length).toBe(1)
    session.closeStdin()
    expect((await channels)[3]).toBe(success)
  })

  test('in the first version says nothing when all went well', async () => {
    const { session } = echo()
    answer = () => ({ type: 'session', session })
    const talking = talk(['channel.k8s.io'], [])
    await expect.poll(() => seen.length).toBe(1)
    session.closeStdin()
    expect((await talking).channels).toEqual({ 1: 'got ', 2: 'warned' })
  })

  test('hangs up on the command when the client is gone', async () => {
    const { session, log } = echo()
    answer = () => ({ type: 'session', session })
    const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, ['v5.channel.k8s.io'], credentials())
    await new Promise(resolve => socket.once('open', resolve))
    socket.terminate()
    await expect.poll(() => log).toContain('closed')
  })

  test('serves our own client', async () => {
    const { session } = echo({ exitCode: 3 })
    answer = () => ({ type: 'session', session })
    const transport = httpTransport({ server: `https://127.0.0.1:${server.port}`, ...credentials() })
    const options = { command: ['cat'], stdin: true, stdout: true, stderr: true, tty: false }
    const mine = await transport.exec({ namespace: 'default', name: 'web' }, options)
    await mine.write(Buffer.from('from the client'))
    mine.closeStdin()
    const output: Uint8Array[] = []
    for await (const chunk of mine.stdout) output.push(chunk)
    expect(Buffer.concat(output).toString()).toBe('got from the client')
    expect(await mine.done).toEqual({ exitCode: 3 })
    transport.close()
  })
})

describe('what is refused before the handshake', () => {
  const upgrade = (headers: Record<string, string>) =>
    server.send('GET', path, {
      headers: {
        connection: 'Upgrade',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    })

  test('is a plain Status', async () => {
    answer = () => {
      throw new ApiError('BadRequest', 'container nope is not valid for pod web')
    }
    const reply = await upgrade({ upgrade: 'websocket' })
    expect(reply).toMatchObject({ status: 400, json: { kind: 'Status', message: 'container nope is not valid for pod web' } })
  })

  test('has the id by which the audit log knows the request', async () => {
    answer = () => {
      throw new ApiError('BadRequest', 'no')
    }
    const own = await upgrade({ upgrade: 'websocket', 'audit-id': 'mine' })
    const made = await upgrade({ upgrade: 'h2c' })
    expect([own.headers['audit-id'], made.headers['audit-id']]).toEqual(['mine', expect.stringMatching(/^[-0-9a-f]{36}$/)])
  })

  test('over SPDY as well', async () => {
    answer = () => {
      throw new ApiError('BadRequest', 'container nope is not valid for pod web')
    }
    const reply = await upgrade({ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' })
    expect(reply).toMatchObject({ status: 400, json: { kind: 'Status', message: 'container nope is not valid for pod web' } })
  })

  test.each([
    [{ upgrade: 'SPDY/3.1' }, 400, 'unable to upgrade: X-Stream-Protocol-Version is required'],
    [{ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v9' }, 403, /client supports \[v9\], server accepts \[v4\.channel/],
    [{ upgrade: 'h2c' }, 400, 'unable to upgrade to h2c'],
    [{ upgrade: 'websocket', 'sec-websocket-key': 'short' }, 400, 'missing or invalid Sec-WebSocket-Key header'],
    [{ upgrade: 'websocket', 'sec-websocket-version': '7' }, 400, 'missing or invalid Sec-WebSocket-Version header'],
  ])('%j before anything is begun', async (headers, status, message) => {
    const reply = await upgrade(headers)
    expect(reply.status).toBe(status)
    expect(reply.json.message).toMatch(message)
    expect(seen).toEqual([])
  })

  test('a subprotocol that nobody knows', async () => {
    const reply = await upgrade({ upgrade: 'websocket', 'sec-websocket-protocol': 'v9.channel.k8s.io' })
    expect(reply.json).toMatchObject({
      code: 400,
      message: expect.stringContaining('no supported subprotocol among v9.channel.k8s.io'),
    })
    expect(seen).toEqual([])
  })
})

test('the old protocols begin with an empty message, by which clients know that the command is there', async () => {
  const { session } = echo()
  answer = () => ({ type: 'session', session })
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, ['channel.k8s.io'], credentials())
  const [first] = (await once(socket, 'message')) as [Buffer]
  expect([...first]).toEqual([1])
  socket.terminate()
})

test('channels that were not asked for stay silent, and the first protocol of the client that is known is taken', async () => {
  const { session } = echo()
  answer = () => ({ type: 'session', session })
  const query = path.replace('&stderr=true', '')
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${query}`, ['v4.channel.k8s.io', 'channel.k8s.io'], credentials())
  const seenChannels: number[] = []
  socket.on('message', (data: Buffer) => seenChannels.push(data[0] ?? -1))
  await once(socket, 'open')
  expect(socket.protocol).toBe('v4.channel.k8s.io')
  session.closeStdin()
  await once(socket, 'close')
  expect(seenChannels).toEqual([1, 1, 3])
})

test('whoever is not read is pinged now and then, until the connection is closed', async () => {
  const clock = virtualClock()
  const socket = Object.assign(new EventEmitter(), { pings: 0, ping: () => void socket.pings++ })
  pingNowAndThen(socket as unknown as WebSocket, clock)
  await clock.advance(65_000)
  expect(socket.pings).toBe(2)
  socket.emit('close')
  expect(clock.timers).toBe(0)
})

test('a log over WebSocket is its bytes', async () => {
  answer = () => ({
    type: 'bytes',
    contentType: 'text/plain',
    chunks: (async function* () {
      yield Buffer.from('line\n')
    })(),
  })
  const socket = new WebSocket(
    `wss://127.0.0.1:${server.port}/api/v1/namespaces/default/pods/web/log`,
    ['binary.k8s.io'],
    credentials(),
  )
  const text: string[] = []
  socket.on('message', data => text.push(String(data)))
  expect(await new Promise(resolve => socket.once('close', resolve))).toBe(1000)
  expect(text).toEqual(['line\n'])
})
