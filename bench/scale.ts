import { readFile } from 'node:fs/promises'
import type { Call, KubeList, KubeObject, WatchEvent } from '../api/transport.ts'
import { type Neighbour, neighbour } from './neighbour.ts'
import { type Running, runProgram, sleep } from './program.ts'

const namespace = 'scale'
const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace } as const
const namespaces = { group: '', version: 'v1', resource: 'namespaces' } as const
const nodes = { group: '', version: 'v1', resource: 'nodes' } as const

/** What the process used at a moment. */
export interface Sample {
  /** Seconds since the first sample. */
  readonly atInS: number
  readonly residentMegabytes: number
  /** Of one core, since the sample before. */
  readonly cores: number
}

/** Something that was done to the cluster, and what it took. */
export interface Phase {
  readonly name: string
  /** Seconds since the first sample. */
  readonly fromInS: number
  readonly tookInS: number
  /** Processor seconds of all threads. */
  readonly cpuInS: number
  readonly peakMegabytes: number
  /** What another client saw of the server meanwhile, if there was one. */
  readonly seen?: Neighbour
}

export interface ScaleStory {
  readonly nodes: number
  readonly pods: number
  readonly phases: readonly Phase[]
  readonly samples: readonly Sample[]
}

export interface ScaleOptions {
  readonly nodes: number
  /** A multiple of the number of Deployments. */
  readonly pods: number
  /** How many Deployments they come from; the first half of them is restarted. */
  readonly deployments?: number
  /** Whether another client asks all the time, which the server then makes room for. */
  readonly isShared?: boolean
}

/** Plays the life of many pods on many simulated nodes, all in one process of the built program with a durable store. */
export async function playScale(options: ScaleOptions): Promise<ScaleStory> {
  const { nodes: nodeCount, pods, deployments: count = 20, isShared = false } = options
  await using running = await runProgram(['--runtime', 'simulated', '--simulated-nodes', String(nodeCount - 1)])
  await using usage = await processUsage(running.pid)
  const phases: Phase[] = []
  const phase = async (name: string, work: () => Promise<void>) => {
    const before = await usage.sample()
    await using other = isShared ? neighbour(running) : undefined
    await work()
    const after = await usage.sample()
    const during = usage.samples.filter(({ atInS }) => atInS >= before.atInS)
    phases.push({
      name,
      fromInS: before.atInS,
      tookInS: after.atInS - before.atInS,
      cpuInS: after.cpuInS - before.cpuInS,
      peakMegabytes: Math.max(...during.map(({ residentMegabytes }) => residentMegabytes)),
      ...(other && { seen: await other.stop() }),
    })
  }
  const { transport } = running
  await phase('nodes ready', () => seeing(running, nodes, all => all.filter(isReadyNode).length >= nodeCount))
  await phase('nodes at rest', () => sleep(10_000))
  await transport.call({ verb: 'create', ...namespaces, body: { metadata: { name: namespace } } })
  const names = Array.from({ length: count }, (_, i) => `web-${i}`)
  await phase('apply to all running', async () => {
    for (const name of names) await transport.call({ verb: 'create', ...deployments, body: deployment(name, pods / count) })
    await seeing(running, deployments, all => sum(all.map(stateOf), ({ readyReplicas }) => readyReplicas) === pods)
  })
  await phase('pods at rest', () => sleep(10_000))
  const restarted = names.slice(0, count / 2)
  await phase('rolling restart of half', async () => {
    const template = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } } }
    const body = { spec: { template } }
    for (const name of restarted) await transport.call({ verb: 'patch', ...deployments, name, patchType: 'strategic', body })
    await seeing(running, deployments, all => all.map(stateOf).every(isRolledOut))
  })
  await phase('namespace deleted', async () => {
    await transport.call({ verb: 'delete', ...namespaces, name: namespace })
    await seeing(running, namespaces, all => all.every(({ metadata }) => metadata.name !== namespace))
  })
  return { nodes: nodeCount, pods, phases, samples: usage.samples }
}

/** What many Deployments cost that nobody touches: processor time of a core with them, and without. */
export async function idleDeployments(count: number): Promise<{ readonly without: number; readonly withThem: number }> {
  await using running = await runProgram(['--runtime', 'simulated', '--nodes', '1'])
  await using usage = await processUsage(running.pid)
  const rest = async () => {
    await sleep(5_000)
    const before = await usage.sample()
    await sleep(30_000)
    const after = await usage.sample()
    return (after.cpuInS - before.cpuInS) / (after.atInS - before.atInS)
  }
  const without = await rest()
  await running.transport.call({ verb: 'create', ...namespaces, body: { metadata: { name: namespace } } })
  for (let i = 0; i < count; i++)
    await running.transport.call({ verb: 'create', ...deployments, body: deployment(`idle-${i}`, 0) })
  const withThem = await rest()
  return { without, withThem }
}

function deployment(name: string, replicas: number) {
  const labels = { app: name }
  const resources = { requests: { cpu: '10m', memory: '32Mi' } }
  const spec = { containers: [{ name: 'app', image: 'busybox:1.36', resources }], terminationGracePeriodSeconds: 1 }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}

interface DeploymentState {
  readonly generation: number
  readonly replicas: number
  readonly observedGeneration: number
  readonly updatedReplicas: number
  readonly readyReplicas: number
  readonly totalReplicas: number
}

/** Resolves when a watch has shown the objects of a kind to be so: whoever watches asks for nothing meanwhile. */
async function seeing(
  { transport }: Running,
  resource: Omit<Call, 'verb'>,
  areSo: (objects: readonly KubeObject[]) => boolean,
): Promise<void> {
  const { items, metadata } = (await transport.call({ verb: 'list', ...resource })) as KubeList
  const objects = new Map(items.map(item => [item.metadata.name, item]))
  const seen = new AbortController()
  const { resourceVersion } = metadata
  const events = transport
    .watch({ verb: 'watch', ...resource, options: { resourceVersion } }, seen.signal)
    [Symbol.asyncIterator]()
  while (!areSo([...objects.values()])) {
    const { value = [] } = (await events.next()) as { value?: readonly WatchEvent[] }
    for (const { type, object } of value) {
      if (type === 'DELETED') objects.delete(object.metadata.name)
      else if (type !== 'BOOKMARK') objects.set(object.metadata.name, object)
    }
  }
  seen.abort()
}

interface DeploymentObject extends KubeObject {
  readonly spec: { readonly replicas: number }
  readonly status?: {
    readonly observedGeneration?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly replicas?: number
  }
}

function stateOf(object: KubeObject): DeploymentState {
  const { metadata, spec, status = {} } = object as DeploymentObject
  return {
    generation: metadata.generation ?? 0,
    replicas: spec.replicas,
    observedGeneration: status.observedGeneration ?? 0,
    updatedReplicas: status.updatedReplicas ?? 0,
    readyReplicas: status.readyReplicas ?? 0,
    totalReplicas: status.replicas ?? 0,
  }
}

const isRolledOut = (state: DeploymentState) =>
  state.observedGeneration >= state.generation &&
  [state.updatedReplicas, state.readyReplicas, state.totalReplicas].every(figure => figure === state.replicas)

const sum = <T>(items: readonly T[], figure: (item: T) => number) => items.reduce((total, item) => total + figure(item), 0)

function isReadyNode(object: KubeObject): boolean {
  const { conditions = [] } = (object as { status?: { conditions?: { type: string; status: string }[] } }).status ?? {}
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

/** Follows what a process uses, twice a second. */
async function processUsage(pid: number) {
  const samples: Sample[] = []
  const began = performance.now()
  let last = { atInS: 0, cpuInS: await cpuSeconds(pid) }
  const sample = async () => {
    const cpuInS = await cpuSeconds(pid)
    const atInS = (performance.now() - began) / 1000
    const cores = (cpuInS - last.cpuInS) / Math.max(atInS - last.atInS, 0.001)
    samples.push({ atInS, residentMegabytes: await residentMegabytes(pid), cores })
    last = { atInS, cpuInS }
    return last
  }
  let under: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    under = sample()
  }, 500)
  return {
    samples,
    sample,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await under
    },
  }
}

/** /proc/PID/stat counts in hundredths of a second. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}
