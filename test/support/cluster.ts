import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import type { KubeObject, Transport } from '../../api/transport.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { type Certificates, ensureCertificates } from '../../apiserver/auth/certificates.ts'
import type { WhyStep } from '../../apiserver/why.ts'
import type { Client } from '../../client/client.ts'
import { type HttpTransport, httpTransport } from '../../client/http-transport.ts'
import { createClient } from '../../client/typed-client.ts'
import { type ClusterOptions, cluster } from '../../cmd/cluster.ts'
import { nodes } from '../../cmd/nodes.ts'
import { pemMemory } from '../../cmd/pki.ts'
import { defaultEviction } from '../../kubelet/eviction/config.ts'
import { simulatedEngine } from '../../kubelet/runtime/simulated/engine.ts'
import { systemClock, type VirtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { memoryStore } from '../../storage/memory.ts'
import { type EventuallyOptions, eventually } from './eventually.ts'
import { applyObjects, manifest, type Written } from './manifests.ts'

export interface TestClusterOptions
  extends Partial<
    Pick<
      ClusterOptions,
      | 'store'
      | 'docker'
      | 'clock'
      | 'log'
      | 'simulatedEngine'
      | 'simulatedMachine'
      | 'simulatedStages'
      | 'signalsFile'
      | 'eviction'
      | 'resources'
      | 'garbage'
      | 'autoscaling'
      | 'controllers'
    >
  > {
  /** How many simulated nodes; default 2. They are called `simulated-1` and so on. */
  readonly simulated?: number
  /** The cluster's mark; another one over the same store is another candidate for leadership. */
  readonly id?: string
  /** Whether the API server asks kubelets by HTTPS, as if they were on other machines. */
  readonly remoteAgents?: boolean
  /** For pods on Docker: a range that no other network of the engine has; default 10.199.0.0/16. */
  readonly podCIDR?: string
  /** 0, the default: any free one. */
  readonly port?: number
}

/** A whole cluster in this process, over memory, on a free port. */
export interface TestCluster extends AsyncDisposable {
  readonly port: number
  /** Each node has a folder of its name in it. */
  readonly nodesDir: string
  /** The administrator's, straight into the pipeline. */
  readonly client: Client
  transport(user: UserInfo): Transport
  /** The administrator's way in through HTTPS. */
  readonly https: HttpTransport
  /** The name of a file in manifests/, or objects. */
  apply(what: string | Written | readonly Written[]): Promise<KubeObject[]>
  /** Pods of a namespace, by a label selector. */
  pods(labelSelector?: string, namespace?: string): Promise<readonly Pod[]>
  pod(name: string, namespace?: string): Promise<Pod>
  /** Tries until the assertion holds. On a virtual clock the time goes on by a second between two tries. */
  eventually<T>(assertion: () => T | Promise<T>, options?: EventuallyOptions): Promise<T>
  why(resource: string, name: string, options?: { group?: string; namespace?: string }): Promise<readonly WhyStep[]>
  /** More simulated nodes, which can be stopped as if their machine had died: nobody says goodbye. */
  startNodes(names: readonly string[]): { stop(): Promise<void> }
  stop(): Promise<void>
}

let made: Promise<Certificates> | undefined

/** Making certificates takes a while, so that all clusters of a run share theirs. */
export function testCertificates(): Promise<Certificates> {
  made ??= ensureCertificates({
    store: pemMemory(),
    clock: systemClock,
    clients: { admin: users.admin, kubelets: users.kubeletClient },
  })
  return made
}

/** Starts one; resolves when all its nodes are Ready and the namespace `default` takes pods. */
export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { clock = systemClock, docker = [], simulated = 2, id = 'test', log = silentLog } = options
  const random = systemRandom
  const certificates = await testCertificates()
  const folder = await mkdtemp(join(tmpdir(), 'wherry-test-'))
  const ownStore = options.store ? undefined : memoryStore({ clock })
  const { simulatedStages: stages } = options
  const engine = options.simulatedEngine ?? simulatedEngine({ clock, random, ...(stages && { stages }) })
  const common = {
    clock,
    random,
    log,
    eviction: options.eviction ?? defaultEviction,
    simulatedEngine: engine,
    ...(options.simulatedMachine && { simulatedMachine: options.simulatedMachine }),
    ...(options.signalsFile && { signalsFile: options.signalsFile }),
    ...(options.resources && { resources: options.resources }),
    ...(options.garbage && { garbage: options.garbage }),
    ...(options.autoscaling && { autoscaling: options.autoscaling }),
    ...(options.controllers && { controllers: options.controllers }),
  }
  const { run, apiServer } = cluster({
    ...common,
    identity: { id, podCIDR: options.podCIDR ?? '10.199.0.0/16', serviceCIDR: '10.96.0.0/16' },
    store: options.store ?? (ownStore as NonNullable<typeof ownStore>),
    certificates,
    port: options.port ?? 0,
    docker,
    simulated: Array.from({ length: simulated }, (_, i) => `simulated-${i + 1}`),
    ...(options.remoteAgents && {
      remoteAgents: true,
      kubeletAddress: '0.0.0.0',
      server: { kubeletCredentials: async () => certificates.clients.kubelets ?? { certificate: '', key: '' } },
    }),
    nodesDir: join(folder, 'nodes'),
    volumesDir: join(folder, 'volumes'),
  })
  const stopping = new AbortController()
  const running = run(stopping.signal)
  running.catch(() => {}) // heard of by whoever stops
  const { port } = await Promise.race([apiServer.ready, running.then(() => Promise.reject(new Error('the cluster ended')))])
  const client = createClient(apiServer.transport(users.admin))
  const { certificate: cert = '', key = '' } = certificates.clients.admin ?? {}
  const https = httpTransport({ server: `https://127.0.0.1:${port}`, ca: certificates.ca, cert, key })
  const more = new Set<() => Promise<void>>()
  let stopped: Promise<void> | undefined

  const waitFor: TestCluster['eventually'] = async (assertion, waiting) => {
    const virtual = 'advance' in clock ? (clock as VirtualClock) : undefined
    if (!virtual) return eventually(assertion, waiting)
    return eventually(
      async () => {
        await virtual.advance(1000)
        return assertion()
      },
      { ...waiting, everyMs: 0 },
    )
  }
  const stop = async () => {
    for (const stopNodes of more) await stopNodes()
    stopping.abort()
    https.close()
    await running
    if (!options.simulatedEngine) engine.close()
    await ownStore?.close()
    await removeWithMounts(folder)
  }

  const self: TestCluster = {
    port,
    nodesDir: join(folder, 'nodes'),
    client,
    transport: apiServer.transport,
    https,
    async apply(what) {
      return applyObjects(client, typeof what === 'string' ? await manifest(what) : ([what].flat() as Written[]))
    },
    pods: async (labelSelector = '', namespace = 'default') =>
      (await client.list(Pod, { namespace, ...(labelSelector && { labelSelector }) })).items,
    pod: (name, namespace = 'default') => client.get(Pod, { namespace, name }),
    eventually: waitFor,
    async why(resource, name, { group = '', namespace = 'default' } = {}) {
      const query = new URLSearchParams({ group, resource, namespace, name })
      return ((await https.raw(`/wherry/v1/why?${query}`)) as { steps: WhyStep[] }).steps
    },
    startNodes(names) {
      const dying = new AbortController()
      const component = { ...common, transport: apiServer.transport, identity: id, cluster: id }
      const done = nodes({ ...component, docker: [], simulated: names, rootDir: join(folder, 'more') }).run(dying.signal)
      const stopNodes = async () => {
        dying.abort()
        more.delete(stopNodes)
        await done
      }
      more.add(stopNodes)
      return { stop: stopNodes }
    },
    stop: () => (stopped ??= stop()),
    [Symbol.asyncDispose]: () => self.stop(),
  }
  try {
    await waitFor(async () => {
      const { items } = await client.list(Node)
      const ready = items.filter(isReady)
      if (ready.length < simulated + docker.length) throw new Error(`${ready.length} nodes are ready`)
      const listening = items.filter(({ status }) => status.daemonEndpoints?.kubeletEndpoint?.Port !== 10250)
      if (options.remoteAgents && listening.length < ready.length) throw new Error(`${listening.length} kubelets listen`)
      await client.get(ServiceAccount, { namespace: 'default', name: 'default' })
    })
  } catch (error) {
    await self.stop()
    throw error
  }
  return self
}

/** Whether a node's or a pod's Ready condition is True. */
export function isReady(object: Pod | Node): boolean {
  return object.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Memory volumes of a real node stay mounted while its pods go on. */
async function removeWithMounts(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  const inside = mounts
    .split('\n')
    .flatMap(line => line.split(' ')[1] ?? [])
    .filter(path => path.startsWith(`${folder}/`))
  for (const path of inside.reverse()) await promisify(execFile)('umount', ['-l', path]).catch(() => {})
  await rm(folder, { recursive: true, force: true })
}
