import { type AddressInfo, createConnection, createServer } from 'node:net'
import { PassThrough, Readable, Writable } from 'node:stream'
import {
  ApiException,
  AppsV1Api,
  Attach,
  AuthorizationV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  Metrics,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  type V1Status,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Program, program } from '../support/program.ts'
import { deployment, pod, server, sleeper } from './kubectl/objects.ts'

let cluster: Program
let config: KubeConfig
let core: CoreV1Api
let apps: AppsV1Api

const namespace = 'default'
const here = { namespace, name: 'server' }

beforeAll(async () => {
  cluster = await program()
  await cluster.up()
  config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig)
  core = config.makeApiClient(CoreV1Api)
  apps = config.makeApiClient(AppsV1Api)
  await core.createNamespacedPod({ namespace, body: pod('server', { containers: [server] }) })
  await eventually(async () => {
    const { status } = await core.readNamespacedPod(here)
    expect(status?.containerStatuses?.[0]?.ready).toBe(true)
  })
})
afterAll(() => cluster[Symbol.asyncDispose]())

describe('objects', () => {
  const notes = { name: 'notes', namespace }
  const data = async () => (await core.readNamespacedConfigMap(notes)).data

  test('version, lists with a limit and selectors', async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.34/)
    const first = await core.listNamespacedPod({ namespace, limit: 1, labelSelector: 'app=server' })
    expect(first.items.map(({ metadata }) => metadata?.name)).toEqual(['server'])
    expect(first.items[0]?.metadata?.creationTimestamp).toBeInstanceOf(Date)
    const { items } = await core.listPodForAllNamespaces({ fieldSelector: 'metadata.name=server' })
    expect(items).toHaveLength(1)
  })

  test('create, replace, a stale replace, delete', async () => {
    const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'notes' }, data: { a: '1' } } })
    await core.replaceNamespacedConfigMap({ ...notes, body: { ...made, data: { b: '2' } } })
    expect(await data()).toEqual({ b: '2' })
    const stale = await core.replaceNamespacedConfigMap({ ...notes, body: made }).catch((error: unknown) => error)
    expect(stale).toBeInstanceOf(ApiException)
    expect((stale as ApiException<string>).code).toBe(409)
  })

  test('patches of every type', async () => {
    const as = (type: PatchStrategy[keyof PatchStrategy] | string) => setHeaderOptions('Content-Type', String(type))
    await core.patchNamespacedConfigMap({ ...notes, body: [{ op: 'add', path: '/data/j', value: '1' }] })
    await core.patchNamespacedConfigMap({ ...notes, body: { data: { m: '1' } } }, as(PatchStrategy.MergePatch))
    await core.patchNamespacedConfigMap({ ...notes, body: { data: { s: '1', b: null } } }, as(PatchStrategy.StrategicMergePatch))
    const intent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'notes' }, data: { a: '1' } }
    await core.patchNamespacedConfigMap({ ...notes, body: intent, fieldManager: 'peer' }, as(PatchStrategy.ServerSideApply))
    expect(await data()).toEqual({ a: '1', j: '1', m: '1', s: '1' })
    const managers = (await core.readNamespacedConfigMap(notes)).metadata?.managedFields
    expect(managers?.find(({ manager }) => manager === 'peer')).toMatchObject({ operation: 'Apply', fieldsType: 'FieldsV1' })
  })

  test('delete with a Status, deletecollection', async () => {
    const status = (await core.deleteNamespacedConfigMap(notes)) as V1Status
    expect(status).toMatchObject({ status: 'Success', details: { name: 'notes' } })
    for (const name of ['x', 'y']) {
      await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { bin: 'yes' } } } })
    }
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'bin=yes' })
    expect((await core.listNamespacedConfigMap({ namespace, labelSelector: 'bin=yes' })).items).toEqual([])
  })

  test('scale and status are resources of their own', async () => {
    await apps.createNamespacedDeployment({ namespace, body: deployment('web') })
    const web = { name: 'web', namespace }
    await eventually(async () => {
      const scale = await apps.readNamespacedDeploymentScale(web) // its controller writes at the same time
      await apps.replaceNamespacedDeploymentScale({ ...web, body: { ...scale, spec: { replicas: 2 } } })
    })
    await eventually(async () => expect((await apps.readNamespacedDeploymentStatus(web)).status?.readyReplicas).toBe(2))
    await apps.deleteNamespacedDeployment(web)
  })

  test('any object, through discovery', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const spec = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'any', namespace }, spec: { ports: [{ port: 80 }] } }
    await objects.create(spec)
    await objects.patch({ ...spec, metadata: { ...spec.metadata, labels: { seen: 'yes' } } })
    expect((await objects.read(spec)).metadata?.labels).toEqual({ seen: 'yes' })
    expect((await objects.list('v1', 'Service', namespace)).items.map(({ metadata }) => metadata?.name)).toContain('any')
    await objects.delete(spec)
    await expect(objects.read(spec)).rejects.toMatchObject({ code: 404 })
  })

  test('a review answers, and a refusal is a Status', async () => {
    const { status } = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } } },
    })
    expect(status?.allowed).toBe(true)
    const error = await core.readNamespacedPod({ namespace, name: 'none' }).catch((error: ApiException<string>) => error)
    expect(JSON.parse(String((error as ApiException<string>).body))).toMatchObject({
      kind: 'Status',
      reason: 'NotFound',
      code: 404,
    })
  })

  test('a watch', async () => {
    const seen: string[] = []
    const { metadata } = await core.listNamespacedConfigMap({ namespace })
    const watch = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true },
      (type, object: { metadata: { name: string } }) => void seen.push(`${type} ${object.metadata.name}`),
      () => {},
    )
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'watched' } } })
    await core.deleteNamespacedConfigMap({ namespace, name: 'watched' })
    await eventually(() => expect(seen).toEqual(['ADDED watched', 'DELETED watched']))
    watch.abort()
  })
})

/** Collects what is written to it. */
function collector() {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    },
  })
  return { stream, text: () => text }
}

describe('containers', () => {
  const command = (words: string[], input?: Readable) => {
    const out = collector()
    const err = collector()
    const exec = new Exec(config)
    return new Promise<{ out: string; err: string; status: V1Status }>((resolve, reject) => {
      const done = (status: V1Status) => resolve({ out: out.text(), err: err.text(), status })
      exec.exec(namespace, 'server', 'main', words, out.stream, err.stream, input ?? null, false, done).catch(reject)
    })
  }

  test('logs, whole and followed', async () => {
    expect(await core.readNamespacedPodLog({ ...here, container: 'main', timestamps: true })).toMatch(/^\d{4}-.* started\n$/)
    const out = collector()
    const log = await new Log(config).log(namespace, 'server', 'main', out.stream, { follow: true, tailLines: 5 })
    await eventually(() => expect(out.text()).toBe('started\n'))
    log.abort()
  })

  test('exec: output, errors, the exit code, and what is typed', async () => {
    expect(await command(['sh', '-c', 'echo out; echo err >&2'])).toMatchObject({
      out: 'out\n',
      err: 'err\n',
      status: { status: 'Success' },
    })
    const failed = await command(['sh', '-c', 'exit 3'])
    expect(failed.status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    })
    const typed = await command(['head', '-c', '10'], Readable.from([Buffer.from('0123456789')]))
    expect(typed.out).toBe('0123456789')
  })

  test('attach', async () => {
    const cat = { name: 'main', image: 'busybox:1.36', command: ['cat'], stdin: true, tty: false }
    await core.createNamespacedPod({ namespace, body: pod('cat', { containers: [cat] }) })
    await eventually(async () => {
      const { status } = await core.readNamespacedPod({ namespace, name: 'cat' })
      expect(status?.containerStatuses?.[0]?.ready).toBe(true)
    })
    const out = collector()
    const input = new PassThrough()
    const socket = await new Attach(config).attach(namespace, 'cat', 'main', out.stream, null, input, false)
    input.write('to and fro\n')
    await eventually(() => expect(out.text()).toBe('to and fro\n'))
    socket.close()
  })

  test('a forwarded port', async () => {
    const forward = new PortForward(config)
    const listener = createServer(socket => void forward.portForward(namespace, 'server', [8080], socket, null, socket))
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
    const { port } = listener.address() as AddressInfo
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = createConnection(port, '127.0.0.1')
      socket.setEncoding('utf8').on('data', chunk => {
        text += chunk
        if (text.includes('hello from')) resolve(text)
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
      socket.write('GET / HTTP/1.0\r\n\r\n')
    })
    listener.close()
    expect(answer).toContain('hello from server')
  })

  // Its Cp is left out: it unpacks what it asked to be zipped without unzipping it, and takes a remark of busybox's tar for a failure.

  test('figures of pods and nodes', async () => {
    const metrics = new Metrics(config)
    await eventually(async () => {
      expect(
        (await metrics.getPodMetrics(namespace)).items.flatMap(({ containers }) => containers.map(({ name }) => name)),
      ).toContain(sleeper.name)
      expect((await metrics.getNodeMetrics()).items).not.toEqual([])
    })
  })
})
