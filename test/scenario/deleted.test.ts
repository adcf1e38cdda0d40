import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NodeAgent } from '../../api/node-agent.ts'
import { ensureCertificates } from '../../apiserver/auth/certificates.ts'
import { formatKubeconfig, kubeconfigFor } from '../../client/kubeconfig.ts'
import { pemMemory } from '../../cmd/pki.ts'
import { defaultKeptLogs } from '../../kubelet/garbage/config.ts'
import { withDeletedLogs } from '../../kubelet/garbage/deleted-logs-page.ts'
import { keptLogs } from '../../kubelet/garbage/kept-logs.ts'
import { deadContainer } from '../../kubelet/samples.ts'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { eventually } from '../support/eventually.ts'
import { startServer, type TestServer } from '../support/server.ts'

const bytes = Buffer.concat([
  Buffer.from('2026-01-01T00:00:00.000000000Z one\n2026-01-01T00:00:01.000000000Z \xff'),
  Buffer.from([0xff, 10]),
])

/** A node that keeps the last words of every pod it is asked about, as a kubelet does. */
let server: TestServer
let rootDir: string
beforeAll(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'wherry-kept-'))
  const runtime = {
    logs: async function* () {
      yield bytes
    },
  }
  const logs = keptLogs({ runtime, rootDir, config: defaultKeptLogs, clock: virtualClock(), log: silentLog })
  const serve = withDeletedLogs(logs, async () => undefined)
  const agent = {
    async serve(path: string, query: URLSearchParams) {
      const [, , namespace = '', name = ''] = path.split('/')
      await logs.keep({ namespace, name, uid: query.get('uid') ?? '' }, [deadContainer('main', 0)])
      return serve(path, query)
    },
  } as unknown as NodeAgent
  const groups = ['system:authenticated']
  server = await startServer({
    nodeAgents: name => (name === 'n1' ? agent : undefined),
    users: { viewer: { name: 'viewer', groups }, nobody: { name: 'nobody', groups } },
  })
  const stdin = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: look, namespace: default}
rules:
- {apiGroups: [''], resources: [pods, pods/log], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: look, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: look}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer}]
`
  expect(await server.wherry('apply -f -', { stdin })).toMatchObject({ code: 0 })
  for (const name of ['first', 'second', 'elsewhere', 'stays']) {
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: {app: ${name}}}\nspec:\n  containers: [{name: main, image: x}]\n`
    await server.wherry('apply -f -', { stdin: pod })
  }
  const transport = server.transport()
  const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' }
  for (const [name, node] of Object.entries({ first: 'n1', elsewhere: 'n2' })) {
    const body = { metadata: { name }, target: { kind: 'Node', name: node } }
    await transport.call({ ...pods, verb: 'create', name, subresource: 'binding', body })
    const status = { phase: 'Running', podIP: '10.0.0.7' }
    await transport.call({ ...pods, verb: 'patch', patchType: 'merge', name, subresource: 'status', body: { status } })
  }
  await server.wherry('delete pod first second elsewhere --force --grace-period=0')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(rootDir, { recursive: true })
})

test('pods that were deleted are shown as they were, the last one first', async () => {
  const { out, err } = await server.wherry('get pods --deleted')
  expect(err).toBe('')
  expect(out).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE +DELETED\n/)
  const names = out
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(/ +/)[0])
  expect(names.sort()).toEqual(['elsewhere', 'first', 'second'])
  expect(out).toMatch(/first +0\/1 +Running +0 +\d+s +\d+s ago\n/)
  expect((await server.wherry('get pods --deleted -l app=second -o name')).out).toBe('pod/second\n')
  expect((await server.wherry("get pod first --deleted -o jsonpath='{.status.podIP}'")).out).toBe('10.0.0.7')
  expect((await server.wherry('get pods -A --deleted')).out).toMatch(/^NAMESPACE +NAME .*\ndefault /)
})

test('of what was not deleted nothing is shown', async () => {
  expect(await server.wherry('get pod stays --deleted')).toEqual({
    code: 1,
    out: '',
    err: 'Error from server (NotFound): no pod "stays" was deleted a short while ago\n',
  })
  expect((await server.wherry('get pods --deleted -n kube-system')).err).toBe(
    'No pods were deleted a short while ago in kube-system namespace.\n',
  )
  expect((await server.wherry('get services --deleted')).err).toContain('--deleted is for pods only')
  expect((await server.wherry('logs --deleted stays')).err).toContain('no pod "stays" in namespace "default" was deleted')
})

test('the last words of a pod that is gone, byte for byte', async () => {
  const chunks: Uint8Array[] = []
  const io = { writeBytes: (chunk: Uint8Array) => void chunks.push(chunk) }
  expect(await server.wherry('logs --deleted first', { io })).toMatchObject({ code: 0, err: '' })
  const expected = Buffer.concat([Buffer.from('one\n\xff'), Buffer.from([0xff, 10])])
  expect(Buffer.concat(chunks).equals(expected)).toBe(true)
  expect((await server.wherry('logs --deleted first --tail=2 --timestamps --limit-bytes=10')).out).toBe('2026-01-01')
  expect((await server.wherry('logs --deleted first -f')).err).toContain('writes nothing more')
  expect((await server.wherry('logs --deleted second')).err).toContain('pod "second" never ran')
  expect((await server.wherry('logs --deleted elsewhere')).err).toContain('the kubelet of node "n2" cannot be reached')
})

test('who may see pods may see those that are gone, and nobody else', async () => {
  // Rights are heard of a moment after they were written.
  await eventually(async () => {
    expect(await server.wherry('get pods --deleted', { as: 'viewer' })).toMatchObject({
      out: expect.stringContaining('first'),
      err: '',
    })
  })
  expect((await server.wherry('logs --deleted first --tail=0', { as: 'viewer' })).code).toBe(0)
  expect((await server.wherry('get pods -A --deleted', { as: 'viewer' })).err).toContain('pods is forbidden')
  expect((await server.wherry('get pods --deleted', { as: 'nobody' })).err).toContain('pods is forbidden')
  const ask = await server.wherry(['get', '--raw', '/wherry/v1/deleted/log?namespace=default&name=first'], { as: 'nobody' })
  expect(ask.err).toContain('cannot get resource "pods/log"')
})

test('a server that is no Wherry is told from one that has forgotten', async () => {
  const certificates = await ensureCertificates({ store: pemMemory(), clock: virtualClock(Date.now()), clients: {} })
  const foreign = createServer({ cert: certificates.server.certificate, key: certificates.server.key }, ({ url }, response) => {
    const pod = {
      resource: 'pods',
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      verbs: ['get', 'list'],
    }
    const answers: Record<string, object> = {
      '/api': {
        kind: 'APIGroupDiscoveryList',
        items: [{ metadata: {}, versions: [{ version: 'v1', resources: [pod] }] }],
      },
      '/apis': { kind: 'APIGroupDiscoveryList', items: [] },
    }
    const answer = answers[url?.split('?')[0] ?? '']
    response.writeHead(answer ? 200 : 404, { 'content-type': answer ? 'application/json' : 'text/plain' })
    response.end(answer ? JSON.stringify(answer) : '404 page not found\n')
  })
  await new Promise<void>(resolve => foreign.listen(0, '127.0.0.1', () => resolve()))
  try {
    const address = `https://127.0.0.1:${(foreign.address() as AddressInfo).port}`
    const config = await formatKubeconfig(kubeconfigFor('foreign', { server: address, ca: certificates.ca, cert: '', key: '' }))
    await server.file('foreign', config)
    const said = await server.wherry('get pods --deleted', { as: 'foreign' })
    expect(said).toMatchObject({
      code: 1,
      err: expect.stringContaining('this server remembers no deleted pods: it is not a Wherry'),
    })
    expect((await server.wherry('logs --deleted web', { as: 'foreign' })).err).toContain('it is not a Wherry')
  } finally {
    foreign.close()
  }
})
