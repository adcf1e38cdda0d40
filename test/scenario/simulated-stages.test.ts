import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Node } from '../../api/core/node.ts'
import { readStages, type WrittenStage } from '../../api/simulation/stages.ts'
import { stagesFile } from '../../cmd/simulated-stages.ts'
import { simulatedEngine } from '../../kubelet/runtime/simulated/engine.ts'
import { systemClock, virtualClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { isReady, type TestCluster, type TestClusterOptions, testCluster } from '../support/cluster.ts'
import { manifestsDir } from '../support/manifests.ts'
import { deploymentNamed, podNamed } from '../support/objects.ts'

/** A cluster on a virtual clock, on whose simulated nodes these stages are played. */
async function played(stages: readonly WrittenStage[], options: TestClusterOptions = {}) {
  const clock = virtualClock()
  const engine = simulatedEngine({ clock, random: seededRandom(3), stages: { seed: 3, stages: readStages(stages) } })
  const cluster = await testCluster({ simulated: 1, clock, simulatedEngine: engine, ...options })
  const startedAt = clock.now()
  const seconds = () => (clock.now() - startedAt) / 1000
  const stateOf = async (name: string) => (await cluster.pod(name)).status.containerStatuses?.[0]
  const events = async (name: string, reason?: string) =>
    (await cluster.client.list(Event, { namespace: 'default' })).items
      .filter(event => event.involvedObject.name === name && (reason === undefined || event.reason === reason))
      .map(event => event.message)
  const end = async () => {
    const stopping = cluster.stop()
    let isOver = false
    void stopping.finally(() => (isOver = true))
    while (!isOver) await clock.advance(1000)
    engine.close()
  }
  return { clock, engine, cluster, seconds, stateOf, events, [Symbol.asyncDispose]: end }
}

const ready = (cluster: TestCluster, name: string) =>
  cluster.eventually(async () => expect(isReady(await cluster.pod(name))).toBe(true), { timeoutInMs: 60_000 })

test('an image comes slowly, is refused twice, and then is there', async () => {
  await using story = await played([
    { on: 'pull', pods: { image: 'slow/*' }, after: '4s', fail: { message: 'toomanyrequests' }, times: 2 },
    { on: 'pull', pods: { image: 'slow/*' }, after: '30s' },
  ])
  const { cluster, stateOf, events, seconds } = story
  await cluster.apply(podNamed('web', { image: 'slow/web:1' }))
  const reasons = new Set<string | undefined>()
  await cluster.eventually(async () => {
    reasons.add((await stateOf('web'))?.state.waiting?.reason)
    expect(isReady(await cluster.pod('web'))).toBe(true)
  })
  expect([...reasons]).toEqual(expect.arrayContaining(['ErrImagePull', 'ImagePullBackOff', 'ContainerCreating']))
  // Two refusals of 4 s, with 10 s and 20 s to wait after them, and 30 s for the pull itself.
  expect(seconds()).toBeGreaterThanOrEqual(4 + 10 + 4 + 20 + 30)
  expect(seconds()).toBeLessThan(80)
  expect(await events('web', 'Failed')).toContain('Failed to pull image "slow/web:1": toomanyrequests')
  expect((await events('web', 'Pulled'))[0]).toMatch(/^Successfully pulled image "slow\/web:1" in 30s/)
})

test('a crash loop waits 10, 20, 40 and 80 seconds, and is left alone once it runs', async () => {
  await using story = await played([{ on: 'running', pods: { name: 'web' }, after: '1s', exit: { code: 3 }, times: 4 }])
  const { cluster, engine, stateOf, clock } = story
  await cluster.apply(podNamed('web', { command: ['serve'] }))
  const startedAt = new Map<number, number>()
  const finishedAt = new Map<number, number>()
  await cluster.eventually(async () => {
    for (const one of engine.node('test', 'simulated-1').containers.values()) {
      startedAt.set(one.attempt, one.startedAt)
      if (one.state === 'exited') finishedAt.set(one.attempt, one.finishedAt)
    }
    expect(await stateOf('web')).toMatchObject({ restartCount: 4, state: { running: {} } })
  })
  const waits = [1, 2, 3, 4].map(attempt => ((startedAt.get(attempt) ?? 0) - (finishedAt.get(attempt - 1) ?? 0)) / 1000)
  // The first restart is at once; then each waits for its back-off, and a moment for what starting takes.
  const [first = 0, ...others] = waits
  expect(first).toBeLessThan(1)
  expect(others.map(Math.floor)).toEqual([10, 20, 40])
  for (const wait of others) expect(wait % 1).toBeLessThan(0.2)
  expect((await stateOf('web'))?.lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error' })
  await clock.advance(60_000)
  expect((await stateOf('web'))?.restartCount).toBe(4)
})

test('a leak: with a limit the container is OOMKilled and goes on; without one the node evicts the pod', async () => {
  await using story = await played(
    [{ on: 'running', pods: { labels: { leak: 'yes' } }, use: { memory: { '0s': '50Mi', '60s': '6Gi' } } }],
    { simulatedMachine: { cpus: 4, memoryInBytes: 4 * 2 ** 30 } },
  )
  const { cluster, stateOf, events } = story
  const limited = { containers: [{ name: 'app', image: 'a', resources: { limits: { memory: '200Mi' } } }] }
  await cluster.apply([
    podNamed('limited', { labels: { leak: 'yes' }, spec: limited }),
    podNamed('greedy', { labels: { leak: 'yes' }, command: ['serve'] }),
    podNamed('modest', { command: ['serve'] }),
  ])
  await cluster.eventually(async () =>
    expect(await stateOf('limited')).toMatchObject({ lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }),
  )
  await cluster.eventually(async () =>
    expect((await cluster.pod('greedy')).status).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: expect.stringContaining('The node was low on resource: memory.'),
    }),
  )
  expect(isReady(await cluster.pod('modest'))).toBe(true)
  expect(await events('simulated-1', 'OOMKilling')).not.toEqual([])
  const conditions = (await cluster.client.get(Node, { name: 'simulated-1' })).status.conditions
  expect(conditions?.find(({ type }) => type === 'MemoryPressure')?.status).toBe('True')
})

// Images are looked at every five minutes, and are two minutes old before they may go.
test('a disk that fills: first what the node can do without goes, then the pod that writes', async () => {
  await using story = await played([
    { on: 'pull', pods: { image: 'huge' }, size: '30Gi' },
    { on: 'running', pods: { name: 'writer' }, use: { disk: { '0s': '0', '500s': '0', '700s': '100Gi' } } },
  ])
  const { cluster, engine, events } = story
  await cluster.apply(podNamed('once', { image: 'huge', command: ['true'], spec: { restartPolicy: 'Never' } }))
  await cluster.eventually(async () => expect((await cluster.pod('once')).status.phase).toBe('Succeeded'))
  await cluster.apply([podNamed('writer', { command: ['serve'] }), podNamed('reader', { command: ['serve'] })])
  await ready(cluster, 'writer')
  const { images, containers } = engine.node('test', 'simulated-1')
  const hasHuge = () => [...images.values()].some(({ tags }) => tags.includes('huge'))
  expect(hasHuge()).toBe(true)
  let phaseWhenReclaimed: string | undefined
  await cluster.eventually(
    async () => {
      const { status } = await cluster.pod('writer')
      if (!hasHuge()) phaseWhenReclaimed ??= status.phase
      expect(status).toMatchObject({ phase: 'Failed', reason: 'Evicted' })
    },
    { timeoutInMs: 60_000 },
  )
  expect(phaseWhenReclaimed).toBe('Running')
  expect((await cluster.pod('writer')).status.message).toContain('The node was low on resource: ephemeral-storage.')
  expect([...containers.values()].filter(({ pod }) => pod.name === 'once')).toEqual([])
  expect(await events('simulated-1', 'EvictionThresholdMet')).toContain('Attempting to reclaim ephemeral-storage')
  expect(isReady(await cluster.pod('reader'))).toBe(true)
})

test('readiness that comes and goes restarts nothing', async () => {
  await using story = await played([
    {
      on: 'readiness',
      pods: { name: 'web' },
      answer: [
        { is: 'success', for: '20s' },
        { is: 'failure', for: '20s' },
      ],
    },
  ])
  const { cluster, stateOf } = story
  const probe = { httpGet: { path: '/', port: 80 }, periodSeconds: 1, failureThreshold: 1 }
  const containers = [{ name: 'app', image: 'a', readinessProbe: probe, livenessProbe: probe }]
  await cluster.apply(podNamed('web', { spec: { containers } }))
  const flips: boolean[] = []
  await cluster.eventually(async () => {
    const isIn = isReady(await cluster.pod('web'))
    if (flips.at(-1) !== isIn) flips.push(isIn)
    expect(flips.filter(Boolean).length).toBeGreaterThanOrEqual(3)
  })
  expect(await stateOf('web')).toMatchObject({ restartCount: 0, state: { running: {} } })
})

test('an engine that is away for 40 seconds: the node is not ready, then it is, and nothing was restarted', async () => {
  await using story = await played([{ on: 'node', from: '60s', until: '100s', unreachable: true }])
  const { cluster, stateOf, engine } = story
  await cluster.apply(podNamed('web', { command: ['serve'] }))
  await ready(cluster, 'web')
  const before = [...engine.node('test', 'simulated-1').containers.keys()]
  const isNodeReady = async () => isReady(await cluster.client.get(Node, { name: 'simulated-1' }))
  await cluster.eventually(async () => expect(await isNodeReady()).toBe(false))
  // 30 s after the last relist that went well, which may have been 10 s before.
  expect(engine.time() / 1000).toBeGreaterThan(60 + 30 - 11)
  expect(engine.time() / 1000).toBeLessThan(115)
  const conditions = (await cluster.client.get(Node, { name: 'simulated-1' })).status.conditions
  expect(conditions?.find(({ type }) => type === 'Ready')?.message).toContain('container runtime is down')
  await cluster.eventually(async () => expect(await isNodeReady()).toBe(true))
  await ready(cluster, 'web')
  expect([...engine.node('test', 'simulated-1').containers.keys()]).toEqual(before)
  expect((await stateOf('web'))?.restartCount).toBe(0)
})

test('a thousand nodes, of whose pods one in twenty crashes at first, all get there', async () => {
  const random = seededRandom(3)
  const crash: WrittenStage = {
    on: 'running',
    pods: { labels: { app: 'web' } },
    after: '2s',
    exit: { code: 1 },
    chance: 0.05,
    times: 1,
  }
  // A real clock: a virtual one would go from timer to timer of so many nodes.
  const engine = simulatedEngine({ clock: systemClock, random, stages: { seed: 3, stages: readStages([crash]) } })
  await using cluster = await testCluster({ simulated: 1000, simulatedEngine: engine })
  await cluster.apply(deploymentNamed('web', 1000, { command: ['serve'] }))
  const restarted = await cluster.eventually(
    async () => {
      const pods = await cluster.pods('app=web')
      expect(pods.filter(isReady)).toHaveLength(1000)
      const again = pods.filter(pod => (pod.status.containerStatuses?.[0]?.restartCount ?? 0) > 0)
      expect(again.length).toBeGreaterThan(20)
      return again.length
    },
    { timeoutInMs: 160_000, everyMs: 2000 },
  )
  engine.close()
  expect(restarted).toBeLessThan(90)
}, 180_000)

test('manifests/simulation: pods.yaml on the stages of stages.yaml', async () => {
  const clock = virtualClock()
  const stages = await stagesFile(join(manifestsDir, 'simulation/stages.yaml'))
  await using cluster = await testCluster({ simulated: 3, clock, simulatedStages: stages })
  await cluster.apply('simulation/pods.yaml')
  await cluster.eventually(async () => {
    expect((await cluster.pods('app=shop')).filter(isReady)).toHaveLength(5)
    const [leaky] = await cluster.pods('app=leaky')
    expect(leaky?.status.containerStatuses?.[0]?.lastState.terminated?.reason).toBe('OOMKilled')
  })
})
