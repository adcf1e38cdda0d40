import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { ApiError } from '../api/errors.ts'
import type { Transport, WatchEvent } from '../api/transport.ts'
import { resultOf } from '../streaming/exec-result.ts'
import { type HttpTransport, httpTransport, requestOf } from './http-transport.ts'

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } })

type Handler = (request: IncomingMessage & { text: string }, response: ServerResponse) => void

/** A loopback server that answers as told, and a transport to it. */
async function setUp(handler: Handler, options: Partial<Parameters<typeof httpTransport>[0]> = {}) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => handler(Object.assign(request, { text: Buffer.concat(chunks).toString() }), response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const transport = httpTransport({ server: `http://127.0.0.1:${port}`, userAgent: 'tester/1', ...options })
  return {
    server,
    port,
    transport,
    async [Symbol.asyncDispose]() {
      transport.close()
      await closed(server)
    },
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}

const json = (response: ServerResponse, code: number, body: unknown) =>
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))

test.each([
  [{ verb: 'get', ...pods, name: 'a' }, 'GET /api/v1/namespaces/default/pods/a', undefined],
  [
    { verb: 'list', ...pods, options: { labelSelector: 'app in (a,b)', limit: 5 } },
    'GET /api/v1/namespaces/default/pods?labelSelector=app+in+%28a%2Cb%29&limit=5',
    undefined,
  ],
  [
    { verb: 'watch', ...pods, options: { resourceVersion: '7' } },
    'GET /api/v1/namespaces/default/pods?resourceVersion=7&watch=true',
    undefined,
  ],
  [
    { verb: 'create', ...pods, body: pod('a'), options: { dryRun: true } },
    'POST /api/v1/namespaces/default/pods?dryRun=All',
    pod('a'),
  ],
  [
    { verb: 'update', ...pods, name: 'a', subresource: 'status', body: pod('a') },
    'PUT /api/v1/namespaces/default/pods/a/status',
    pod('a'),
  ],
  [
    { verb: 'patch', ...pods, name: 'a', patchType: 'json', body: [{ op: 'test' }], options: { force: true } },
    'PATCH /api/v1/namespaces/default/pods/a?force=true',
    [{ op: 'test' }],
  ],
  [
    {
      verb: 'delete',
      ...pods,
      name: 'a',
      options: { gracePeriodSeconds: 0, propagationPolicy: 'Orphan', preconditions: { uid: 'u' } },
    },
    'DELETE /api/v1/namespaces/default/pods/a',
    { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Orphan', preconditions: { uid: 'u' } },
  ],
] as [Parameters<typeof requestOf>[0], string, unknown][])('%j', (call, line, body) => {
  const request = requestOf(call)
  expect(`${request.method} ${request.path}`).toBe(line)
  expect(request.body === undefined ? undefined : JSON.parse(request.body)).toEqual(body)
})

test('a call carries who it is and why', async () => {
  const seen: Record<string, unknown>[] = []
  await using setup = await setUp(
    (request, response) => {
      const { authorization, baggage, 'content-type': type, 'user-agent': agent } = request.headers
      seen.push({ authorization, baggage, type, agent, body: JSON.parse(request.text) })
      json(response, 201, pod('a'))
    },
    { token: 'secret' },
  )
  const answer = await setup.transport.call({ verb: 'create', ...pods, body: pod('a'), cause: { actor: 'me', wokenBy: [3] } })
  expect(answer).toEqual(pod('a'))
  expect(seen).toEqual([
    {
      authorization: 'Bearer secret',
      baggage: 'wherry.actor=me,wherry.woken=3',
      type: 'application/json',
      agent: 'tester/1',
      body: pod('a'),
    },
  ])
})

test('a Status becomes its error; other failures get one made from the code', async () => {
  await using setup = await setUp((request, response) => {
    if (request.url?.endsWith('/a'))
      json(response, 404, new ApiError('NotFound', 'pods "a" not found', { details: { name: 'a' } }).status)
    else response.writeHead(503).end('upstream is away')
  })
  const status = (name: string) => setup.transport.call({ verb: 'get', ...pods, name }).catch((error: ApiError) => error.status)
  expect(await status('a')).toMatchObject({
    reason: 'NotFound',
    code: 404,
    message: 'pods "a" not found',
    details: { name: 'a' },
  })
  expect(await status('b')).toMatchObject({ reason: 'ServiceUnavailable', code: 503, message: 'upstream is away' })
})

test('a server that is not there is named', async () => {
  const { port, transport, [Symbol.asyncDispose]: dispose } = await setUp(() => {})
  await dispose()
  const error = (await transport.call({ verb: 'list', ...pods }).catch((error: unknown) => error)) as ApiError
  expect(error.status).toMatchObject({ reason: 'ServiceUnavailable' })
  expect(error.message).toBe(
    `The connection to the server 127.0.0.1:${port} was refused - did you specify the right host or port?`,
  )
  expect((error.cause as NodeJS.ErrnoException).code).toBe('ECONNREFUSED')
})

test('a connection that the server closed just then is opened anew for reading, but nothing is written twice', async () => {
  const seen: string[] = []
  await using setup = await setUp((request, response) => {
    seen.push(request.method ?? '')
    if (seen.length % 2 === 0) response.destroy()
    else json(response, 200, pod('a'))
  })
  const get = () => setup.transport.call({ verb: 'get', ...pods, name: 'a' })
  await get()
  expect(await get()).toEqual(pod('a'))
  await expect(setup.transport.call({ verb: 'create', ...pods, body: pod('a') })).rejects.toThrow('Unable to connect')
  expect(seen).toEqual(['GET', 'GET', 'GET', 'POST'])
})

test('a server that says nothing is given up', async () => {
  await using setup = await setUp(() => {}, { silenceInMs: 20 })
  await expect(setup.transport.call({ verb: 'list', ...pods })).rejects.toThrow(
    'Unable to connect to the server: no answer within 20 ms',
  )
})

test('items of a list learn their kind from it', async () => {
  await using setup = await setUp((_request, response) =>
    json(response, 200, {
      apiVersion: 'v1',
      kind: 'PodList',
      metadata: { resourceVersion: '9' },
      items: [{ metadata: { name: 'a' } }],
    }),
  )
  const list = (await setup.transport.call({ verb: 'list', ...pods })) as { items: unknown[] }
  expect(list.items).toEqual([pod('a')])
})

async function watched(transport: Transport, signal: AbortSignal): Promise<WatchEvent[]> {
  const events: WatchEvent[] = []
  for await (const batch of transport.watch({ verb: 'watch', ...pods }, signal)) events.push(...batch)
  return events
}

test('a watch is read line by line, however the bytes are cut', async () => {
  const events = ['ä', 'b', 'c'].map(name => ({ type: 'ADDED', object: pod(name) }))
  const end = {
    type: 'BOOKMARK',
    object: { metadata: { resourceVersion: '4', annotations: { 'k8s.io/initial-events-end': 'true' } } },
  }
  await using setup = await setUp((_request, response) => {
    const bytes = Buffer.from([...events, end].map(event => `${JSON.stringify(event)}\n`).join(''))
    response.writeHead(200)
    for (let i = 0; i < bytes.length; i += 7) response.write(bytes.subarray(i, i + 7))
    response.end()
  })
  expect(await watched(setup.transport, new AbortController().signal)).toEqual([...events, { ...end, endOfInitialEvents: true }])
})

test('a watch that expires says so, one that is refused as well, and one that is given up ends quietly', async () => {
  await using setup = await setUp((request, response) => {
    if (request.url?.includes('resourceVersion=1')) {
      return void response.end(`${JSON.stringify({ type: 'ERROR', object: new ApiError('Expired', 'too old').status })}\n`)
    }
    if (request.url?.includes('resourceVersion=2')) return void json(response, 403, new ApiError('Forbidden', 'no').status)
    response.writeHead(200).write('\n')
  })
  const failed = async (resourceVersion: string) => {
    const events = setup.transport.watch({ verb: 'watch', ...pods, options: { resourceVersion } }, new AbortController().signal)
    try {
      for await (const _ of events);
    } catch (error) {
      return (error as ApiError).status.reason
    }
  }
  expect(await failed('1')).toBe('Expired')
  expect(await failed('2')).toBe('Forbidden')
  const stopping = new AbortController()
  const watching = watched(setup.transport, stopping.signal)
  await new Promise(resolve => setImmediate(resolve))
  stopping.abort()
  expect(await watching).toEqual([])
})

test('logs come as bytes, raw paths as JSON or text, warnings are passed on', async () => {
  const warnings: string[] = []
  await using setup = await setUp(
    (request, response) => {
      response.setHeader('warning', '299 - "old \\"thing\\""')
      if (request.url === '/version') json(response, 200, { major: '1' })
      else if (request.url === '/healthz') response.end('ok')
      else response.end(`log of ${request.url}`)
    },
    { onWarning: text => warnings.push(text) },
  )
  const chunks: Uint8Array[] = []
  const signal = new AbortController().signal
  for await (const chunk of setup.transport.logs({ namespace: 'default', name: 'a' }, { tailLines: 3, follow: true }, signal))
    chunks.push(chunk)
  expect(Buffer.concat(chunks).toString()).toBe('log of /api/v1/namespaces/default/pods/a/log?tailLines=3&follow=true')
  expect(await setup.transport.raw('/version')).toEqual({ major: '1' })
  expect(await setup.transport.raw('/healthz')).toBe('ok')
  expect(warnings).toEqual(Array(3).fill('old "thing"'))
})

test.each([
  ['{"metadata":{},"status":"Success"}', { exitCode: 0 }],
  ['{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}', { exitCode: 7 }],
  ['{"status":"Failure","message":"container not found"}', { exitCode: -1, message: 'container not found' }],
  ['plain words', { exitCode: -1, message: 'plain words' }],
])('the end of a command: %s', (text, expected) => {
  expect(resultOf(text)).toEqual(expected)
})

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString()
}

/** Answers exec: echoes what is typed in capitals, ends when the input does. */
function echoing(server: Server, protocol: string): string[] {
  const heard: string[] = []
  const sockets = new WebSocketServer({ server, handleProtocols: protocols => (protocols.has(protocol) ? protocol : false) })
  sockets.on('connection', (socket, request) => {
    heard.push(request.url ?? '')
    const send = (channel: number, data: string) => socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(data)]))
    socket.on('message', (data: Buffer) => {
      const [channel] = data
      const payload = data.subarray(1)
      if (channel === 4) heard.push(payload.toString())
      if (channel === 0) send(1, payload.toString().toUpperCase())
      if (channel !== 255) return
      send(2, 'bye')
      send(3, JSON.stringify({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '3' }] } }))
      socket.close(1000)
    })
  })
  return heard
}

const execOptions = { command: ['sh', '-c', 'x y'], container: 'main', stdin: true, stdout: true, stderr: true, tty: false }
const exec = (transport: HttpTransport) => transport.exec({ namespace: 'default', name: 'a' }, execOptions)

test('exec speaks the channel protocol', async () => {
  await using setup = await setUp(() => {})
  const heard = echoing(setup.server, 'v5.channel.k8s.io')
  const session = await exec(setup.transport)
  session.resize(80, 24)
  await session.write(Buffer.from('hello'))
  session.closeStdin()
  expect(await Promise.all([text(session.stdout), text(session.stderr), session.done])).toEqual(['HELLO', 'bye', { exitCode: 3 }])
  expect(heard).toEqual([
    '/api/v1/namespaces/default/pods/a/exec?container=main&stdin=true&stdout=true&stderr=true&tty=false&command=sh&command=-c&command=x+y',
    '{"Width":80,"Height":24}',
  ])
})

test('exec that the server refuses rejects with its Status; a lost connection ends the session', async () => {
  await using setup = await setUp(() => {})
  setup.server.on('upgrade', (_request, socket) => {
    const body = JSON.stringify(new ApiError('NotFound', 'pods "a" not found').status)
    socket.end(`HTTP/1.1 404 Not Found\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
  })
  await expect(exec(setup.transport)).rejects.toThrow('pods "a" not found')
  setup.server.removeAllListeners('upgrade')
  echoing(setup.server, 'v4.channel.k8s.io')
  const session = await exec(setup.transport)
  session.close()
  expect((await session.done).exitCode).toBe(-1)
})

test('a slow reader holds the sender back, and loses nothing', async () => {
  await using setup = await setUp(() => {})
  const sockets = new WebSocketServer({ server: setup.server, handleProtocols: () => 'v5.channel.k8s.io' })
  const chunk = Buffer.alloc(1024 * 1024, 1)
  const total = 64
  sockets.on('connection', socket => {
    for (let i = 0; i < total; i++) socket.send(chunk)
    socket.send(Buffer.concat([Buffer.of(3), Buffer.from('{"status":"Success"}')]), () => socket.close(1000))
  })
  /** What the sender still holds once it gets rid of no more. */
  const heldBack = async () => {
    const [socket] = sockets.clients
    let amount = -1
    for (let still = 0; still < 500; still++) {
      await new Promise(resolve => setImmediate(resolve))
      if (socket?.bufferedAmount !== amount) still = 0
      amount = socket?.bufferedAmount ?? 0
    }
    return amount
  }
  const session = await exec(setup.transport)
  let received = 0
  for await (const part of session.stdout) {
    if (received === 0) expect(await heldBack()).toBeGreaterThan(0)
    received += part.length
  }
  expect({ received, done: await session.done }).toEqual({ received: total * (chunk.length - 1), done: { exitCode: 0 } })
})

test('acting as somebody else is said with every request', async () => {
  const seen: NodeJS.Dict<string | string[]>[] = []
  const impersonate = { user: 'jane', uid: '7', groups: ['a', 'b'], extra: { 'example.com/scope': ['x', 'y'] } }
  await using there = await setUp(
    (request, response) => {
      seen.push(request.headersDistinct)
      response.end(JSON.stringify(pod('a')))
    },
    { impersonate },
  )
  await there.transport.call({ ...pods, verb: 'get', name: 'a' })
  expect(seen[0]).toMatchObject({
    'impersonate-user': ['jane'],
    'impersonate-uid': ['7'],
    'impersonate-group': ['a', 'b'],
    'impersonate-extra-example.com%2fscope': ['x', 'y'],
  })
})
