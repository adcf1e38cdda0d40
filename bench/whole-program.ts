import type Docker from 'dockerode'
import type { KubeList, KubeObject } from '../api/transport.ts'
import { dockerEngine } from '../kubelet/runtime/docker/engine.ts'
import { silentLog } from '../lib/log.ts'
import { systemClock } from '../lib/clock.ts'
import { podBody } from './http-creates.ts'
import { runProgram, type Running, sleep, until } from './program.ts'
import { type Figure, median, percentile } from './report.ts'

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' } as const
const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'default' } as const

/** From the start of the process to a Ready node: on an empty data dir, and again on the same one. */
export async function coldStart(runtime: 'docker' | 'simulated', rounds = 7): Promise<Figure[]> {
  const fresh: number[] = []
  const again: number[] = []
  for (let round = 0; round < rounds; round++) {
    const first = await runProgram(['--runtime', runtime])
    fresh.push(first.readyInMs)
    await first.stop()
    await using second = await runProgram(['--runtime', runtime], first.dataDir)
    again.push(second.readyInMs)
  }
  const remark = `median of ${rounds}, from spawn to a Ready node, runtime ${runtime}`
  return [
    { name: `cold start, empty data dir (${runtime})`, value: median(fresh), unit: 'ms', goal: { atMost: 400 }, remark },
    { name: `cold start, existing data dir (${runtime})`, value: median(again), unit: 'ms', goal: { atMost: 400 }, remark },
  ]
}

async function createPods(running: Running, count: number, extra: object): Promise<void> {
  const template = JSON.parse(podBody()) as { metadata: object; spec: object }
  let next = 0
  const worker = async () => {
    for (let i = next++; i < count; i = next++) {
      const body = { ...template, metadata: { ...template.metadata, name: `pod-${i}` }, spec: { ...template.spec, ...extra } }
      await running.transport.call({ verb: 'create', ...pods, body })
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}

/** What the process holds: idle, with 1,000 running simulated pods, and with 10,000 pods in the store. */
export async function memory(): Promise<Figure[]> {
  const figures: Figure[] = []
  {
    await using idle = await runProgram(['--runtime', 'docker'])
    await sleep(10_000)
    figures.push({
      name: 'RSS idle',
      value: await idle.residentMegabytes(),
      unit: 'MB',
      goal: { atMost: 120 },
      remark: 'one Docker node, 10 s after start',
    })
  }
  {
    await using running = await runProgram(['--runtime', 'simulated', '--nodes', '20'])
    const body = deployment('many', 1000)
    await running.transport.call({ verb: 'create', ...deployments, body })
    await until(async () => (await readyReplicas(running, 'many')) === 1000)
    await sleep(5000)
    figures.push({
      name: 'RSS with 1,000 pods',
      value: await running.residentMegabytes(),
      unit: 'MB',
      remark: 'running on 20 simulated nodes',
    })
  }
  {
    await using full = await runProgram(['--runtime', 'simulated', '--nodes', '1'])
    await createPods(full, 10_000, { schedulerName: 'nobody' })
    await sleep(10_000)
    figures.push({
      name: 'RSS with 10,000 pods',
      value: await full.residentMegabytes(),
      unit: 'MB',
      goal: { atMost: 180 },
      remark: '1.5 KB each, just created',
    })
  }
  return figures
}

function deployment(name: string, replicas: number) {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'busybox:1.36' }] } },
    },
  }
}

async function readyReplicas(running: Running, name: string): Promise<number> {
  const object = (await running.transport.call({ verb: 'get', ...deployments, name })) as { status?: { readyReplicas?: number } }
  return object.status?.readyReplicas ?? 0
}

/** A Deployment of 500 from apply to all ready. */
export async function bigDeployment(replicas = 500): Promise<Figure[]> {
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    await using running = await runProgram(['--runtime', 'simulated', '--nodes', '20'])
    await sleep(1500)
    const began = performance.now()
    await running.transport.call({ verb: 'create', ...deployments, body: deployment('web', replicas) })
    while ((await readyReplicas(running, 'web')) < replicas) await sleep(20)
    times.push(performance.now() - began)
  }
  return [
    {
      name: `Deployment of ${replicas} to all ready`,
      value: median(times),
      unit: 'ms',
      remark: '20 simulated nodes, median of 3',
    },
  ]
}

/**
 * From POST of a pod to its Running status, and turn by turn Docker's own create and start of the same two containers: the same image, command, mounts,
 * limits and network, through the same client library.
 */
export async function podStart(rounds = 12): Promise<Figure[]> {
  await using running = await runProgram(['--runtime', 'docker'])
  const engine = dockerEngine({ clock: systemClock, log: silentLog })
  const ours: number[] = []
  const raw: number[] = []
  const containersOf = (name: string) =>
    engine.read(docker => docker.listContainers({ all: true, filters: { label: [`io.kubernetes.pod.name=${name}`] } }))
  for (let round = -1; round < rounds; round++) {
    const name = `pod-${round + 1}`
    const took = await startPod(running, name)
    const own = await containersOf(name)
    const pause = own.find(({ Image }) => Image.startsWith('wherry/pause'))
    const app = own.find(({ Image }) => !Image.startsWith('wherry/pause'))
    if (!pause || !app) throw new Error(`the containers of ${name} are not there`)
    const rawTook = await engine.open(docker => startTwins(docker, pause.Id, app.Id))
    await running.transport.call({ verb: 'delete', ...pods, name, options: { gracePeriodSeconds: 0 } })
    await until(async () => (await containersOf(name)).length === 0)
    // The first pair warms up code, caches and the node's network.
    if (round < 0) continue
    ours.push(took)
    raw.push(rawTook)
  }
  const over = median(ours.map((took, i) => took - (raw[i] ?? 0)))
  const p95 = percentile(ours, 0.95).toFixed(0)
  const remark = `p95 ${p95} ms; Docker's own create and start of the same containers ${median(raw).toFixed(0)} ms`
  return [
    { name: 'pod start, POST to Running', value: median(ours), unit: 'ms', remark },
    {
      name: "pod start over Docker's own",
      value: over,
      unit: 'ms',
      goal: { atMost: 40 },
      remark: `median difference of ${rounds} pairs`,
    },
  ]
}

async function startPod(running: Running, name: string): Promise<number> {
  const spec = {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: [{ name: 'app', image: 'busybox:1.36', command: ['sleep', '3600'] }],
  }
  const { metadata } = (await running.transport.call({ verb: 'list', ...pods })) as KubeList
  const seen = new AbortController()
  const options = { resourceVersion: metadata.resourceVersion, fieldSelector: `metadata.name=${name}` }
  const events = running.transport.watch({ verb: 'watch', ...pods, options }, seen.signal)
  const began = performance.now()
  const created = running.transport.call({
    verb: 'create',
    ...pods,
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec },
  })
  for await (const batch of events) if (batch.some(event => isRunning(event.object))) break
  const took = performance.now() - began
  seen.abort()
  await created
  return took
}

const isRunning = (object: KubeObject) => (object as { status?: { phase?: string } }).status?.phase === 'Running'

/** Creates and starts two containers like these, without the labels by which a kubelet would take them for its own. */
async function startTwins(docker: Docker, pauseId: string, appId: string): Promise<number> {
  const [pause, app] = await Promise.all([docker.getContainer(pauseId).inspect(), docker.getContainer(appId).inspect()])
  const like = ({ Config, HostConfig }: Docker.ContainerInspectInfo) => ({ ...Config, HostConfig, Labels: {} })
  const began = performance.now()
  const sandbox = await docker.createContainer(like(pause))
  await sandbox.start()
  const joined = { NetworkMode: `container:${sandbox.id}`, IpcMode: `container:${sandbox.id}` }
  const container = await docker.createContainer({ ...like(app), Hostname: '', HostConfig: { ...app.HostConfig, ...joined } })
  await container.start()
  const took = performance.now() - began
  await Promise.all([container.remove({ force: true }), sandbox.remove({ force: true })])
  return took
}
