import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import { HorizontalPodAutoscaler } from '../../api/autoscaling/horizontal-pod-autoscaler.ts'
import { Event } from '../../api/core/event.ts'
import { readStages, type WrittenStage } from '../../api/simulation/stages.ts'
import type { WhyStep } from '../../apiserver/why.ts'
import { simulatedEngine } from '../../kubelet/runtime/simulated/engine.ts'
import { virtualClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { certifiedKubectl } from '../support/certified-kubectl.ts'
import { type TestCluster, type TestClusterOptions, testCluster } from '../support/cluster.ts'
import { deploymentNamed } from '../support/objects.ts'
import { hasKubectl } from '../support/server.ts'

/** A cluster on a virtual clock, on whose simulated nodes pods use what these stages say. */
async function loaded(stages: readonly WrittenStage[], options: TestClusterOptions = {}) {
  const clock = virtualClock()
  const engine = simulatedEngine({ clock, random: seededRandom(3), stages: { seed: 3, stages: readStages(stages) } })
  const simulatedMachine = { cpus: 16, memoryInBytes: 64 * 2 ** 30 }
  const cluster = await testCluster({ simulated: 2, clock, simulatedEngine: engine, simulatedMachine, ...options })
  const end = async () => {
    const stopping = cluster.stop()
    let isOver = false
    void stopping.finally(() => (isOver = true))
    while (!isOver) await clock.advance(1000)
    engine.close()
  }
  return { clock, cluster, [Symbol.asyncDispose]: end }
}

const ref = { namespace: 'default', name: 'web' }
const sizeOf = async ({ client }: TestCluster) => (await client.get(Deployment, ref)).spec.replicas

const autoscaler = (spec: object) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec },
})

async function eventsOf({ client }: TestCluster, name = 'web') {
  const { items } = await client.list(Event, { namespace: 'default' })
  const own = items.filter(
    ({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler' && involvedObject.name === name,
  )
  return own.map(({ reason, message, source }) => [source?.component, reason, message])
}

const eightyPercent: WrittenStage = {
  on: 'running',
  pods: { labels: { app: 'web' } },
  use: { cpu: { '0s': '800m', '200s': '800m', '201s': '20m' }, memory: '100Mi' },
}

test('load comes, and pods with it; load goes, and five minutes later the pods', async () => {
  await using story = await loaded([eightyPercent])
  const { cluster, clock } = story
  await cluster.apply([deploymentNamed('web', 2, { cpu: '1' }), autoscaler({ minReplicas: 2, maxReplicas: 6 })])
  const startedAt = clock.now()
  const seconds = () => (clock.now() - startedAt) / 1000
  // 80 % where 80 % is wanted, the default: all is well.
  await clock.advance(40_000)
  expect([await sizeOf(cluster), (await cluster.client.get(HorizontalPodAutoscaler, ref)).status.currentMetrics]).toEqual([
    2,
    [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 80, averageValue: '800m' } } }],
  ])
  const metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }]
  await cluster.client.patch(HorizontalPodAutoscaler, ref, 'merge', { spec: { metrics } })
  await cluster.eventually(async () => expect(await sizeOf(cluster)).toBe(4))
  expect(seconds()).toBeLessThanOrEqual(60)
  await cluster.eventually(async () => expect(await sizeOf(cluster)).toBe(6))
  await cluster.eventually(async () => expect((await cluster.client.get(Deployment, ref)).status.readyReplicas).toBe(6))
  await clock.advance((201 - seconds()) * 1000)
  // The younger pods are loaded for a while yet.
  await clock.advance(260_000)
  expect(await sizeOf(cluster)).toBe(6)
  await cluster.eventually(async () => expect(await sizeOf(cluster)).toBe(2), { timeoutInMs: 60_000 })
  expect(seconds()).toBeGreaterThan(500)
  const [source, above] = ['horizontal-pod-autoscaler', 'reason: cpu resource utilization (percentage of request) above target']
  const told = await eventsOf(cluster)
  expect(told.slice(0, 2)).toEqual([
    [source, 'SuccessfulRescale', `New size: 4; ${above}`],
    [source, 'SuccessfulRescale', `New size: 6; ${above}`],
  ])
  // Pods are idle at different times: it may go down in two steps.
  expect(told.at(-1)).toEqual([source, 'SuccessfulRescale', 'New size: 2; reason: All metrics below target'])
  const steps = await cluster.why('deployments', 'web', { group: 'apps', namespace: 'default' })
  const rules = steps.flatMap(({ cause }: WhyStep) => (cause?.note ? [[cause.note.rule, cause.note.text]] : []))
  const text = expect.stringMatching(/^\d become 2: All metrics below target$/)
  expect(rules).toContainEqual(['horizontal-pod-autoscaler/scale', text])
})

test('periods of one’s own', async () => {
  const autoscaling = { syncPeriodInMs: 1000, downscaleStabilizationInMs: 5000, tolerance: 0.5 }
  const idle: WrittenStage = { on: 'running', pods: { labels: { app: 'web' } }, use: { cpu: '100m' } }
  await using story = await loaded([idle], { autoscaling })
  const { cluster, clock } = story
  await cluster.apply([deploymentNamed('web', 4, { cpu: '1' }), autoscaler({ maxReplicas: 6 })])
  const startedAt = clock.now()
  await cluster.eventually(async () => expect(await sizeOf(cluster)).toBe(1))
  expect(clock.now() - startedAt).toBeLessThan(25_000)
})

test('a StatefulSet is scaled like anything else', async () => {
  await using story = await loaded([eightyPercent])
  const { cluster } = story
  const { spec, ...set } = deploymentNamed('web', 2, { cpu: '1' }) as unknown as { spec: object }
  const target = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' } }
  await cluster.apply([
    { ...set, kind: 'StatefulSet', spec: { ...spec, serviceName: 'web', podManagementPolicy: 'Parallel' } } as never,
    autoscaler({ minReplicas: 3, maxReplicas: 6, ...target }),
  ])
  await cluster.eventually(async () => expect((await cluster.client.get(StatefulSet, ref)).spec.replicas).toBe(3))
})

if (!hasKubectl) test('kubectl is not on the PATH: nothing was looked at with it', () => expect(hasKubectl).toBe(false))

test.runIf(hasKubectl)('the real kubectl makes an autoscaler, and shows what it does', async () => {
  await using story = await loaded([eightyPercent])
  const { cluster } = story
  await using kubectl = await certifiedKubectl(() => cluster.port)
  const run = async (words: string) => (await kubectl.run(words.split(' '))).out
  await cluster.apply(deploymentNamed('web', 2, { cpu: '1' }))
  expect(await run('autoscale deployment web --min=2 --max=4 --cpu-percent=50')).toBe(
    'horizontalpodautoscaler.autoscaling/web autoscaled\n',
  )
  expect(await run('get hpa web')).toMatch(/^web +Deployment\/web +cpu: <unknown>\/50% +2 +4 +0 /m)
  await cluster.eventually(async () => expect(await sizeOf(cluster)).toBe(4))
  expect(await run('get hpa web')).toMatch(/^web +Deployment\/web +cpu: 80%\/50% +2 +4 +2 /m)
  expect(await run('top pods')).toMatch(/^web-\S+ +800m +100Mi *$/m)
  const described = await run('describe hpa web')
  for (const line of [
    /^ {2}resource cpu on pods {2}\(as a percentage of request\): +80% \(800m\) \/ 50%$/m,
    /^Deployment pods: +2 current \/ 4 desired$/m,
    /^ {2}AbleToScale +True +SucceededRescale +the HPA controller was able to update the target scale to 4$/m,
    /^ {2}ScalingActive +True +ValidMetricFound /m,
    /^ {2}ScalingLimited +False +DesiredWithinRange +the desired count is within the acceptable range$/m,
  ]) {
    expect(described).toMatch(line)
  }
  await cluster.eventually(async () =>
    expect(await run('describe hpa web')).toMatch(
      /^ {2}Normal +SuccessfulRescale +\S+ +horizontal-pod-autoscaler +New size: 4; reason: cpu resource utilization/m,
    ),
  )
})
