import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import type { KubeList, KubeObject, Transport } from '../api/transport.ts'
import { dockerEngine } from '../kubelet/runtime/docker/engine.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { type Running, runAgent, runProgram, sleep, until } from './program.ts'
import { type Figure, median, percentile } from './report.ts'

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' } as const

const engine = dockerEngine({ clock: systemClock, log: silentLog })

const podNamed = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: [{ name: 'app', image: 'busybox:1.36', command: ['sleep', '3600'] }],
    ...more,
  },
})

const isRunning = (object: KubeObject) => (object as { status?: { phase?: string } }).status?.phase === 'Running'

/** Creates pods at once; answers how long each took from then until a watch showed it Running. */
async function startPods({ transport }: { transport: Transport }, names: readonly string[], more?: object): Promise<number[]> {
  const { metadata } = (await transport.call({ verb: 'list', ...pods })) as KubeList
  const seen = new AbortController()
  const events = transport.watch({ verb: 'watch', ...pods, options: { resourceVersion: metadata.resourceVersion } }, seen.signal)
  const began = performance.now()
  const created = Promise.all(names.map(name => transport.call({ verb: 'create', ...pods, body: podNamed(name, more) })))
  const took = new Map<string, number>()
  for await (const batch of events) {
    for (const { object } of batch) {
      const name = object.metadata.name ?? ''
      if (isRunning(object) && names.includes(name) && !took.has(name)) took.set(name, performance.now() - began)
    }
    if (took.size === names.length) break
  }
  seen.abort()
  await created
  return [...took.values()]
}

const containersOf = (label: string) => engine.read(docker => docker.listContainers({ all: true, filters: { label: [label] } }))

async function deletePods({ transport }: Running, names: readonly string[]): Promise<void> {
  await Promise.all(names.map(name => transport.call({ verb: 'delete', ...pods, name, options: { gracePeriodSeconds: 0 } })))
  for (const name of names) await until(async () => (await containersOf(`io.kubernetes.pod.name=${name}`)).length === 0)
}

/** What Docker is told to make two containers like those of a pod, without the labels by which a kubelet would take them for its own. */
interface Twins {
  readonly pause: Docker.ContainerCreateOptions
  readonly app: Docker.ContainerCreateOptions
}

async function twinsOf(podName: string): Promise<Twins> {
  const own = await containersOf(`io.kubernetes.pod.name=${podName}`)
  const pause = own.find(({ Image }) => Image.startsWith('wherry/pause'))
  if (!pause) throw new Error(`the sandbox of ${podName} is not there`)
  return { pause: await like(pause), app: await appOf(podName) }
}

async function appOf(podName: string): Promise<Docker.ContainerCreateOptions> {
  const app = (await containersOf(`io.kubernetes.pod.name=${podName}`)).find(({ Image }) => !Image.startsWith('wherry/pause'))
  if (!app) throw new Error(`the container of ${podName} is not there`)
  return { ...(await like(app)), Hostname: '' }
}

async function like({ Id }: Docker.ContainerInfo): Promise<Docker.ContainerCreateOptions> {
  const { Config, HostConfig } = await engine.read(docker => docker.getContainer(Id).inspect())
  return { ...Config, HostConfig, Labels: {} } as Docker.ContainerCreateOptions
}

/** Creates and starts both, and answers how to get rid of them. */
async function startTwins(docker: Docker, { pause, app }: Twins): Promise<() => Promise<void>> {
  const sandbox = await docker.createContainer(pause)
  await sandbox.start()
  const joined = { NetworkMode: `container:${sandbox.id}`, IpcMode: `container:${sandbox.id}` }
  const container = await docker.createContainer({ ...app, HostConfig: { ...app.HostConfig, ...joined } })
  await container.start()
  return async () => void (await Promise.all([container.remove({ force: true }), sandbox.remove({ force: true })]))
}

interface Pairs {
  /** Of the pods' names. */
  readonly prefix: string
  /** What the pods' spec has beside the usual. */
  readonly more?: object
  /** What each pair waits for. */
  readonly before?: () => Promise<unknown>
  /** How Docker alone makes what this pod has; answers how to get rid of it again. */
  readonly twin: (podName: string) => Promise<(docker: Docker) => Promise<() => Promise<unknown>>>
}

/** Turn by turn a pod, from POST to Running, and its twin of Docker's own: milliseconds, and the median difference of the pairs. */
async function inPairs(running: Running, rounds: number, { prefix, more, before, twin }: Pairs) {
  const ours: number[] = []
  const raw: number[] = []
  for (let round = -1; round < rounds; round++) {
    await before?.()
    const name = `${prefix}-${process.pid}-${round + 1}`
    const [took = 0] = await startPods(running, [name], more)
    const start = await twin(name)
    const began = performance.now()
    const remove = await engine.open(start)
    const rawTook = performance.now() - began
    await remove()
    await deletePods(running, [name])
    // The first pair warms up code, caches and the node's network.
    if (round < 0) continue
    ours.push(took)
    raw.push(rawTook)
  }
  return { ours, raw, over: median(ours.map((took, i) => took - (raw[i] ?? 0))) }
}

/**
 * From POST of a pod to its Running status, and turn by turn Docker's own create and start of the same two containers: the same image,
 * command, mounts, limits and network, through the same client library.
 */
export async function podStart(rounds = 15): Promise<Figure[]> {
  await using running = await runProgram(['--runtime', 'docker'])
  const { ours, raw, over } = await inPairs(running, rounds, {
    prefix: 'pod',
    async twin(name) {
      const twins = await twinsOf(name)
      return docker => startTwins(docker, twins)
    },
  })
  const p95 = percentile(ours, 0.95).toFixed(0)
  const remark = `p95 ${p95} ms; Docker's own create and start of the same containers ${median(raw).toFixed(0)} ms`
  return [
    { name: 'pod start, POST to Running', value: median(ours), unit: 'ms', remark },
    {
      name: "pod start over Docker's own",
      value: over,
      unit: 'ms',
      goal: { atMost: 20 },
      remark: `median difference of ${rounds} pairs`,
    },
  ]
}

/** Fifty pods at once to all Running, beside the same fifty pairs of containers made by Docker alone, as many at a time as suits it best. */
export async function podsAtOnce(count = 50, rounds = 2): Promise<Figure[]> {
  await using running = await runProgram(['--runtime', 'docker'])
  const names = Array.from({ length: count }, (_, i) => `at-once-${process.pid}-${i}`)
  const first = `first-${process.pid}`
  await startPods(running, [first])
  const twins = await twinsOf(first)
  const ours: number[] = []
  const raw = new Map<number, number[]>([4, 8, 16].map(workers => [workers, []]))
  for (let round = 0; round < rounds; round++)
    for (const [workers, times] of raw) {
      await machineAtRest()
      ours.push(Math.max(...(await startPods(running, names))))
      await deletePods(running, names)
      await machineAtRest()
      times.push(await engine.open(docker => manyTwins(docker, twins, count, workers)))
    }
  const best = [...raw].map(([workers, times]) => ({ workers, ms: median(times) })).sort((a, b) => a.ms - b.ms)[0]
  const others = [...raw].map(([workers, times]) => `${workers}: ${(median(times) / 1000).toFixed(1)} s`).join(', ')
  return [
    {
      name: `${count} pods at once to all Running`,
      value: median(ours) / 1000,
      unit: 's',
      goal: { atMost: (best?.ms ?? 0) / 1000 },
      remark: `median of ${ours.length}; Docker alone, by how many at a time: ${others}`,
    },
  ]
}

/** Dockerd and the kernel go on tidying up after a hundred containers that are gone: whoever comes next is not to pay for it. */
async function machineAtRest(): Promise<void> {
  for (let looks = 0; looks < 30; looks++) {
    const before = await busyTicks()
    await sleep(500)
    if ((await busyTicks()) - before <= restingTicks) return
  }
}

/** Of a hundredth of a second each, in half a second. */
const restingTicks = 5

/** Ticks in which any processor did anything (proc(5), /proc/stat: all but idle and iowait). */
async function busyTicks(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/ +/).slice(1).map(Number)
  return user + nice + system + irq + softirq
}

async function manyTwins(docker: Docker, twins: Twins, count: number, workers: number): Promise<number> {
  const removals: (() => Promise<void>)[] = []
  const began = performance.now()
  const work = async () => {
    while (removals.length < count) {
      const at = removals.push(async () => {}) - 1
      removals[at] = await startTwins(docker, twins)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const took = performance.now() - began
  await Promise.all(removals.map(remove => remove()))
  return took
}

/**
 * The same as podStart for pods that find a sandbox waiting (--sandbox-pool): Docker has only their own container to create and start.
 * With pauses between them, in which the pool is filled up again.
 */
export async function poolStart(rounds = 15): Promise<Figure[]> {
  await using running = await runProgram(['--runtime', 'docker', '--sandbox-pool', '3'])
  const { ours, raw, over } = await inPairs(running, rounds, {
    prefix: 'warm',
    more: { hostname: 'warm' },
    before: () => until(async () => (await containersOf('wherry.dev/warm=true')).filter(isIdle).length >= 3),
    async twin(name) {
      const app = await appOf(name)
      return async docker => {
        const container = await docker.createContainer(app)
        await container.start()
        return () => container.remove({ force: true })
      }
    },
  })
  const remark = `p95 ${percentile(ours, 0.95).toFixed(0)} ms; Docker's own create and start of the same container ${median(raw).toFixed(0)} ms`
  return [
    { name: 'pod start from a pool of warm sandboxes', value: median(ours), unit: 'ms', goal: { atMost: 120 }, remark },
    { name: "the same over Docker's own", value: over, unit: 'ms', remark: `median difference of ${rounds} pairs` },
  ]
}

const isIdle = ({ Names, State }: Docker.ContainerInfo) =>
  State === 'running' && Names.some(name => name.startsWith('/k8s_WARM_'))

/** What an agent costs that has 110 pods to look after while nothing happens to them. */
export async function idleNode(count = 110, seconds = 60): Promise<Figure[]> {
  await using cluster = await runAgent()
  const names = Array.from({ length: count }, (_, i) => `idle-${i}`)
  await startPods(cluster, names)
  await sleep(10_000)
  const before = await processorSeconds(cluster.agentPid)
  await sleep(seconds * 1000)
  const used = (await processorSeconds(cluster.agentPid)) - before
  const status = await readFile(`/proc/${cluster.agentPid}/status`, 'utf8')
  const remark = `wherry agent with ${count} pods, over ${seconds} s`
  return [
    { name: 'idle node, processor', value: (100 * used) / seconds, unit: '% of a core', goal: { atMost: 1 }, remark },
    {
      name: 'idle node, RSS',
      value: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
      unit: 'MB',
      goal: { atMost: 120 },
      remark: `wherry agent with ${count} pods`,
    },
  ]
}

/** User and system time; the kernel counts in hundredths of a second. */
async function processorSeconds(pid: number): Promise<number> {
  const [, fields = ''] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')
  const [user, system] = fields.split(' ').slice(11, 13).map(Number)
  return ((user ?? 0) + (system ?? 0)) / 100
}
