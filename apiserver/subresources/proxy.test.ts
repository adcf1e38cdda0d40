import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NodeAgent } from '../../api/node-agent.ts'
import { users } from '../../api/user.ts'
import { callsOn, pod, pods, refusal } from '../../test/contract/calls.ts'
import type { ProxyBackend } from '../request.ts'
import { type TestServer, testServer } from '../testing.ts'
import { parseAddress } from './proxy.ts'

const services = { ...pods, resource: 'services' }
const nodes = { group: '', version: 'v1', resource: 'nodes' }

let server: TestServer
let dialled: string[]
beforeEach(async () => {
  dialled = []
  const agent = {
    connect: async (target, port) => {
      dialled.push(`${target.name}:${port}`)
      throw new Error('only asked')
    },
    serve: async () => undefined,
  } as Partial<NodeAgent> as NodeAgent
  server = await testServer({ nodeAgents: node => (node === 'n1' ? agent : undefined) })
})
afterEach(() => server.stop())
const { create, update } = callsOn(() => server.transport())

async function backendOf(target: typeof pods | typeof nodes, name: string): Promise<ProxyBackend> {
  const request = { ...target, verb: 'get', name, subresource: 'proxy', user: users.admin, parameters: { path: '/' } } as const
  const answer = await server.pipeline.handle(request)
  if (answer.type !== 'proxy') throw new Error(`a ${answer.type}`)
  return answer.backend
}
/** `scheme host` of who would be asked. */
async function where(target: typeof pods | typeof nodes, name: string): Promise<string> {
  const backend = await backendOf(target, name)
  return backend.type === 'node' ? 'the kubelet' : `${backend.scheme} ${backend.host}`
}

async function runningPod(name: string, podIP: string, { isReady = true, ports = [] as object[] } = {}) {
  const made = await create(
    pods,
    pod(name, { labels: { app: 'web' } }, { nodeName: 'n1', containers: [{ name: 'main', image: 'x', ports }] }),
  )
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }]
  await update(
    pods,
    name,
    { ...made, status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions } },
    { subresource: 'status' },
  )
}

test.each([
  ['web', { scheme: '', name: 'web', port: '' }],
  ['web:http', { scheme: '', name: 'web', port: 'http' }],
  ['https:web:', { scheme: 'https', name: 'web', port: '' }],
  ['http:web:80', { scheme: 'http', name: 'web', port: '80' }],
])('%s', (id, parts) => {
  expect(parseAddress('pod', id)).toEqual(parts)
})
test.each(['', ':80', 'ftp:web:80', 'a:b:c:d'])('%j is no address', id => {
  expect(() => parseAddress('pod', id)).toThrow(`invalid pod request ${JSON.stringify(id)}`)
})

describe('pods', () => {
  test('are reached at the port that is named, or the first that is declared', async () => {
    await runningPod('web', '10.0.0.7', { ports: [{ containerPort: 8080 }, { containerPort: 9090 }] })
    await runningPod('bare', '10.0.0.8')
    expect(await where(pods, 'web')).toBe('http 10.0.0.7:8080')
    expect(await where(pods, 'https:web:8443')).toBe('https 10.0.0.7:8443')
    expect(await where(pods, 'bare')).toBe('http 10.0.0.8:80')
    const backend = await backendOf(pods, 'web')
    if (backend.type === 'connection') await backend.connect().catch(() => {})
    expect(dialled).toEqual(['web:8080'])
  })

  test('that are not there, or have no address of their own', async () => {
    await create(pods, pod('waiting'))
    await runningPod('odd', '127.0.0.1')
    expect(await refusal(where(pods, 'no:80'))).toMatchObject({ code: 404, message: 'pods "no" not found' })
    for (const name of ['waiting', 'odd']) {
      expect(await refusal(where(pods, name))).toMatchObject({ code: 400, message: 'address not allowed' })
    }
  })
})

describe('services', () => {
  const service = (name: string, spec: object) =>
    create(services, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec })
  beforeEach(async () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 'web' },
      { name: 'own', port: 81 },
    ]
    await service('web', { selector: { app: 'web' }, ports })
    await service('single', { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] })
    await service('nobody', { selector: { app: 'none' }, ports: [{ port: 80 }] })
  })

  test('are the pods behind them that are ready, in turn, at the port that they mean', async () => {
    await runningPod('a', '10.0.0.1', { ports: [{ name: 'web', containerPort: 1001 }] })
    await runningPod('b', '10.0.0.2', { ports: [{ name: 'web', containerPort: 1002 }] })
    await runningPod('c', '10.0.0.3', { isReady: false })
    const both = ['http 10.0.0.1:1001', 'http 10.0.0.2:1002']
    expect([await where(services, 'web:http'), await where(services, 'web:80')].sort()).toEqual(both)
    expect(await where(services, 'https:web:own')).toMatch(/^https 10\.0\.0\.[12]:81$/)
    expect(await where(services, 'single')).toMatch(/:8080$/)
  })

  test.each([
    ['web:99', 503, 'no service port 99 found for service "web"'],
    ['web', 503, 'no endpoints available for service "web"'],
    ['web:other', 503, 'no endpoints available for service "web:other"'],
    ['nobody:80', 503, 'no endpoints available for service "nobody"'],
    ['no:80', 404, 'services "no" not found'],
    ['a:b:c:d', 400, 'invalid service request "a:b:c:d"'],
  ])('%s: %d %s', async (name, code, message) => {
    await runningPod('a', '10.0.0.1')
    expect(await refusal(where(services, name))).toMatchObject({ code, message })
  })
})

describe('nodes', () => {
  beforeEach(async () => {
    const addresses = [{ type: 'InternalIP', address: '192.168.0.9' }]
    const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } }
    for (const name of ['n1', 'n2']) await create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, status })
  })

  test('are their kubelet, or another port of their machine', async () => {
    expect(await where(nodes, 'n1')).toBe('the kubelet')
    expect(await where(nodes, 'https:n1:10250')).toBe('the kubelet')
    expect(await where(nodes, 'n1:9100')).toBe('http 192.168.0.9:9100')
  })

  test('that cannot be reached, or are not there', async () => {
    expect((await refusal(where(nodes, 'n2'))).code).toBe(503)
    expect((await refusal(where(nodes, 'n3'))).code).toBe(404)
  })
})

test('admission hears of a connection before it is looked for', async () => {
  const seen: object[] = []
  const step = {
    name: 'watcher',
    operations: ['CONNECT' as const],
    subresources: ['proxy', 'exec'],
    check: ({ kind, name, object }: { kind: { kind: string }; name?: string | undefined; object: object }) => {
      seen.push({ kind: kind.kind, name, object })
      throw new Error('not here')
    },
  }
  await using strict = await testServer({ admission: [step] })
  const request = { ...pods, verb: 'create', name: 'no', user: users.admin } as const
  await expect(strict.pipeline.handle({ ...request, subresource: 'exec', parameters: { command: ['ls'] } })).rejects.toThrow(
    'not here',
  )
  await expect(strict.pipeline.handle({ ...request, subresource: 'proxy', parameters: { path: '/x' } })).rejects.toThrow(
    'not here',
  )
  expect(seen).toEqual([
    { kind: 'Pod', name: 'no', object: expect.objectContaining({ kind: 'PodExecOptions', command: ['ls'] }) },
    { kind: 'Pod', name: 'no', object: expect.objectContaining({ kind: 'PodProxyOptions', path: '/x' }) },
  ])
})
