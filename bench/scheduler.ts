import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { users } from '../api/user.ts'
import { testServer } from '../apiserver/testing.ts'
import type { Client } from '../client/client.ts'
import { createEvents } from '../client/event-recorder.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { runAll } from '../lib/run.ts'
import { createScheduler } from '../scheduler/scheduler.ts'
import { levelStore } from '../storage/level/level.ts'
import { percentile } from './report.ts'

/** What is asked of the scheduler; each is measured by itself. */
export const workloads = ['plain', 'spread', 'anti-affinity', 'preemption'] as const
export type Workload = (typeof workloads)[number]

export interface SchedulerFigures {
  readonly workload: Workload
  readonly nodes: number
  readonly pods: number
  /** Pods that got their node, durably, per second: from the first decision to the last bind that an informer has seen. */
  readonly podsPerSecond: number
  /** Processor time per pod, of all threads: what remains comparable when the machine is busy with other things. */
  readonly cpuInUsPerPod: number
  /** How long a GET of a pod through the same server took meanwhile. */
  readonly readP50InMs: number
  readonly readP99InMs: number
  readonly longestReadInMs: number
  readonly residentMegabytes: number
}

export interface SchedulerBenchOptions {
  readonly workload?: Workload
  readonly nodes?: number
  readonly pods?: number
  /** Whether the `Scheduled` events are written, too: one more write per pod. */
  readonly withEvents?: boolean
  /** Whether each decision carries its reasons into the journal. */
  readonly recordsVerdicts?: boolean
}

/** Binds a backlog of pods over the local transport and a durable store, all in this process. */
export async function benchScheduler({
  workload = 'plain',
  nodes = 5000,
  pods = workload === 'preemption' ? 4000 : 10_000,
  withEvents = false,
  recordsVerdicts = true,
}: SchedulerBenchOptions = {}): Promise<SchedulerFigures> {
  const location = await mkdtemp(join(tmpdir(), 'wherry-bench-'))
  const store = await levelStore({ location, clock: systemClock })
  try {
    await using server = await testServer({ store })
    const client = createClient(server.transport(users.admin))
    await addNodes(client, nodes)
    if (workload === 'preemption') await fillUp(client, nodes)
    await addPods(client, pods, podsOf[workload])
    const figures = await schedule(createClient(server.transport(users.scheduler)), pods, { withEvents, recordsVerdicts })
    return { workload, nodes, pods, ...figures }
  } finally {
    await store.close()
    await rm(location, { recursive: true })
  }
}

type PodOf = (i: number) => { readonly app: string; readonly cpu?: string; readonly spec?: object }

const zone = 'topology.kubernetes.io/zone'
const hostname = 'kubernetes.io/hostname'

const evenly = (topologyKey: string, app: string) => ({
  topologyKey,
  maxSkew: 1,
  whenUnsatisfiable: 'DoNotSchedule' as const,
  labelSelector: { matchLabels: { app } },
})
const apart = (app: string) => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: hostname, labelSelector: { matchLabels: { app } } }],
  },
})

const podsOf: Readonly<Record<Workload, PodOf>> = {
  plain: () => ({ app: 'web' }),
  spread: () => ({ app: 'web', spec: { topologySpreadConstraints: [evenly(zone, 'web'), evenly(hostname, 'web')] } }),
  // With 5,000 nodes and 10,000 pods every node has one of each in the end: the last ones have the least choice there can be.
  'anti-affinity': i => ({ app: `web-${i % 2}`, spec: { affinity: apart(`web-${i % 2}`) } }),
  preemption: () => ({ app: 'urgent', cpu: '8', spec: { priorityClassName: 'urgent' } }),
}

async function addNodes(client: Client, nodes: number): Promise<void> {
  const allocatable = { cpu: '32', memory: '64Gi', pods: '110' }
  await atOnce(nodes, async i => {
    const labels = { [hostname]: `node-${i}`, [zone]: `zone-${i % 5}` }
    const node = await client.create(Node, { metadata: { name: `node-${i}`, labels } })
    await client.updateStatus(Node, { ...node, status: { ...node.status, allocatable, capacity: allocatable } })
  })
}

async function addPods(client: Client, pods: number, podOf: PodOf, nodeName?: (i: number) => string): Promise<void> {
  const prefix = nodeName ? 'filler' : 'pod'
  await atOnce(pods, i => {
    const { app, cpu = '100m', spec } = podOf(i)
    const resources = { requests: { cpu, memory: '200Mi' } }
    return client.create(Pod, {
      metadata: { name: `${prefix}-${i}`, namespace: 'default', labels: { app } },
      spec: { containers: [{ name: 'main', image: 'web:1', resources }], ...spec, ...(nodeName && { nodeName: nodeName(i) }) },
    })
  })
}

/** Four pods on each node that leave it no cpu; they go at once when they are told to, as there are no kubelets. */
async function fillUp(client: Client, nodes: number): Promise<void> {
  await client.create(PriorityClass, { metadata: { name: 'urgent' }, value: 1000 })
  const filler = () => ({ app: 'filler', cpu: '8', spec: { terminationGracePeriodSeconds: 0 } })
  await addPods(client, 4 * nodes, filler, i => `node-${i % nodes}`)
}

/** So many at once that a synced batch is well filled. */
async function atOnce(count: number, write: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await write(next++)
  }
  await Promise.all(Array.from({ length: 256 }, worker))
}

async function schedule(
  client: Client,
  pods: number,
  { withEvents, recordsVerdicts }: Required<Pick<SchedulerBenchOptions, 'withEvents' | 'recordsVerdicts'>>,
) {
  const informers = createInformers({ client, clock: systemClock, log: silentLog })
  const events = createEvents({ client, clock: systemClock, log: silentLog })
  const recorder = withEvents ? events.from('default-scheduler') : { record: () => {} }
  const scheduler = createScheduler({
    client,
    informers,
    events: recorder,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    recordsVerdicts,
  })
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  let bound = 0
  let finish = () => {}
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  informers.of(Pod).subscribe(changes => {
    for (const { object, previous } of changes) if (previous && object.spec.nodeName && !previous.spec.nodeName) bound++
    if (bound === pods) finish()
  })
  const running = runAll(
    [
      ['informers', informers.run],
      ['events', events.run],
      ['warm-up', () => informers.synced()],
    ],
    stop.signal,
  )
  await informers.synced()
  const start = systemClock.monotonic()
  const cpuBefore = process.cpuUsage()
  const schedulerRunning = scheduler.run(stop.signal)
  const reads = await readUntil(client, finished)
  const seconds = (systemClock.monotonic() - start) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  stop.abort()
  await Promise.all([running, schedulerRunning])
  return {
    cpuInUsPerPod: Math.round((user + system) / pods),
    podsPerSecond: Math.round(pods / seconds),
    readP50InMs: percentile(reads, 0.5),
    readP99InMs: percentile(reads, 0.99),
    longestReadInMs: Math.max(...reads),
    residentMegabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
  }
}

/** What somebody else sees of the server while pods are being scheduled: a read every few milliseconds, timed with a full turn of the loop. */
async function readUntil(client: Client, finished: Promise<void>): Promise<number[]> {
  const times: number[] = []
  let isFinished = false
  void finished.then(() => {
    isFinished = true
  })
  while (!isFinished) {
    const before = systemClock.monotonic()
    await systemClock.sleep(1)
    await client.get(Pod, { namespace: 'default', name: 'pod-0' })
    times.push(systemClock.monotonic() - before - 1)
    await systemClock.sleep(5)
  }
  return times
}
