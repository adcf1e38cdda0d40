import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NodeAgent } from '../../api/node-agent.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { type Certificates, ensureCertificates } from '../../apiserver/auth/certificates.ts'
import { apiServer } from '../../cmd/api-server.ts'
import { pemMemory } from '../../cmd/pki.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { memoryStore } from '../../storage/memory.ts'

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0

if (!hasKubectl) test('kubectl is not on the PATH: nothing was tried with it', () => expect(hasKubectl).toBe(false))

/** A kubelet that says what it was asked. */
const agent: NodeAgent = {
  async *logs({ container }, { follow }, signal) {
    yield Buffer.from(`a line from ${container}\n`)
    if (follow) {
      await systemClock.sleep(50, signal)
      yield Buffer.from('and another\n')
    }
  },
  async exec(_target, { command, stdin }) {
    const taken: Uint8Array[] = []
    let end: () => void = () => {}
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    if (!stdin) end()
    const output = async function* () {
      await ended
      yield Buffer.from(taken.length > 0 ? Buffer.concat(taken) : command.join(' '))
    }
    return {
      stdout: output(),
      stderr: (async function* () {})(),
      write: async chunk => void taken.push(chunk),
      closeStdin: () => end(),
      resize: () => {},
      done: ended.then(() => ({ exitCode: command[0] === 'fail' ? 3 : 0 })),
      close: () => end(),
    }
  },
  attach: (target, options) => agent.exec(target, { ...options, command: ['attached'] }),
}

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: n1
  containers: [{name: main, image: nginx, ports: [{containerPort: 80}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep}
spec:
  replicas: 2
  selector: {matchLabels: {app: dep}}
  template: {metadata: {labels: {app: dep}}, spec: {containers: [{name: main, image: nginx}]}}
`

describe.runIf(hasKubectl)('the real kubectl', () => {
  let folder: string
  let stop: AbortController
  let running: Promise<void>
  const watches: ChildProcess[] = []
  const ann: UserInfo = { name: 'ann', groups: ['devs'] }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wherry-kubectl-'))
    stop = new AbortController()
    const clients = { admin: users.admin, ann }
    const certificates = await ensureCertificates({ store: pemMemory(), clock: systemClock, clients })
    const common = { clock: systemClock, random: systemRandom, log: silentLog }
    const store = memoryStore({ clock: systemClock })
    const server = apiServer({ ...common, store, certificates, host: '127.0.0.1', port: 0, nodeAgents: () => agent })
    running = server.run(stop.signal)
    const { port } = await server.ready
    for (const name of ['admin', 'ann']) await writeFile(join(folder, name), kubeconfig(certificates, name, port))
    await writeFile(join(folder, 'all.yaml'), manifest)
    const account = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default' }
    await server.transport(users.admin).call({ ...account, verb: 'create', body: { metadata: { name: 'default' } } })
  })
  afterAll(async () => {
    for (const child of watches) child.kill()
    stop.abort()
    await running
    await rm(folder, { recursive: true })
  })

  const argumentsFor = (line: string, as: string) => [
    `--kubeconfig=${join(folder, as)}`,
    `--cache-dir=${join(folder, 'cache')}`,
    ...line.replaceAll('FOLDER', folder).split(' '),
  ]
  const kubectl = (line: string, { as = 'admin', input = '' } = {}): Promise<{ code: number; out: string; err: string }> =>
    new Promise(resolve => {
      const child = execFile('kubectl', argumentsFor(line, as), (error, out, err) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err })
      })
      child.stdin?.end(input)
    })
  const said = async (line: string, options = {}) => {
    const { code, out, err } = await kubectl(line, options)
    expect({ code, err }).toMatchObject({ code: 0 })
    return out
  }

  test('version, api-resources, explain', async () => {
    expect(await said('version')).toContain('Server Version: v1.')
    const resources = await said('api-resources')
    for (const name of ['pods', 'deployments', 'clusterroles', 'persistentvolumeclaims']) expect(resources).toContain(name)
    expect(await said('explain deployment.spec.replicas')).toContain('FIELD: replicas <integer>')
    expect(await said('get --raw /readyz')).toBe('ok')
  })

  test('a watch shows what apply, label and delete do', async () => {
    await said('create --raw /api/v1/namespaces/default/configmaps -f -', { input: '{"metadata":{"name":"there-before"}}' })
    const child = spawn('kubectl', argumentsFor('get configmaps -w --output-watch-events', 'admin'))
    watches.push(child)
    let seen = ''
    child.stdout.on('data', text => {
      seen += text
    })
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('there-before')
    await writeFile(join(folder, 'map.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata: {a: b}\n')
    await said('apply -f FOLDER/map.yaml')
    await said('label configmap seen x=y')
    await said('delete configmap seen')
    await expect
      .poll(() =>
        seen
          .split('\n')
          .filter(line => line.includes(' seen '))
          .map(line => line.split(/\s+/)[0]),
      )
      .toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  })

  test('apply, apply again, diff, get, describe, patch, scale, delete', async () => {
    expect(await said('apply -f FOLDER/all.yaml')).toBe('pod/web created\ndeployment.apps/dep created\n')
    expect(await said('apply -f FOLDER/all.yaml')).toBe('pod/web unchanged\ndeployment.apps/dep unchanged\n')
    expect(await said('diff -f FOLDER/all.yaml')).toBe('')
    expect(await said('get pods,deployments')).toMatch(/pod\/web +0\/1 +Pending[^]*deployment.apps\/dep +0\/2/)
    expect(await said('get pod web -o jsonpath={.spec.containers[0].image}')).toBe('nginx')
    expect(await said('describe pod web')).toMatch(/Name: +web\n[^]*Node: +n1/)
    await said('patch deployment dep -p {"spec":{"replicas":4}}')
    await said('scale deployment dep --replicas=5')
    expect(await said('get deployment dep -o jsonpath={.spec.replicas}')).toBe('5')
    expect(await said('delete deployment dep')).toContain('deployment.apps "dep" deleted')
  })

  test('logs and exec', async () => {
    expect(await said('logs web')).toBe('a line from main\n')
    expect(await said('logs web -f')).toBe('a line from main\nand another\n')
    expect(await said('exec web -- echo hi')).toBe('echo hi')
    expect(await said('exec -i web -- cat', { input: 'through and back' })).toBe('through and back')
    expect(await kubectl('exec web -- fail')).toMatchObject({
      code: 3,
      err: expect.stringContaining('command terminated with exit code 3'),
    })
    expect((await kubectl('exec web -c nope -- ls')).err).toContain('container nope is not valid for pod web')
    expect((await kubectl('logs web -c nope')).err).toContain('container nope is not valid for pod web')
  })

  test('refusals read as they do elsewhere', async () => {
    expect((await kubectl('get pod none')).err).toBe('Error from server (NotFound): pods "none" not found\n')
    expect((await kubectl('get pods', { as: 'ann' })).err).toBe(
      'Error from server (Forbidden): pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default"\n',
    )
    expect((await kubectl('get pods --as ann')).err).toContain('User "ann" cannot list resource "pods"')
    await writeFile(join(folder, 'bad.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndta: {a: b}\n')
    expect((await kubectl('create -f FOLDER/bad.yaml')).err).toContain('strict decoding error: unknown field "dta"')
  })
})

function kubeconfig({ ca, clients }: Certificates, name: string, port: number): string {
  const base64 = (text = '') => Buffer.from(text).toString('base64')
  const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': base64(ca) }
  const user = {
    'client-certificate-data': base64(clients[name]?.certificate),
    'client-key-data': base64(clients[name]?.key),
  }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  })
}
