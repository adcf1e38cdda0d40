import { podBody } from './http-creates.ts'
import { type Running, runProgram, sleep, until } from './program.ts'
import { type Figure, median } from './report.ts'

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
