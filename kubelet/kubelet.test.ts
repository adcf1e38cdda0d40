import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Lease } from '../api/coordination/lease.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import type { Call, Transport } from '../api/transport.ts'
import { testServer } from '../apiserver/testing.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { seededRandom } from '../lib/random.ts'
import type { SignalSource } from './eviction/signals.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'
import { simulatedEngine } from './runtime/simulated/engine.ts'
import { simulatedRuntime } from './runtime/simulated/runtime.ts'
import { type NodeStoryOptions, nodeStory } from './testing.ts'

async function story(options: Partial<NodeStoryOptions> = {}) {
  const clock = virtualClock()
  const random = seededRandom(7)
  const server = await testServer({ clock, random })
  const engine = simulatedEngine({ clock, random })
  const runtime = () => simulatedRuntime({ clock, random, engine, node: 'node-a', podCIDR: () => '10.244.0.0/24' })
  const calls: Call[] = []
  const direct = server.transport()
  const transport: Transport = {
    ...direct,
    call(call, signal) {
      calls.push(call)
      return direct.call(call, signal)
    },
  }
  const node = await nodeStory({ transport, clock, runtime, ...options })
  return {
    ...node,
    get kubelet() {
      return node.kubelet
    },
    engine,
    writes: () => calls,
    runtime: runtime(),
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await server.stop()
    },
  }
}

const isRunning = (pod: Pod | undefined) => pod?.status.phase === 'Running'
const appStatus = (pod: Pod | undefined) => pod?.status.containerStatuses?.[0]
const withoutDisk = { usesDisk: false }

test('a pod starts and becomes Running, and says so step by step', async () => {
  await using node = await story()
  await node.run('web', {})
  const pod = await node.until('web', isRunning)
  expect(pod?.status).toMatchObject({ podIP: '10.244.0.2', hostIP: '192.168.0.10', qosClass: 'BestEffort' })
  expect(appStatus(pod)).toMatchObject({ ready: true, started: true, restartCount: 0, state: { running: {} } })
  expect(Object.fromEntries(pod?.status.conditions?.map(({ type, status }) => [type, status]) ?? [])).toEqual({
    PodReadyToStartContainers: 'True',
    Initialized: 'True',
    Ready: 'True',
    ContainersReady: 'True',
    PodScheduled: 'True',
  })
  expect(await node.events('web')).toEqual([
    'Pulled: Container image "registry/app:1" already present on machine',
    'Created: Created container: app',
    'Started: Started container app',
  ])
})

test('the node registers, is ready, and keeps its lease', async () => {
  await using node = await story({ config: withoutDisk })
  const { metadata, status } = await node.node()
  expect(metadata.labels).toMatchObject({
    'kubernetes.io/hostname': 'node-a',
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
  })
  expect(status.conditions?.find(one => one.type === 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady' })
  expect(status.allocatable).toMatchObject({ cpu: '4', memory: '8092Mi', pods: '110' })
  const lease = () => node.client.get(Lease, { namespace: 'kube-node-lease', name: 'node-a' })
  const first = await lease()
  await node.clock.advance(10_000)
  const second = await lease()
  expect(first.spec).toMatchObject({ holderIdentity: 'node-a', leaseDurationSeconds: 40 })
  expect(Date.parse(second.spec.renewTime ?? '') - Date.parse(first.spec.renewTime ?? '')).toBeGreaterThan(4000)
})

test('a node status that does not change is posted every five minutes only', async () => {
  await using node = await story({ config: withoutDisk })
  const before = await node.node()
  await node.clock.advance(280_000)
  expect((await node.node()).metadata.resourceVersion).toBe(before.metadata.resourceVersion)
  await node.clock.advance(40_000)
  expect((await node.node()).metadata.resourceVersion).not.toBe(before.metadata.resourceVersion)
})

test('a runtime that is gone makes the node not ready, and ready again', async () => {
  await using node = await story({ config: withoutDisk })
  const ready = async () => (await node.node()).status.conditions?.find(one => one.type === 'Ready')
  node.engine.setReachable(false)
  await node.clock.advance(50_000)
  expect(await ready()).toMatchObject({ status: 'False', reason: 'KubeletNotReady', message: 'container runtime is down' })
  node.engine.setReachable(true)
  await node.clock.advance(30_000)
  expect(await ready()).toMatchObject({ status: 'True' })
})

test('a crashing container is started at once, then after 10, 20, 40 seconds', async () => {
  await using node = await story({ config: withoutDisk })
  const begin = node.clock.now()
  const startedAt = new Map<number, number>()
  await node.run('crash', {}, { annotations: { 'simulated.wherry.dev/exit-code': '1' } })
  while (startedAt.size < 5 && node.clock.now() < begin + 200_000) {
    await node.clock.advance(500)
    for (const one of (await node.runtime.list()).containers)
      startedAt.set(one.attempt, Math.round((one.startedAt - begin) / 1000))
  }
  expect([...startedAt.values()]).toEqual([0, 0, 10, 30, 70])
  const pod = await node.until('crash', pod => appStatus(pod)?.state.waiting)
  expect(pod?.status.phase).toBe('Running')
  expect(appStatus(pod)).toMatchObject({
    restartCount: 4,
    state: {
      waiting: {
        reason: 'CrashLoopBackOff',
        message: expect.stringMatching(/^back-off 1m20s restarting failed container=app pod=crash_default\(/),
      },
    },
    lastState: { terminated: { exitCode: 1, reason: 'Error' } },
  })
  expect(await node.events('crash')).toContainEqual(
    expect.stringMatching(/^BackOff: Back-off restarting failed container app in pod crash_default\(/),
  )
})

test('a container that fails its liveness probe is restarted', async () => {
  await using node = await story({ config: withoutDisk })
  const livenessProbe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 2 }
  await node.run(
    'sick',
    { containers: [{ name: 'app', image: 'app:1', livenessProbe }] },
    { annotations: { 'simulated.wherry.dev/ready': 'false' } },
  )
  const pod = await node.until('sick', pod => (appStatus(pod)?.restartCount ?? 0) === 1)
  expect(appStatus(pod)?.lastState.terminated).toBeDefined()
  const events = await node.events('sick')
  expect(events).toContainEqual(expect.stringMatching(/^Unhealthy: Liveness probe failed: /))
  expect(events).toContain('Killing: Container app failed liveness probe, will be restarted')
})

test('restarts after failed liveness probes are slowed down as crashes are', async () => {
  await using node = await story({ config: withoutDisk })
  const livenessProbe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 2 }
  await node.run(
    'sick',
    { containers: [{ name: 'app', image: 'app:1', livenessProbe }] },
    { annotations: { 'simulated.wherry.dev/ready': 'false' } },
  )
  const pod = await node.until('sick', pod => appStatus(pod)?.state.waiting?.reason === 'CrashLoopBackOff', 20)
  expect(appStatus(pod)?.restartCount).toBe(2)
})

test('a pod that fails its readiness probe runs but is not ready, and is never restarted', async () => {
  await using node = await story({ config: withoutDisk })
  const readinessProbe = { exec: { command: ['check'] }, periodSeconds: 1 }
  await node.run(
    'busy',
    { containers: [{ name: 'app', image: 'app:1', readinessProbe }] },
    { annotations: { 'simulated.wherry.dev/ready': 'false' } },
  )
  await node.clock.advance(10_000)
  const pod = await node.pod('busy')
  expect(appStatus(pod)).toMatchObject({ ready: false, started: true, restartCount: 0 })
  expect(pod?.status.conditions?.find(one => one.type === 'Ready')).toMatchObject({
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [app]',
  })
})

test('a deleted pod ends gracefully and its object goes last', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', {}, { annotations: { 'simulated.wherry.dev/stop-after': '3s' } })
  await node.until('web', isRunning)
  await node.client.delete(Pod, { namespace: 'default', name: 'web' })
  await node.clock.advance(2000)
  expect((await node.pod('web'))?.metadata.deletionGracePeriodSeconds).toBe(30)
  expect((await node.runtime.list()).containers[0]?.state).toBe('running')
  await node.clock.advance(3000)
  expect(await node.pod('web')).toBeUndefined()
  expect(await node.runtime.list()).toEqual({ sandboxes: [], containers: [] })
  expect(await node.events('web')).toContain('Killing: Stopping container app')
})

test('a pod with thirty seconds of grace, ten of them for its hook, goes right after the thirty', async () => {
  await using node = await story({ config: withoutDisk })
  const lifecycle = { preStop: { exec: { command: ['sleep', '10'] } } }
  const stubborn = { annotations: { 'simulated.wherry.dev/stop-after': '60s' } }
  await node.run('web', { containers: [{ name: 'app', image: 'app:1', lifecycle }] }, stubborn)
  await node.until('web', isRunning)
  await node.client.delete(Pod, { namespace: 'default', name: 'web' })
  await node.clock.advance(29_500)
  expect((await node.runtime.list()).containers[0]?.state).toBe('running')
  await node.clock.advance(2500)
  expect(await node.pod('web')).toBeUndefined()
})

test('a pod deleted by force is gone at once and its containers soon after', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', {}, { annotations: { 'simulated.wherry.dev/stop-after': '60s' } })
  await node.until('web', isRunning)
  await node.client.delete(Pod, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
  expect(await node.pod('web')).toBeUndefined()
  await node.clock.advance(5000)
  expect(await node.runtime.list()).toEqual({ sandboxes: [], containers: [] })
})

test('a grace period can be shortened while the pod is ending', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('slow', { terminationGracePeriodSeconds: 600 }, { annotations: { 'simulated.wherry.dev/stop-after': '900s' } })
  await node.until('slow', isRunning)
  await node.client.delete(Pod, { namespace: 'default', name: 'slow' })
  await node.clock.advance(5000)
  expect(await node.pod('slow')).toBeDefined()
  await node.client.delete(Pod, { namespace: 'default', name: 'slow' }, { gracePeriodSeconds: 3 })
  await node.clock.advance(6000)
  expect(await node.pod('slow')).toBeUndefined()
})

test('a restarted kubelet adopts what runs and starts nothing twice', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', {})
  await node.until('web', isRunning)
  const before = await node.runtime.list()
  const objectBefore = await node.pod('web')
  await node.restart()
  await node.clock.advance(5000)
  expect(await node.runtime.list()).toEqual(before)
  expect(await node.pod('web')).toEqual(objectBefore)
})

test('containers of a pod that vanished while nobody looked are ended', async () => {
  await using node = await story({ config: withoutDisk })
  const { id } = await node.runtime.runSandbox({
    pod: { namespace: 'default', name: 'ghost', uid: 'ghost' },
    attempt: 0,
    hostname: 'ghost',
    labels: {},
    annotations: {},
    hostNetwork: false,
    hostIPC: false,
    hostPID: false,
    portMappings: [],
    sysctls: {},
    cgroupParent: '',
  })
  expect(id).not.toBe('')
  await node.clock.advance(15_000)
  expect(await node.runtime.list()).toEqual({ sandboxes: [], containers: [] })
})

test('init containers run one after the other, sidecars stay, and end last', async () => {
  await using node = await story({ config: withoutDisk })
  const image = 'app:1'
  await node.run('web', {
    initContainers: [
      { name: 'first', image, command: ['sleep', '2'] },
      { name: 'helper', image, restartPolicy: 'Always' },
      { name: 'second', image, command: ['sleep', '2'] },
    ],
    containers: [{ name: 'app', image, command: ['sleep', '5'] }],
    restartPolicy: 'Never',
  })
  const startedAt = async () =>
    Object.fromEntries(
      (await node.runtime.list()).containers.map(one => [one.name, Math.round((one.startedAt - Date.UTC(2026, 0, 1)) / 1000)]),
    )
  await node.clock.advance(1000)
  expect((await node.pod('web'))?.status).toMatchObject({
    phase: 'Pending',
    containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
  })
  await node.clock.advance(5000)
  expect(await startedAt()).toEqual({ first: 0, helper: 2, second: 2, app: 4 })
  expect((await node.pod('web'))?.status.phase).toBe('Running')
  await node.clock.advance(5000)
  const done = await node.pod('web')
  expect(done?.status.phase).toBe('Succeeded')
  expect(done?.status.initContainerStatuses?.map(one => one.state.terminated !== undefined)).toEqual([true, true, true])
})

test('a failed init container fails a pod that is never restarted', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', {
    initContainers: [{ name: 'init', image: 'app:1', command: ['false'] }],
    containers: [{ name: 'app', image: 'app:1' }],
    restartPolicy: 'Never',
  })
  const pod = await node.until('web', pod => pod?.status.phase === 'Failed')
  expect(appStatus(pod)?.state).toEqual({ waiting: { reason: 'PodInitializing' } })
  expect((await node.runtime.list()).containers.map(one => one.name)).toEqual(['init'])
})

test.each([
  { restartPolicy: 'Never', command: ['true'], phase: 'Succeeded' },
  { restartPolicy: 'Never', command: ['false'], phase: 'Failed' },
  { restartPolicy: 'OnFailure', command: ['true'], phase: 'Succeeded' },
])(
  'a pod with restartPolicy $restartPolicy whose container ends with $command is $phase',
  async ({ restartPolicy, command, phase }) => {
    await using node = await story({ config: withoutDisk })
    await node.run('job', { restartPolicy: restartPolicy as 'Never', containers: [{ name: 'app', image: 'app:1', command }] })
    await node.until('job', pod => pod?.status.phase === phase)
    await node.clock.advance(20_000)
    expect((await node.runtime.list()).containers).toHaveLength(1)
  },
)

test('a pod past its deadline fails', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('late', { activeDeadlineSeconds: 20 })
  await node.until('late', isRunning)
  await node.clock.advance(22_000)
  expect((await node.pod('late'))?.status).toMatchObject({
    phase: 'Failed',
    reason: 'DeadlineExceeded',
    message: 'Pod was active on the node longer than the specified deadline',
  })
  expect((await node.runtime.list()).containers[0]?.state).toBe('exited')
})

test('an image that does not exist is asked for again after a while', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', { containers: [{ name: 'app', image: 'missing/app:1' }] })
  await node.until('web', pod => appStatus(pod)?.state.waiting?.reason === 'ErrImagePull', 1)
  const pod = await node.until('web', pod => appStatus(pod)?.state.waiting?.reason === 'ImagePullBackOff', 30)
  expect(pod?.status.phase).toBe('Pending')
  expect(appStatus(pod)?.state.waiting?.message).toMatch(/^Back-off pulling image "missing\/app:1": ErrImagePull: /)
  const events = await node.events('web')
  expect(events).toContain('Failed: Error: ErrImagePull')
  expect(events).toContain('BackOff: Back-off pulling image "missing/app:1"')
})

test('a node that has no room left refuses the pod, for good', async () => {
  await using node = await story({ config: withoutDisk })
  const needs = (cpu: string) => ({ containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu } } }] })
  await node.run('first', needs('3'))
  await node.until('first', isRunning)
  await node.run('second', needs('2'))
  const pod = await node.until('second', pod => pod?.status.phase === 'Failed')
  expect(pod?.status).toMatchObject({
    reason: 'OutOfcpu',
    message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
  })
  expect((await node.runtime.list()).sandboxes).toHaveLength(1)
})

test('a critical pod pushes others out when the node has no room', async () => {
  await using node = await story({ config: withoutDisk })
  const needs = (cpu: string) => ({ containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu } } }] })
  await node.run('first', needs('3'))
  await node.until('first', isRunning)
  await node.run('vital', { ...needs('2'), priorityClassName: 'system-node-critical' })
  await node.until('vital', isRunning)
  expect((await node.pod('first'))?.status).toMatchObject({ phase: 'Failed', reason: 'Preempting' })
})

test('a pod whose sandbox dies starts over in a new one', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', {})
  const before = await node.until('web', isRunning)
  const [sandbox] = (await node.runtime.list()).sandboxes
  await node.runtime.stopSandbox(sandbox?.id ?? '')
  const after = await node.until('web', pod => appStatus(pod)?.restartCount === 1 && appStatus(pod)?.state.running, 30)
  expect(after?.status.podIP).not.toBe(before?.status.podIP)
  expect(await node.events('web')).toContain('SandboxChanged: Pod sandbox changed, it will be killed and re-created.')
})

test('a pod waits for a ConfigMap that its environment needs, and starts when there is one', async () => {
  await using node = await story({ config: withoutDisk })
  const env = [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }]
  await node.run('web', { containers: [{ name: 'app', image: 'app:1', env }] })
  const waiting = await node.until('web', pod => appStatus(pod)?.state.waiting?.reason === 'CreateContainerConfigError')
  expect(appStatus(waiting)?.state.waiting?.message).toBe('configmap "settings" not found')
  await node.client.create(ConfigMap, { metadata: { name: 'settings', namespace: 'default' }, data: { color: 'red' } })
  await node.until('web', isRunning, 30)
})

test('a volume whose ConfigMap is missing keeps the pod from starting', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', {
    volumes: [{ name: 'files', configMap: { name: 'settings' } }],
    containers: [{ name: 'app', image: 'app:1', volumeMounts: [{ name: 'files', mountPath: '/etc/app' }] }],
  })
  await node.clock.advance(3000)
  const pod = await node.pod('web')
  expect(pod?.status.phase).toBe('Pending')
  expect(appStatus(pod)?.state).toEqual({ waiting: { reason: 'ContainerCreating' } })
  expect(await node.events('web')).toContain(
    'FailedMount: MountVolume.SetUp failed for volume "files" : configmap "settings" not found',
  )
  await node.client.create(ConfigMap, { metadata: { name: 'settings', namespace: 'default' }, data: { color: 'red' } })
  await node.until('web', isRunning, 30)
})

test('a ConfigMap volume follows its ConfigMap and goes with the pod', async () => {
  await using node = await story()
  const settings = { name: 'settings', namespace: 'default' }
  await node.client.create(ConfigMap, { metadata: settings, data: { color: 'red' } })
  const { metadata } = await node.run('web', {
    volumes: [
      { name: 'files', configMap: { name: 'settings' } },
      { name: 'scratch', emptyDir: {} },
    ],
    containers: [
      {
        name: 'app',
        image: 'app:1',
        volumeMounts: [
          { name: 'files', mountPath: '/etc/app' },
          { name: 'scratch', mountPath: '/tmp' },
        ],
      },
    ],
  })
  await node.until('web', isRunning)
  const folder = join(node.rootDir, 'pods', metadata.uid)
  const color = () => readFile(join(folder, 'volumes/kubernetes.io~configmap/files/color'), 'utf8')
  expect(await color()).toBe('red')
  expect((await stat(join(folder, 'volumes/kubernetes.io~empty-dir/scratch'))).mode & 0o7777).toBe(0o777)
  expect(await readFile(join(folder, 'etc-hosts'), 'utf8')).toContain('10.244.0.2\tweb\n')
  await node.client.patch(ConfigMap, settings, 'merge', { data: { color: 'blue' } })
  for (let i = 0; i < 30 && (await color()) === 'red'; i++) await node.clock.advance(5000)
  expect(await color()).toBe('blue')
  await node.client.delete(Pod, metadata)
  await node.until('web', pod => pod === undefined)
  await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a container that restarts keeps the address of its pod, its volumes and what is in its emptyDir', async () => {
  await using node = await story()
  const { metadata } = await node.run('web', {
    volumes: [{ name: 'scratch', emptyDir: {} }],
    containers: [{ name: 'app', image: 'app:1', volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }] }],
  })
  const before = await node.until('web', isRunning)
  const scratch = join(node.rootDir, 'pods', metadata.uid, 'volumes/kubernetes.io~empty-dir/scratch')
  await writeFile(join(scratch, 'note'), 'kept')
  const { sandboxes, containers } = await node.runtime.list()
  await node.runtime.stopContainer(containers[0]?.id ?? '', 0)
  const after = await node.until('web', pod => appStatus(pod)?.restartCount === 1 && appStatus(pod)?.state.running, 30)
  expect(after?.status.podIP).toBe(before?.status.podIP)
  expect((await node.runtime.list()).sandboxes).toEqual(sandboxes)
  expect(await readFile(join(scratch, 'note'), 'utf8')).toBe('kept')
})

test('variables never follow their ConfigMap: a container keeps those it was made with, the next one has the new ones', async () => {
  const random = seededRandom(7)
  const colors: (string | undefined)[] = []
  const runtime = (clock: VirtualClock) => {
    const engine = simulatedEngine({ clock, random })
    const plain = simulatedRuntime({ clock, random, engine, node: 'node-a', podCIDR: () => '10.244.0.0/24' })
    const createContainer: ContainerRuntime['createContainer'] = (sandboxId, config) => {
      colors.push(config.env.find(({ name }) => name === 'COLOR')?.value)
      return plain.createContainer(sandboxId, config)
    }
    return { ...plain, createContainer }
  }
  await using node = await story({ config: withoutDisk, runtime })
  const settings = { name: 'settings', namespace: 'default' }
  await node.client.create(ConfigMap, { metadata: settings, data: { color: 'red' } })
  const env = [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }]
  const command = ['sleep', '300']
  await node.run('web', { containers: [{ name: 'app', image: 'app:1', command, env }] })
  const before = await node.until('web', isRunning)
  await node.client.patch(ConfigMap, settings, 'merge', { data: { color: 'blue' } })
  await node.clock.advance(200_000)
  expect([appStatus(await node.pod('web')), colors]).toEqual([appStatus(before), ['red']])
  await node.until('web', pod => appStatus(pod)?.restartCount === 1, 200)
  expect(colors).toEqual(['red', 'blue'])
})

test('a node short of memory evicts the pod that uses most above its request, and closes for a while', async () => {
  const mib = 2 ** 20
  let available = 4096 * mib
  const usage = (memoryInBytes: number) => {
    const containers = { app: { memoryInBytes, rootfsInBytes: 0, logsInBytes: 0 } }
    return { memoryInBytes, inodes: 0, processes: 1, containers, volumes: {} }
  }
  const signals: SignalSource = {
    observe: async () => ({ 'memory.available': { available, capacity: 8192 * mib } }),
    usages: async () =>
      new Map([
        ['default/greedy', usage(300 * mib)],
        ['default/modest', usage(10 * mib)],
      ]),
  }
  await using node = await story({ config: withoutDisk, signals })
  await node.run('modest', {})
  await node.run('greedy', {})
  await node.until('greedy', isRunning)
  available = 80 * mib
  const evicted = await node.until('greedy', pod => pod?.status.phase === 'Failed', 30)
  const message =
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. Container app was using 300Mi, request is 0, has larger consumption of memory. '
  expect(evicted?.status).toMatchObject({ reason: 'Evicted', message })
  expect(evicted?.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message }),
  )
  await node.clock.advance(1)
  expect((await node.node()).status.conditions?.find(one => one.type === 'MemoryPressure')?.status).toBe('True')
  available = 4096 * mib
  await node.clock.advance(20_000)
  expect((await node.pod('modest'))?.status.phase).toBe('Running')
  const pressure = async () => (await node.node()).status.conditions?.find(one => one.type === 'MemoryPressure')?.status
  expect(await pressure()).toBe('True')
  await node.run('newcomer', {})
  const refused = await node.until('newcomer', pod => pod?.status.phase === 'Failed')
  expect(refused?.status.message).toBe('Pod was rejected: The node had condition: [MemoryPressure]. ')
  await node.clock.advance(250_000)
  expect(await pressure()).toBe('True')
  await node.clock.advance(50_000)
  expect(await pressure()).toBe('False')
  expect(await node.events('node-a')).toContain('EvictionThresholdMet: Attempting to reclaim memory')
})

test('a critical pod is never evicted', async () => {
  const signals: SignalSource = {
    observe: async () => ({ 'memory.available': { available: 0, capacity: 1 } }),
    usages: async () => new Map(),
  }
  await using node = await story({ config: withoutDisk, signals })
  await node.run('vital', { priorityClassName: 'system-node-critical' })
  await node.clock.advance(60_000)
  expect((await node.pod('vital'))?.status.phase).toBe('Running')
})

test('logs and exec reach the container; what has none says why', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('talk', { containers: [{ name: 'app', image: 'app:1', command: ['sh', '-c', 'echo hello; sleep infinity'] }] })
  const pod = await node.until('talk', isRunning)
  const target = { namespace: 'default', name: 'talk', uid: pod?.metadata.uid ?? '', container: '' }
  const text = async (options: object) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of node.kubelet.agent.logs(target, options, new AbortController().signal)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  expect(await text({})).toBe('hello\n')
  await expect(text({ previous: true })).rejects.toThrow('previous terminated container "app" in pod "talk" not found')
  await expect(text({ container: 'other' })).rejects.toThrow('container other is not valid for pod talk')
  const session = await node.kubelet.agent.exec(target, {
    command: ['false'],
    stdin: false,
    stdout: true,
    stderr: true,
    tty: false,
  })
  expect(await session.done).toMatchObject({ exitCode: 1 })
})

test('a pod that ends before it could start fails, so that its object can go', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', { containers: [{ name: 'app', image: 'missing/app:1' }] })
  await node.clock.advance(1000)
  await node.client.delete(Pod, { namespace: 'default', name: 'web' })
  await node.clock.advance(1000)
  expect(await node.pod('web')).toBeUndefined()
})

test('a postStart hook that fails kills its container', async () => {
  await using node = await story({ config: withoutDisk })
  const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'echo oops; exit 3'] } } }
  await node.run('web', { containers: [{ name: 'app', image: 'app:1', lifecycle }] })
  const pod = await node.until('web', pod => appStatus(pod)?.state.waiting?.reason === 'PostStartHookError')
  expect(appStatus(pod)?.state.waiting?.message).toMatch(
    /^Exec lifecycle hook \(\[sh -c echo oops; exit 3\]\) for Container "app" in Pod "web_default\(.*\)" failed - error: command 'sh -c echo oops; exit 3' exited with 3: oops/,
  )
  const events = await node.events('web')
  expect(events).toContain('FailedPostStartHook: PostStartHook failed')
  expect(events).toContain('Killing: FailedPostStartHook')
})

test('restart counts survive the kubelet', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('crash', {}, { annotations: { 'simulated.wherry.dev/exit-code': '1' } })
  await node.until('crash', pod => appStatus(pod)?.restartCount === 2, 30)
  await node.restart()
  const pod = await node.until('crash', pod => (appStatus(pod)?.restartCount ?? 0) > 2, 60)
  expect(appStatus(pod)?.restartCount).toBe(3)
})

test('a pod that was deleted while the kubelet was away is ended when it is back', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('gone', {})
  await node.until('gone', isRunning)
  const restarted = node.restart()
  await node.client.delete(Pod, { namespace: 'default', name: 'gone' }, { gracePeriodSeconds: 0 })
  await restarted
  await node.clock.advance(10_000)
  expect(await node.runtime.list()).toEqual({ sandboxes: [], containers: [] })
})

test('a node whose object was deleted comes back with the next start of its kubelet', async () => {
  await using node = await story({ config: withoutDisk })
  await node.client.delete(Node, { name: 'node-a' })
  await node.clock.advance(310_000)
  await expect(node.node()).rejects.toThrow('nodes "node-a" not found')
  await node.restart()
  expect((await node.node()).status.conditions?.find(one => one.type === 'Ready')?.status).toBe('True')
})

test('a readiness gate keeps the pod from being ready until somebody opens it', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', { readinessGates: [{ conditionType: 'example.org/open' }] })
  const ready = (pod: Pod | undefined) => pod?.status.conditions?.find(one => one.type === 'Ready')
  const closed = await node.until('web', isRunning)
  expect(ready(closed)).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady' })
  const conditions = [{ type: 'example.org/open', status: 'True' }]
  await node.client.patch(
    Pod,
    { namespace: 'default', name: 'web' },
    'strategic',
    { status: { conditions } },
    { subresource: 'status' },
  )
  const open = await node.until('web', pod => ready(pod)?.status === 'True')
  expect(open?.status.conditions?.find(one => one.type === 'example.org/open')?.status).toBe('True')
})

test('a status says in the journal what led to it', async () => {
  await using node = await story({ config: withoutDisk })
  await node.run('web', {})
  await node.until('web', isRunning)
  const notes = node.writes().map(({ cause }) => cause?.note && `${cause.actor} ${cause.note.rule}: ${cause.note.text}`)
  expect(notes).toContain('kubelet kubelet/started: started container app')
})

test('an idle kubelet sets few timers, whatever the number of its pods', async () => {
  await using node = await story({ config: withoutDisk })
  const before = node.clock.timers
  for (let i = 0; i < 20; i++) await node.run(`pod-${i}`, {})
  await node.until('pod-19', isRunning)
  await node.clock.advance(5000)
  expect(node.clock.timers).toBeLessThanOrEqual(before + 1)
})
