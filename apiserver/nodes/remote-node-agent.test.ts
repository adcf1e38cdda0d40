import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Node } from '../../api/core/node.ts'
import type { ExecSession, NodeAgent } from '../../api/node-agent.ts'
import { ConnectionRefused } from '../../kubelet/runtime/runtime.ts'
import { servedKubelet } from '../../kubelet/server/testing.ts'
import { systemClock as clock } from '../../lib/clock.ts'
import { echo } from '../../streaming/testing.ts'
import { kubeletAddress } from './address.ts'
import { type KubeletClient, kubeletClient } from './kubelet-client.ts'
import { remoteNodeAgent } from './remote-node-agent.ts'

const target = { namespace: 'default', name: 'web', uid: 'uid-1', container: 'app' }
const options = { command: ['sh', '-c', 'a b'], stdin: true, stdout: true, stderr: true, tty: false }

let kubelet: Awaited<ReturnType<typeof servedKubelet>>
let client: KubeletClient
let far: NodeAgent
let asked: unknown[]
let command: ReturnType<typeof echo>
let pod: Server
let logSignal: AbortSignal | undefined

async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** What runs in the pod: answers when it has heard all. */
const inPod = (socket: Socket) => {
  const heard: Buffer[] = []
  socket.on('data', chunk => heard.push(chunk))
  socket.on('end', () => socket.end(`heard ${Buffer.concat(heard).length}`))
  socket.on('error', () => {})
}

const near: Partial<NodeAgent> = {
  async *logs(of, logOptions, signal) {
    logSignal = signal
    asked.push([of, logOptions])
    if (logOptions.follow) yield new Uint8Array()
    if (logOptions.sinceSeconds !== 1) yield Buffer.from('first\n')
    if (logOptions.follow) await new Promise(resolve => signal.addEventListener('abort', resolve))
  },
  exec: async (of, execOptions) => {
    asked.push([of, execOptions])
    return command.session
  },
  attach: async (of, attachOptions) => {
    asked.push([of, attachOptions])
    return command.session
  },
  connect: (_of, port) => {
    if (port !== 80) return Promise.reject(new ConnectionRefused('x', port))
    const { port: to } = pod.address() as { port: number }
    return new Promise<Duplex>((resolve, reject) => {
      const socket = connectTcp({ port: to, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket))
      socket.once('error', reject)
    })
  },
  serve: async path => {
    if (path !== '/stats/summary') return { status: 200, contentType: 'application/json', body: '{}' }
    const container = { name: 'app', cpu: { usageNanoCores: 7 }, memory: { workingSetBytes: 9 } }
    const body = JSON.stringify({ node: {}, pods: [{ podRef: { name: 'web', namespace: 'default' }, containers: [container] }] })
    return { status: 200, contentType: 'application/json', body }
  },
}

beforeEach(async () => {
  asked = []
  command = echo({ exitCode: 3 })
  pod = createServer({ allowHalfOpen: true }, inPod)
  await new Promise<void>(resolve => pod.listen(0, '127.0.0.1', () => resolve()))
  kubelet = await servedKubelet({ agent: near })
  const credentials = kubelet.certificates.clients.kubelets
  if (!credentials) throw new Error('no credentials')
  client = kubeletClient({ credentials, clock })
  far = remoteNodeAgent({ client: async () => client, locate: async () => ({ host: '127.0.0.1', port: kubelet.port }), clock })
})
afterEach(async () => {
  client.close()
  await kubelet[Symbol.asyncDispose]()
  pod.close()
})

describe('commands', () => {
  test('get what they are told, and answer with their streams and their exit code', async () => {
    const session = await far.exec(target, options)
    await session.write(Buffer.from('a'.repeat(200_000)))
    session.closeStdin()
    const [out, err, end] = await Promise.all([textOf(session.stdout), textOf(session.stderr), session.done])
    expect({ out: out.length, err, end }).toEqual({ out: 200_004, err: 'warned', end: { exitCode: 3 } })
    expect(asked).toEqual([[{ ...target, uid: '' }, options]])
    expect(command.log).toEqual(['closed'])
  })

  test('of one client after the other: each shows who it is, also when the handshake is cut short', async () => {
    for (let i = 0; i < 4; i++) {
      command = echo()
      const session = await far.exec(target, options)
      session.closeStdin()
      expect(await session.done).toEqual({ exitCode: 0 })
    }
    expect(new Set(kubelet.asked)).toEqual(new Set(['api create nodes/proxy n1']))
  })

  test('of success; of what could not be run, with the reason once', async () => {
    command = echo()
    const well = await far.exec(target, options)
    well.closeStdin()
    expect(await well.done).toEqual({ exitCode: 0 })
    command = echo({ exitCode: -1, message: 'no such container' })
    const failed = await far.exec(target, options)
    failed.closeStdin()
    expect(await failed.done).toEqual({ exitCode: -1, message: 'no such container' })
  })

  test('a terminal has a size, and no standard error', async () => {
    const session = await far.attach(target, { ...options, tty: true })
    session.resize(80, 24)
    await expect.poll(() => command.log).toEqual(['80x24'])
    session.closeStdin()
    expect(await textOf(session.stdout)).toContain('got ')
    expect(asked).toEqual([
      [
        { ...target, uid: '' },
        { stdin: true, stdout: true, stderr: false, tty: true },
      ],
    ])
  })

  test('hanging up hangs up there', async () => {
    const session = await far.exec(target, options)
    session.close()
    await expect.poll(() => command.log).toContain('closed')
    expect((await session.done).exitCode).toBe(-1)
  })

  test('a kubelet that goes away ends them', async () => {
    const session = await far.exec(target, options)
    await kubelet[Symbol.asyncDispose]()
    expect(await session.done).toEqual({ exitCode: -1, message: 'the connection to the node was lost' })
    expect(await textOf(session.stdout)).toBe('')
  })

  test('what the kubelet refuses is refused', async () => {
    const failing = (session: Promise<ExecSession>) =>
      session.then(
        () => undefined,
        error => [error.status.code, error.message],
      )
    expect(await failing(far.exec({ ...target, name: 'no' }, options))).toEqual([404, 'pod does not exist'])
    expect(await failing(far.exec(target, { ...options, stdin: false, stdout: false, stderr: false }))).toEqual([
      400,
      'you must specify at least 1 of stdin, stdout, stderr',
    ])
  })
})

describe('connections', () => {
  test('each side ends by itself', async () => {
    const socket = await (far.connect ?? never)(target, 80)
    socket.end('x'.repeat(300_000))
    expect(await textOf(socket)).toBe('heard 300000')
  })

  test('carry much, both ways at once', async () => {
    pod.removeAllListeners('connection')
    pod.on('connection', (socket: Socket) => socket.pipe(socket))
    const socket = await (far.connect ?? never)(target, 80)
    const sent = Buffer.alloc(8 * 1024 * 1024, 'xyz')
    const [back] = await Promise.all([textOf(socket), new Promise<void>(resolve => socket.end(sent, () => resolve()))])
    expect(back.length).toBe(sent.length)
    expect(Buffer.from(back).equals(sent)).toBe(true)
  })

  test('where nobody listens end with the words of the kubelet', async () => {
    const socket = await (far.connect ?? never)(target, 81)
    const failure = await new Promise<Error & { code?: string }>(resolve => socket.once('error', resolve))
    expect(failure.code).toBe('ECONNREFUSED')
    expect(failure.message).toMatch(
      /^error forwarding port 81 to pod web, uid : failed to connect to localhost:81 .*: connection refused$/,
    )
  })

  test('that are hung up are hung up there', async () => {
    const there = new Promise<Socket>(resolve => pod.once('connection', resolve))
    const socket = await (far.connect ?? never)(target, 80)
    socket.write('hello')
    const end = await there
    const closed = new Promise(resolve => end.once('close', resolve))
    socket.destroy()
    await closed
  })
})
const never = () => Promise.reject(new Error('it does not connect'))

describe('logs', () => {
  test('with every parameter; the reader ends them', async () => {
    const stop = new AbortController()
    const got: string[] = []
    const logOptions = { follow: true, previous: false, timestamps: true, tailLines: 0, sinceTime: '2026-01-01T00:00:00Z' }
    for await (const chunk of far.logs(target, { ...logOptions, container: 'app' }, stop.signal)) {
      got.push(Buffer.from(chunk).toString())
      if (chunk.length > 0) stop.abort()
    }
    expect(got).toEqual(['', 'first\n'])
    expect(asked).toEqual([[{ ...target, uid: '' }, logOptions]])
    await expect.poll(() => logSignal?.aborted).toBe(true)
  })

  test('of one that says nothing: it is known that there is a log', async () => {
    const stop = new AbortController()
    const chunks = far.logs(target, { follow: true, sinceSeconds: 1 }, stop.signal)[Symbol.asyncIterator]()
    expect(await chunks.next()).toEqual({ value: new Uint8Array(), done: false })
    stop.abort()
    await chunks.return?.()
  })

  test('of a container that is not there', async () => {
    const read = textOf(far.logs({ ...target, container: 'no' }, {}, new AbortController().signal))
    await expect(read).rejects.toMatchObject({ status: { code: 404, message: 'container "no" not found in pod "web"' } })
  })
})

test('figures and pages', async () => {
  expect(await far.stats?.()).toEqual([
    { name: 'web', namespace: 'default', containers: [{ name: 'app', cpuNanoCores: 7, memoryWorkingSetInBytes: 9 }] },
  ])
  expect(await far.serve?.('/pods', new URLSearchParams())).toMatchObject({ status: 200, body: '{}' })
  expect(await far.serve?.('/nowhere', new URLSearchParams())).toMatchObject({ status: 404, body: '404 page not found\n' })
})

describe('a kubelet that cannot be reached', () => {
  const unreachable = async (how: Partial<Parameters<typeof kubeletClient>[0]['credentials']> = {}, port = 1) => {
    const credentials = { ...(kubelet.certificates.clients.kubelets ?? { certificate: '', key: '' }), ...how }
    const other = kubeletClient({ credentials, clock })
    return remoteNodeAgent({ client: async () => other, locate: async () => ({ host: '127.0.0.1', port }), clock })
  }
  const failure = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'it worked',
      (error: Error) => error.message,
    )

  test('is told of in the words of Go', async () => {
    const agent = await unreachable()
    const read = textOf(agent.logs(target, { tailLines: 1 }, new AbortController().signal))
    const dial = 'dial tcp 127.0.0.1:1: connect: connection refused'
    await expect(read).rejects.toMatchObject({
      message: `Get "https://127.0.0.1:1/containerLogs/default/web/app?tailLines=1": ${dial}`,
      status: { code: 500, reason: '' },
    })
    expect(await failure(agent.exec(target, options))).toBe(`error dialing backend: ${dial}`)
    expect(await failure((agent.connect ?? never)(target, 80))).toBe(`error dialing backend: ${dial}`)
  })

  test('for its certificate, if certificates are looked at', async () => {
    const agent = await unreachable({ certificateAuthority: kubelet.certificates.ca }, kubelet.port)
    expect(await failure(agent.exec(target, options))).toBe(
      'error dialing backend: tls: failed to verify certificate: x509: certificate signed by unknown authority',
    )
  })

  test('a certificate of the authority is good', async () => {
    const signed = await servedKubelet({ agent: near, certificate: () => kubelet.certificates.server })
    const agent = await unreachable({ certificateAuthority: kubelet.certificates.ca }, signed.port)
    expect(await agent.serve?.('/pods', new URLSearchParams())).toMatchObject({ status: 200 })
    await signed[Symbol.asyncDispose]()
  })
})

test.each<[string, object, string]>([
  [
    'the address within the cluster first',
    {
      addresses: [
        ['Hostname', 'h'],
        ['InternalIP', '10.0.0.1'],
      ],
      port: 7,
    },
    '10.0.0.1:7',
  ],
  ['its name, if that is all there is', { addresses: [['Hostname', 'h']] }, 'h:10250'],
  ['nothing', { addresses: [['Other', 'x']] }, 'no preferred addresses found; known addresses: [Other]'],
])('where a kubelet listens: %s', (_what, { addresses, port }: { addresses?: string[][]; port?: number }, expected) => {
  const status = {
    addresses: addresses?.map(([type, address]) => ({ type, address })),
    ...(port !== undefined && { daemonEndpoints: { kubeletEndpoint: { Port: port } } }),
  }
  const find = () => {
    const found = kubeletAddress({ status } as unknown as Node)
    return `${found.host}:${found.port}`
  }
  if (expected.startsWith('no ')) expect(find).toThrow(expected)
  else expect(find()).toBe(expected)
})
