import { Event } from '../../api/core/event.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { Pod } from '../../api/core/pod.ts'
import { systemRandom } from '../../lib/random.ts'
import { isReady, type TestCluster, type TestClusterOptions, testCluster } from './cluster.ts'
import { containersOf, engineCall, networksOf } from './engine.ts'
import { eventually } from './eventually.ts'
import type { Written } from './manifests.ts'

/** The image that all of these pods run. */
export const busybox = 'busybox:1.36'

/** What a command in a container said and how it ended. */
export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** A namespace of its own on a node of the real engine, and what tests ask of the pods in it. */
export interface RealPods {
  readonly cluster: TestCluster
  readonly namespace: string
  /** Creates objects in the namespace. */
  create(...objects: readonly Written[]): Promise<void>
  /** Creates a pod. A container without an image runs busybox; one container named `main` may be given alone, as `container`. */
  pod(name: string, spec: PodSpec, metadata?: object): Promise<Pod>
  get(name: string): Promise<Pod>
  /** Waits for a phase. Throws with the pod's status when it ends in another one. */
  phase(name: string, phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed'): Promise<Pod>
  ready(name: string): Promise<Pod>
  /** Creates a pod that runs to its end (restartPolicy Never unless told), and answers what its container printed. */
  output(name: string, spec: PodSpec, metadata?: object): Promise<string>
  logs(name: string, container?: string, options?: { previous?: boolean }): Promise<string>
  /** Runs a command in the container `main` or the one named. */
  exec(name: string, command: readonly string[] | string, container?: string): Promise<Ran>
  /** What is told about a pod: `reason: message`, oldest first. */
  events(name: string): Promise<string[]>
  /** Deletes and waits until the object is gone. */
  remove(name: string, gracePeriodSeconds?: number): Promise<void>
}

export type PodSpec = { readonly container?: object; readonly containers?: readonly object[] } & Readonly<Record<string, unknown>>

/** A cluster with one node on the real engine. Its containers and its network go with it. */
export async function realCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const id = `real-${systemRandom.uuid().slice(0, 8)}`
  const podCIDR = options.podCIDR ?? (await freeRange())
  const cluster = await testCluster({ docker: ['node-1'], simulated: 0, id, ...options, podCIDR })
  const stop = async () => {
    await cluster.stop()
    await removeAllOf(id)
  }
  return { ...cluster, stop, [Symbol.asyncDispose]: stop }
}

/** Ranges that clusters of this process have: their networks come with their first pods. */
const given = new Set<number>()
const workersWithRanges = 4

/** A range for pods that no network of the engine has, so that several runs can share the engine; workers of one run have their own each. */
async function freeRange(): Promise<string> {
  const networks = await engineCall<{ IPAM: { Config: { Subnet?: string }[] | null } }[]>('GET', '/networks')
  const taken = new Set(networks.flatMap(({ IPAM }) => (IPAM.Config ?? []).map(({ Subnet = '' }) => Subnet.split('.')[1])))
  const worker = Number(process.env.VITEST_POOL_ID ?? 0) % workersWithRanges
  const own = Array.from({ length: 80 / workersWithRanges }, (_, i) => 100 + i * workersWithRanges + worker)
  const free = own.filter(second => !taken.has(String(second)) && !given.has(second))
  const second = free[systemRandom.below(free.length)] ?? own[systemRandom.below(own.length)] ?? 199
  given.add(second)
  return `10.${second}.0.0/16`
}

/** What a cluster has left on the engine. */
async function removeAllOf(clusterId: string): Promise<void> {
  for (const { Id } of await containersOf(clusterId)) await engineCall('DELETE', `/containers/${Id}?force=1&v=1`)
  for (const { Id } of await networksOf(clusterId)) await engineCall('DELETE', `/networks/${Id}`)
}

/** The pods of a namespace that nobody else uses. */
export async function realPods(cluster: TestCluster, name = 'test'): Promise<RealPods> {
  const { client, https } = cluster
  const namespace = `${name}-${systemRandom.uuid().slice(0, 8)}`
  await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } as never)
  const self: RealPods = {
    cluster,
    namespace,
    async create(...objects) {
      await cluster.apply(objects.map(object => ({ ...object, metadata: { ...object.metadata, namespace } })))
    },
    async pod(name, { container, containers, ...spec }, metadata = {}) {
      const all = containers ?? [{ name: 'main', ...container }]
      const object = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, name, namespace },
        // Nothing here takes a goodbye that is longer than a moment.
        spec: { terminationGracePeriodSeconds: 1, ...spec, containers: all.map(one => ({ image: busybox, ...one })) },
      }
      // The default service account of a new namespace is made by a controller.
      return eventually(() => client.create(Pod, object as never))
    },
    get: name => client.get(Pod, { namespace, name }),
    phase: (name, phase) =>
      eventually(
        async () => {
          const pod = await self.get(name)
          if (pod.status.phase === phase) return pod
          throw new Error(`${name} is ${pod.status.phase}, not ${phase}: ${JSON.stringify(pod.status)}`)
        },
        { timeoutInMs: 60_000 },
      ),
    ready: name =>
      eventually(
        async () => {
          const pod = await self.get(name)
          if (!isReady(pod)) throw new Error(`${name} is not ready: ${JSON.stringify(pod.status)}`)
          return pod
        },
        { timeoutInMs: 60_000 },
      ),
    async output(name, spec, metadata) {
      await self.pod(name, { restartPolicy: 'Never', ...spec }, metadata)
      await self.phase(name, 'Succeeded')
      return self.logs(name)
    },
    async logs(name, container, options) {
      const chunks: Uint8Array[] = []
      const signal = new AbortController().signal
      for await (const chunk of https.logs({ namespace, name }, { ...options, ...(container && { container }) }, signal))
        chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    },
    async exec(name, command, container = 'main') {
      const argv = typeof command === 'string' ? ['sh', '-c', command] : command
      const session = await https.exec(
        { namespace, name },
        { command: argv, container, stdin: false, stdout: true, stderr: true, tty: false },
      )
      const [stdout, stderr, { exitCode }] = await Promise.all([text(session.stdout), text(session.stderr), session.done])
      return { exitCode, stdout, stderr }
    },
    async events(name) {
      const { items } = await client.list(Event, { namespace, fieldSelector: `involvedObject.name=${name}` })
      return items.map(({ reason, message }) => `${reason}: ${message}`)
    },
    async remove(name, gracePeriodSeconds) {
      await client.delete(Pod, { namespace, name }, { ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }) })
      await eventually(
        async () => {
          const left = (await client.list(Pod, { namespace })).items.some(({ metadata }) => metadata.name === name)
          if (left) throw new Error(`${name} is still there`)
        },
        { timeoutInMs: 60_000 },
      )
    },
  }
  return self
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
