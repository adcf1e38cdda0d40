import { expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { PriorityClass } from '../../api/scheduling/priority-class.ts'
import { testServer } from '../../apiserver/testing.ts'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import type { CgroupFigures } from '../cgroups/figures.ts'
import { simulatedEngine } from '../runtime/simulated/engine.ts'
import { simulatedRuntime } from '../runtime/simulated/runtime.ts'
import { deadContainer, sampleContainer, samplePod } from '../samples.ts'
import { computePodActions } from '../sync/actions.ts'
import { nodeStory } from '../testing.ts'
import { podSteps, resizeActuator } from './actuate.ts'
import { allocations, type Resources } from './allocations.ts'
import { isSameSize, planResize, withRestarts } from './plan.ts'

async function story() {
  const clock = virtualClock()
  const random = seededRandom(7)
  const server = await testServer({ clock, random })
  const engine = simulatedEngine({ clock, random })
  const runtime = () => simulatedRuntime({ clock, random, engine, node: 'node-a', podCIDR: () => '10.244.0.0/24' })
  const node = await nodeStory({ transport: server.transport(), clock, runtime })
  const resize = (name: string, cpu: string, memory = '64Mi', of = 'app') =>
    node.client.patch(
      Pod,
      { namespace: 'default', name },
      'strategic',
      { spec: { containers: [{ name: of, resources: { requests: { cpu, memory } } }] } },
      { subresource: 'resize' },
    )
  const start = async (name: string, cpu: string, more: object = {}) => {
    const container = { name: 'app', image: 'registry/app:1', resources: { requests: { cpu, memory: '64Mi' } } }
    await node.run(name, { terminationGracePeriodSeconds: 2, containers: [container], ...more })
    return node.until(name, pod => pod?.status.phase === 'Running')
  }
  return {
    ...node,
    resize,
    start,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await server.stop()
    },
  }
}
const app = (pod: Pod | undefined) => pod?.status.containerStatuses?.[0]
const condition = (pod: Pod | undefined, type: string) => pod?.status.conditions?.find(one => one.type === type)
const has = (cpu: string) => (pod: Pod | undefined) =>
  (app(pod)?.resources as Resources | undefined)?.requests?.cpu === cpu && !condition(pod, 'PodResizeInProgress')

test('a resize that fits is made so without a restart, and told', async () => {
  await using node = await story()
  const before = await node.start('web', '1')
  await node.resize('web', '2')
  const after = await node.until('web', has('2'))
  expect(app(after)).toMatchObject({ restartCount: 0, containerID: app(before)?.containerID, allocatedResources: { cpu: '2' } })
  expect(condition(after, 'PodResizePending')).toBeUndefined()
  expect(await node.events('web')).toContain(
    'ResizeCompleted: Pod resize completed: {"containers":[{"name":"app","resources":{"requests":{"cpu":"2","memory":"64Mi"}}}]}',
  )
})

test('what does not fit now waits until room appears; what never fits is refused; both keep what they have', async () => {
  await using node = await story()
  await node.start('big', '3')
  await node.start('web', '500m')
  await node.resize('web', '2')
  const deferred = await node.until('web', pod => condition(pod, 'PodResizePending'))
  expect(condition(deferred, 'PodResizePending')).toMatchObject({
    status: 'True',
    reason: 'Deferred',
    message: "Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
    observedGeneration: deferred?.metadata.generation,
  })
  expect(app(deferred)).toMatchObject({ resources: { requests: { cpu: '500m' } }, allocatedResources: { cpu: '500m' } })

  await node.resize('web', '5')
  const infeasible = await node.until('web', pod => condition(pod, 'PodResizePending')?.reason === 'Infeasible')
  expect(condition(infeasible, 'PodResizePending')?.message).toBe(
    "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
  )

  await node.resize('web', '3')
  await node.until('web', pod => condition(pod, 'PodResizePending')?.reason === 'Deferred')
  await node.client.delete(Pod, { namespace: 'default', name: 'big' })
  await node.until('web', has('3'))

  await node.resize('web', '9')
  await node.until('web', pod => condition(pod, 'PodResizePending'))
  await node.resize('web', '3')
  await node.until('web', pod => !condition(pod, 'PodResizePending'))
})

test('room goes to the one with the higher priority, however long the other has waited', async () => {
  await using node = await story()
  await node.start('big', '3')
  await node.start('old', '250m')
  await node.client.create(PriorityClass, { metadata: { name: 'dear' }, value: 7 })
  await node.start('dear', '250m', { priorityClassName: 'dear' })
  await node.resize('old', '3')
  await node.until('old', pod => condition(pod, 'PodResizePending'))
  await node.resize('dear', '3')
  await node.until('dear', pod => condition(pod, 'PodResizePending'))
  await node.client.delete(Pod, { namespace: 'default', name: 'big' })
  await node.until('dear', has('3'))
  expect(condition(await node.pod('old'), 'PodResizePending')?.reason).toBe('Deferred')
})

test('a kubelet that comes back goes by what was granted, not by what was wished for meanwhile', async () => {
  await using node = await story()
  await node.start('big', '3')
  await node.start('web', '500m')
  await node.resize('web', '750m')
  await node.until('web', has('750m'))
  await node.resize('web', '3')
  const waiting = await node.until('web', pod => condition(pod, 'PodResizePending'))
  await node.restart()
  await node.clock.advance(3000)
  const after = await node.pod('web')
  expect(after?.status.phase).toBe('Running')
  expect(app(after)).toMatchObject({
    restartCount: 0,
    allocatedResources: { cpu: '750m' },
    resources: { requests: { cpu: '750m' } },
  })
  expect(condition(after, 'PodResizePending')).toMatchObject({
    reason: 'Deferred',
    lastTransitionTime: condition(waiting, 'PodResizePending')?.lastTransitionTime,
  })
  await node.client.delete(Pod, { namespace: 'default', name: 'big' })
  await node.until('web', has('3'))
})

test('what ran before keeps its room when a kubelet comes back, however early the name of what came meanwhile', async () => {
  await using node = await story()
  await node.start('old', '3')
  await node.clock.advance(2000)
  const containers = [{ name: 'app', image: 'registry/app:1', resources: { requests: { cpu: '3' } } }]
  await node.restart(() => node.run('a-new-one', { containers }))
  const refused = await node.until('a-new-one', pod => pod?.status.phase === 'Failed')
  expect(refused?.status.reason).toBe('OutOfcpu')
  expect((await node.pod('old'))?.status.phase).toBe('Running')
})

test('a container whose policy wants it is restarted', async () => {
  await using node = await story()
  const resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }]
  const resources = { requests: { cpu: '1', memory: '64Mi' } }
  await node.start('web', '1', {
    containers: [{ name: 'app', image: 'registry/app:1', resources, resizePolicy }],
  })
  await node.resize('web', '2')
  const after = await node.until('web', pod => has('2')(pod) && app(pod)?.restartCount === 1, 40)
  expect(app(after)?.state.running).toBeDefined()
  expect(await node.events('web')).toContain('Killing: Container app resize requires restart')
})

const resources = (cpu: string, memory: string, limits?: { cpu?: string; memory?: string }) => ({
  requests: { cpu, memory },
  ...(limits && { limits }),
})
const two = (one: object, other: object, more: object = {}) =>
  samplePod({
    containers: [
      { name: 'one', image: 'app:1', resources: one },
      { name: 'other', image: 'app:1', resources: other },
    ],
    ...more,
  })
const running = { sandboxes: [], containers: [sampleContainer('one'), sampleContainer('other')] }
const had: Record<string, Resources> = { one: resources('1', '1Gi'), other: resources('1', '1Gi') }
const actual = ({ name }: { name: string }) => had[name]

test('what shrinks is resized before what grows, cpu and memory each on their own', () => {
  const plan = planResize(two(resources('2', '1Gi'), resources('500m', '2Gi')), running, actual)
  expect([plan?.cpu.map(({ name }) => name), plan?.memory.map(({ name }) => name), plan?.restarts]).toEqual([
    ['other', 'one'],
    ['other'],
    [],
  ])
})

test('nothing to do: the same size in other words, a container that has ended, one that is being killed', () => {
  expect(planResize(two(resources('1000m', '1024Mi'), had.other!), running, actual)).toBeUndefined()
  const grown = two(resources('2', '1Gi'), had.other!)
  expect(
    planResize(grown, { ...running, containers: [deadContainer('one', 0), sampleContainer('other')] }, actual),
  ).toBeUndefined()
  expect(planResize(grown, running, actual, name => name === 'one')).toBeUndefined()
  expect(isSameSize({ limits: { cpu: '1' } }, { limits: { cpu: '1.0' } })).toBe(true)
})

test('a restart for a resize comes on top of what is to be done, in the order of the spec', () => {
  const pod = two(resources('1', '1Gi'), resources('2', '1Gi'), { restartPolicy: 'Never' })
  const runtime = { sandboxes: [], containers: [deadContainer('one', 1), sampleContainer('other')] }
  const probes = { liveness: () => undefined, startup: () => undefined }
  const actions = { ...computePodActions(pod, runtime, probes), killPod: false, createSandbox: false, appsToStart: ['one'] }
  const changed = withRestarts(pod, actions, { cpu: [], memory: [], restarts: [sampleContainer('other')] })
  expect([changed.appsToStart, changed.toKill.map(({ message }) => message)]).toEqual([
    ['one', 'other'],
    ['Container other resize requires restart'],
  ])
})

test.each<[string, 'cpu' | 'memory', CgroupFigures, CgroupFigures, CgroupFigures[], CgroupFigures[]]>([
  ['more memory: before', 'memory', { memoryLimitInBytes: 1 }, { memoryLimitInBytes: 2 }, [{ memoryLimitInBytes: 2 }], []],
  ['less memory: after', 'memory', { memoryLimitInBytes: 2 }, { memoryLimitInBytes: 1 }, [], [{ memoryLimitInBytes: 1 }]],
  [
    'a limit where there was none: after',
    'memory',
    { memoryLimitInBytes: -1 },
    { memoryLimitInBytes: 1 },
    [],
    [{ memoryLimitInBytes: 1 }],
  ],
  ['no limit wanted: left alone', 'memory', { memoryLimitInBytes: 9 }, {}, [], []],
  [
    'more cpu: quota, then shares',
    'cpu',
    { cpuQuotaInUs: 1, cpuShares: 2 },
    { cpuQuotaInUs: 3, cpuShares: 4 },
    [{ cpuQuotaInUs: 3 }, { cpuShares: 4 }],
    [],
  ],
  [
    'less cpu: shares, then quota',
    'cpu',
    { cpuQuotaInUs: 3, cpuShares: 4 },
    { cpuQuotaInUs: 1, cpuShares: 2 },
    [],
    [{ cpuShares: 2 }, { cpuQuotaInUs: 1 }],
  ],
  ['the same', 'cpu', { cpuQuotaInUs: 3, cpuShares: 4 }, { cpuQuotaInUs: 3, cpuShares: 4 }, [], []],
])('the pod’s own cgroup: %s', (_title, resource, now, wanted, before, after) => {
  expect(podSteps(resource, now, wanted)).toEqual({ before, after })
})

test('growing: pod, then container; shrinking: container, then pod; a failure leaves what was done and says what was not', async () => {
  const log: string[] = []
  const known = allocations({ log: silentLog })
  const limited = (memory: string) =>
    samplePod({
      containers: [{ name: 'app', image: 'app:1', resources: { limits: { memory, cpu: '1' }, requests: { memory, cpu: '1' } } }],
    })
  const container = sampleContainer('app')
  let inForce = 100 * 2 ** 20
  const actuate = resizeActuator({
    runtime: {
      updateResources: async (_id, { memoryLimitInBytes }) => void log.push(`container ${memoryLimitInBytes}`),
      stats: async () => [{ ...usage, containerId: container.id, memoryUsageInBytes: 50 * 2 ** 20 }],
    },
    cgroups: {
      figures: () => ({ memoryLimitInBytes: inForce, cpuQuotaInUs: 100_000, cpuShares: 1024 }),
      wanted: pod => ({ memoryLimitInBytes: Number.parseInt(pod.spec.containers[0]?.resources?.limits?.memory ?? '') * 2 ** 20 }),
      change: (_pod, { memoryLimitInBytes = 0 }) => {
        inForce = memoryLimitInBytes
        log.push(`pod ${memoryLimitInBytes}`)
      },
      memoryUsage: () => 60 * 2 ** 20,
    },
    allocations: known,
    config: { cpuCFSQuota: true, cpuCFSQuotaPeriodInUs: 100_000 },
  })
  const has: Resources = limited('100Mi').spec.containers[0]?.resources ?? {}
  const to = async (memory: string) => {
    const pod = limited(memory)
    void known.allocate(pod)
    const plan = planResize(
      pod,
      { sandboxes: [], containers: [container] },
      () => known.actuated('uid-1', 'app', container.id) ?? has,
    )
    if (plan) await actuate(pod, plan)
  }
  await to('200Mi')
  expect(log.splice(0)).toEqual([`pod ${200 * 2 ** 20}`, `container ${200 * 2 ** 20}`])
  await to('70Mi')
  expect(log.splice(0)).toEqual([`container ${70 * 2 ** 20}`, `pod ${70 * 2 ** 20}`])
  await expect(to('40Mi')).rejects.toThrow(
    'cannot decrease memory limits: [attempting to set pod memory limit (41943040) below current usage (62914560), attempting to set container "app" memory limit (41943040) below current usage (52428800)]',
  )
  expect(log).toEqual([])
  expect(known.actuated('uid-1', 'app', container.id)?.limits?.memory).toBe('70Mi')
})

const usage = {
  pod: { namespace: 'default', name: 'web', uid: 'uid-1' },
  name: 'app',
  cpuNanoCores: 0,
  cpuTotalNanoSeconds: 0,
  memoryWorkingSetInBytes: 0,
  memoryRssInBytes: 0,
  pids: 1,
}
