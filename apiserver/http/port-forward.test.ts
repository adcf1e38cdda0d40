import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createWebSocketStream, WebSocket } from 'ws'
import { virtualClock } from '../../lib/clock.ts'
import { forwardOverSpdy, portForwardProtocol, portsOf, tunnelProtocol } from '../../streaming/port-forward.ts'
import { pipe, type SpdyClient, spdyClient, upgraded } from '../../streaming/spdy/testing.ts'
import { type TestServer, testServer } from './testing.ts'

const path = '/api/v1/namespaces/default/pods/web/portforward'

let server: TestServer
/** What runs in the pod: answers all it was told once it has been told all. */
let inPod: Server
let inside: Set<Socket>
const clients: Duplex[] = []
beforeEach(async () => {
  inside = new Set()
  inPod = createServer({ allowHalfOpen: true }, socket => {
    inside.add(socket)
    const told: Buffer[] = []
    socket.on('data', chunk => told.push(chunk))
    socket.on('end', () => socket.end(`told ${Buffer.concat(told)}`))
    socket.on('error', () => {})
    socket.on('close', () => inside.delete(socket))
  })
  await new Promise<void>(resolve => inPod.listen(0, '127.0.0.1', resolve))
  const { port: actual } = inPod.address() as AddressInfo
  server = await testServer(async () => ({
    type: 'connections',
    pod: {
      name: 'web',
      connect(port) {
        if (port !== 80) throw new Error(`dial tcp4 127.0.0.1:${port}: connect: connection refused`)
        return new Promise((resolve, reject) => {
          const socket = connect({ port: actual, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket))
          socket.once('error', reject)
        })
      },
    },
  }))
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await server[Symbol.asyncDispose]()
  inPod.close()
})

const credentials = () => {
  const { ca, clients } = server.certificates
  return { ca, cert: clients.admin?.certificate ?? '', key: clients.admin?.key ?? '' }
}
const socketTo = (query: string, protocols: string[]) =>
  new WebSocket(`wss://127.0.0.1:${server.port}${path}${query}`, protocols, credentials())

async function overSpdy(): Promise<SpdyClient> {
  const socket = await upgraded(server, path, { 'x-stream-protocol-version': portForwardProtocol })
  clients.push(socket)
  return spdyClient(socket)
}

function dial(client: SpdyClient, requestid: string, port = '80') {
  const error = client.open({ streamtype: 'error', port, ...(requestid && { requestid }) })
  error.end()
  const data = client.open({ streamtype: 'data', port, ...(requestid && { requestid }) })
  return { error, data }
}

describe('over SPDY', () => {
  test('a connection may be ended in one direction first; no error is told by nothing', async () => {
    const { error, data } = dial(await overSpdy(), '0')
    data.send('this')
    data.end()
    expect(await data.ended).toBe('told this')
    expect(await error.ended).toBe('')
  })

  test('many connections at once do not mix, also of clients that number nothing', async () => {
    const client = await overSpdy()
    const all = Array.from({ length: 60 }, (_, i) => ({ i, ...dial(client, i < 40 ? String(i) : '') }))
    for (const { i, data } of all) data.send(`number ${i}`)
    for (const { data } of all) data.end()
    expect(await Promise.all(all.map(({ data }) => data.ended))).toEqual(all.map(({ i }) => `told number ${i}`))
    await expect.poll(() => inside.size).toBe(0)
  })

  test('what cannot be reached is told on the stream for errors, and the rest goes on', async () => {
    const client = await overSpdy()
    const { error, data } = dial(client, '0', '81')
    expect(await error.ended).toBe(
      'error forwarding port 81 to pod web, uid : dial tcp4 127.0.0.1:81: connect: connection refused',
    )
    await expect(data.ended).rejects.toThrow('reset')
    const other = dial(client, '1')
    other.data.end()
    expect(await other.data.ended).toBe('told ')
  })

  test('megabytes go through', async () => {
    const { data } = dial(await overSpdy(), '0')
    for (let i = 0; i < 30; i++) data.send(Buffer.alloc(100_000, 'y'))
    data.end()
    expect(await data.ended).toHaveLength(3_000_005)
  })

  test.each([{ port: '0' }, { port: 'http' }, { port: '65536' }, {}, { port: '80', streamtype: 'other' }])(
    'a stream with %j is reset',
    async headers => {
      const client = await overSpdy()
      await expect(client.open({ streamtype: 'data', ...(headers as object) }).ended).rejects.toThrow('reset')
    },
  )

  test('the second stream of its kind is reset', async () => {
    const client = await overSpdy()
    await client.open({ streamtype: 'error', port: '80', requestid: '5' }).accepted
    await expect(client.open({ streamtype: 'error', port: '80', requestid: '5' }).ended).rejects.toThrow('reset')
  })

  test('a client that vanishes takes its connections along', async () => {
    const socket = await upgraded(server, path, { 'x-stream-protocol-version': portForwardProtocol })
    const client = spdyClient(socket)
    for (const request of ['1', '2', '3']) dial(client, request).data.send('x')
    await expect.poll(() => inside.size).toBe(3)
    socket.destroy()
    await expect.poll(() => inside.size).toBe(0)
  })

  test('a connection whose client resets it is closed in the pod', async () => {
    const { data } = dial(await overSpdy(), '0')
    data.send('x')
    await expect.poll(() => inside.size).toBe(1)
    data.reset()
    await expect.poll(() => inside.size).toBe(0)
  })

  test('half a pair is waited for half a minute', async () => {
    const clock = virtualClock()
    const [near, far] = pipe()
    const pod = { name: 'web', connect: () => Promise.reject(new Error('never asked')) }
    const forwarded = forwardOverSpdy(near, { pod, clock })
    const error = spdyClient(far).open({ streamtype: 'error', port: '80', requestid: '9' })
    await error.accepted
    await clock.advance(30_000)
    expect(await error.ended).toBe('(request=9) timed out waiting for streams')
    far.destroy()
    await forwarded
    expect(clock.timers).toBe(0)
  })
})

test('SPDY inside of WebSocket messages is the same, under a name with a slash', async () => {
  const { socket, protocol } = await tunnel()
  expect(protocol).toBe(tunnelProtocol)
  const stream = createWebSocketStream(socket)
  clients.push(stream)
  const { data, error } = dial(spdyClient(stream), '0')
  data.send('tunnelled')
  data.end()
  expect(await data.ended).toBe('told tunnelled')
  expect(await error.ended).toBe('')
})

/** The library takes no answer that it did not offer, and offers no name with a slash: both go past it. */
function tunnel(): Promise<{ socket: WebSocket; protocol: unknown }> {
  let protocol: unknown
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, {
    ...credentials(),
    headers: { 'sec-websocket-protocol': tunnelProtocol },
    finishRequest(request) {
      request.prependListener('upgrade', ({ headers }) => {
        protocol = headers['sec-websocket-protocol']
        delete headers['sec-websocket-protocol']
      })
      request.end()
    },
  } as ConstructorParameters<typeof WebSocket>[2])
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ socket, protocol }))
    socket.once('error', reject)
  })
}

describe('over WebSocket channels', () => {
  const talk = (query: string, protocols: string[], begin: (socket: WebSocket) => void) => {
    const socket = socketTo(query, protocols)
    const isBase64 = protocols[0]?.includes('base64')
    const channels: Record<number, Buffer[]> = {}
    return new Promise<{ code: number; protocol: string; channels: Record<number, string> }>((resolve, reject) => {
      socket.on('open', () => begin(socket))
      socket.on('message', (message: Buffer) => {
        const channel = isBase64 ? (message[0] ?? 0) - 48 : (message[0] ?? 0)
        const data = isBase64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1)
        ;(channels[channel] ??= []).push(data)
      })
      socket.on('close', code => {
        const texts = Object.entries(channels).map(([channel, parts]) => [channel, Buffer.concat(parts).toString('latin1')])
        resolve({ code, protocol: socket.protocol, channels: Object.fromEntries(texts) })
      })
      socket.on('error', reject)
    })
  }

  test('each begins with its port, errors have a channel of their own, and the close is a good one', async () => {
    const said = await talk('?ports=81&ports=82', ['v4.channel.k8s.io'], () => {})
    const refused = (port: number) =>
      `error forwarding port ${port} to pod web, uid : dial tcp4 127.0.0.1:${port}: connect: connection refused`
    expect(said).toEqual({
      code: 1000,
      protocol: 'v4.channel.k8s.io',
      channels: { 0: 'Q\0', 1: `Q\0${refused(81)}`, 2: 'R\0', 3: `R\0${refused(82)}` },
    })
  })

  test.each([
    ['v4.channel.k8s.io', Buffer.from('\0hi')],
    ['v4.base64.channel.k8s.io', `0${Buffer.from('hi').toString('base64')}`],
  ])('%s carries data', async (protocol, message) => {
    const said = await talk('?ports=80,81', [protocol], socket => {
      socket.send(message)
      void expect
        .poll(() => [...inside][0]?.bytesRead)
        .toBe(2)
        .then(() => [...inside][0]?.end('bye'))
    })
    expect(said.channels[0]).toBe('P\0bye')
  })

  test('a client that vanishes takes its connections along', async () => {
    const socket = socketTo('?ports=80', ['v4.channel.k8s.io'])
    await expect.poll(() => inside.size).toBe(1)
    socket.terminate()
    await expect.poll(() => inside.size).toBe(0)
  })

  test.each([
    ['', 'query parameter "port" is required'],
    ['ports=', 'query parameter "port" cannot be empty'],
    ['ports=80,x', 'unable to parse "80,x" as a port'],
    ['ports=70000', 'unable to parse "70000" as a port'],
    ['ports=0', 'port "0" must be > 0'],
  ])('?%s is refused', (query, message) => {
    expect(() => portsOf(new URLSearchParams(query))).toThrow(message)
  })
})
