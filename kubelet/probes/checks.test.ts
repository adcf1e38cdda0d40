import { createServer, type Server } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import type { Probe } from '../pod-types.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { samplePod } from '../samples.ts'
import { createCheck } from './checks.ts'

const runtime = {
  async execSync(_id: string, command: readonly string[], timeoutInMs: number) {
    if (command[0] === 'broken') throw new Error('no shim')
    const timedOut = command[0] === 'slow'
    return { exitCode: command[0] === 'false' ? 1 : 0, output: `${command.join(' ')} ${timeoutInMs}`, timedOut }
  },
} as unknown as ContainerRuntime
const ask = createCheck({ runtime, clock: systemClock })

function target(port = 0, podIp = '127.0.0.1') {
  const env = [{ name: 'A', value: 'a' }]
  const [container] = samplePod({
    containers: [{ name: 'app', image: 'app:1', env, ports: [{ name: 'web', containerPort: port }] }],
  }).spec.containers
  return { container: container!, containerId: 'c', podIp }
}
const probe = (handler: Partial<Probe>): Probe => ({
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
  ...handler,
})
const http = (path: string, more: object = {}) => probe({ httpGet: { path, port: 'web', scheme: 'HTTP', ...more } })

async function listening(server: Pick<Server, 'listen' | 'address' | 'close'>) {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())) }
}

const web = () =>
  listening(
    createServer((request, response) => {
      const status = Number(request.url?.slice(1)) || 200
      const location =
        request.url === '/301'
          ? '/200'
          : request.url === '/302'
            ? 'http://elsewhere.invalid/'
            : request.url === '/307'
              ? '/307'
              : undefined
      response.writeHead(status, { ...(location && { location }), connection: 'close' })
      response.end(`${request.headers['user-agent']} ${request.headers.host === 'named' ? 'named' : 'plain'}`)
    }),
  )

test('HTTP: 200 to 399 is success, on the way too; anything else a failure', async () => {
  await using server = await web()
  const at = target(server.port)
  expect(await ask(http('/'), at)).toMatchObject({ outcome: 'success', output: 'kube-probe/1.34 plain' })
  expect(await ask(http('/', { httpHeaders: [{ name: 'Host', value: 'named' }] }), at)).toMatchObject({
    output: 'kube-probe/1.34 named',
  })
  expect(await ask(http('/301'), at)).toMatchObject({ outcome: 'success' })
  expect(await ask(http('/302'), at)).toMatchObject({
    outcome: 'success',
    warning: expect.stringMatching(/^Probe terminated redirects, Response body: /),
  })
  expect(await ask(http('/307'), at)).toMatchObject({
    outcome: 'failure',
    output: expect.stringContaining('stopped after 10 redirects'),
  })
  expect(await ask(http('/304'), at)).toMatchObject({ outcome: 'success' })
  expect(await ask(http('/503'), at)).toEqual({ outcome: 'failure', output: 'HTTP probe failed with statuscode: 503' })
})

test('a closed port is a failure, for HTTP and TCP; an open one is a TCP success', async () => {
  const { port } = await (async () => {
    await using server = await web()
    expect(await ask(probe({ tcpSocket: { port: server.port } }), target())).toMatchObject({ outcome: 'success' })
    return { port: server.port }
  })()
  expect(await ask(probe({ tcpSocket: { port: 'web' } }), target(port))).toEqual({
    outcome: 'failure',
    output: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  })
  expect(await ask(http('/'), target(port))).toEqual({
    outcome: 'failure',
    output: `Get "http://127.0.0.1:${port}/": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  })
})

test.each([
  [['true', '$(A)', '$(B)'], { outcome: 'success', output: 'true a $(B) 1000' }],
  [['false'], { outcome: 'failure', output: 'false 1000' }],
  [['slow'], { outcome: 'failure', output: 'command timed out: "slow" timed out after 1s' }],
  [['broken'], { outcome: 'error', output: 'no shim' }],
])('exec %j', async (command, expected) => expect(await ask(probe({ exec: { command } }), target())).toEqual(expected))

test('a port that nobody knows cannot be asked', async () => {
  expect(await ask(probe({ tcpSocket: { port: 'other' } }), target(80))).toEqual({
    outcome: 'error',
    output: "couldn't find port: other in container app",
  })
})

/** A server that says to each request what stands here, byte by byte. */
const canned = (answer: string, heard: string[] = []) =>
  listening(
    createTcpServer(socket => {
      socket.on('error', () => {})
      socket.once('data', data => {
        heard.push(String(data))
        socket.end(answer)
      })
    }) as unknown as Server,
  )

test('lines without a carriage return are an answer, too', async () => {
  await using server = await canned('HTTP/1.1 200 OK\nContent-Type: text/plain\n\nfine')
  expect(await ask(http('/'), target(server.port))).toEqual({ outcome: 'success', output: 'fine' })
})

test('what a probe sends: headers add up, an empty Accept goes, nothing else comes', async () => {
  const heard: string[] = []
  await using server = await canned('HTTP/1.1 200 OK\r\n\r\n', heard)
  const httpHeaders = [
    { name: 'X-A', value: '1' },
    { name: 'x-a', value: '2' },
    { name: 'Accept', value: '' },
    { name: 'User-Agent', value: 'me' },
  ]
  await ask(http('//elsewhere.invalid/a%20b?c=d#e', { httpHeaders }), target(server.port))
  expect(heard[0]?.toLowerCase().trim().split('\r\n').sort()).toEqual([
    'connection: close',
    'get /a%20b?c=d http/1.1',
    `host: 127.0.0.1:${server.port}`,
    'user-agent: me',
    'x-a: 1',
    'x-a: 2',
  ])
})

test('a body is cut to 10 KiB; one that breaks off cannot be judged', async () => {
  await using long = await canned(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(20_000)}`)
  expect((await ask(http('/'), target(long.port))).output).toHaveLength(10 * 1024)
  await using broken = await canned('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
  expect(await ask(http('/'), target(broken.port))).toMatchObject({ outcome: 'error' })
})

test('ten requests are made before redirects have gone too far', async () => {
  const heard: string[] = []
  await using server = await canned('HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n', heard)
  expect(await ask(http('/'), target(server.port))).toEqual({
    outcome: 'failure',
    output: 'Get "/again": stopped after 10 redirects',
  })
  expect(heard).toHaveLength(10)
})

test('a redirect without a way is a success with a warning', async () => {
  await using server = await canned('HTTP/1.1 302 Found\r\n\r\nnowhere')
  const warning = 'Probe terminated redirects, Response body: nowhere'
  expect(await ask(http('/'), target(server.port))).toEqual({ outcome: 'success', output: 'nowhere', warning })
})

test('HTTPS is not verified; plain HTTP behind it is a failure that says so', async () => {
  await using plain = await canned('HTTP/1.1 400 Bad Request\r\n\r\n')
  expect(await ask(http('/', { scheme: 'HTTPS' }), target(plain.port))).toEqual({
    outcome: 'failure',
    output: `Get "https://127.0.0.1:${plain.port}/": http: server gave HTTP response to HTTPS client`,
  })
})

test('a server that says nothing in time is a failure', async () => {
  await using silent = await listening(createTcpServer(socket => void socket.on('error', () => {}).resume()) as unknown as Server)
  const at = target(silent.port)
  expect(await ask(http('/'), at)).toEqual({
    outcome: 'failure',
    output: `Get "http://127.0.0.1:${silent.port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
  })
  expect(await ask(probe({ grpc: { port: silent.port, service: '' } }), at)).toEqual({
    outcome: 'failure',
    output: `timeout: failed to connect service "127.0.0.1:${silent.port}" within 1s: context deadline exceeded`,
  })
})

test.each([
  ['12', '', 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health): '],
  ['5', 'unknown%20service', 'error: health rpc probe failed: rpc error: code = NotFound desc = unknown service'],
])('a gRPC server that answers with code %s', async (code, text, output) => {
  const asked: string[] = []
  const server = createHttp2Server()
  server.on('stream', (stream, headers) => {
    asked.push(String(headers['user-agent']))
    stream.on('data', (chunk: Buffer) => asked.push(chunk.subarray(7).toString()))
    stream.respond({ ':status': 200, 'grpc-status': code, 'grpc-message': text }, { endStream: true })
  })
  await using health = await listening(server as unknown as Server)
  expect(await ask(probe({ grpc: { port: health.port, service: 'db' } }), target())).toEqual({ outcome: 'failure', output })
  expect(asked).toEqual(['kube-probe/1.34', 'db'])
})

test.each([
  [1, { outcome: 'success', output: 'service healthy' }],
  [2, { outcome: 'failure', output: 'service unhealthy (responded with "NOT_SERVING")' }],
])('gRPC health %i', async (status, expected) => {
  const server = createHttp2Server()
  server.on('stream', stream => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, status]))
  })
  await using health = await listening(server as unknown as Server)
  expect(await ask(probe({ grpc: { port: health.port, service: 'db' } }), target())).toEqual(expected)
})
