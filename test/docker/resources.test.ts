import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { RuntimeClass } from '../../api/node/runtime-class.ts'
import { removeCluster } from '../../kubelet/runtime/docker/cluster-resources.ts'
import { dockerRuntime } from '../../kubelet/runtime/docker/runtime.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { isReady, type TestCluster, testCluster } from '../support/cluster.ts'
import { engineSocket } from '../support/engine.ts'

/** One node on a real engine with cgroups of version 1: what pods are given is looked up in the kernel's own files. */
const id = `resources-${process.pid}`
const image = 'busybox:1.36'
const above = `wherry/${id}/node-1/kubepods`
let cluster: TestCluster
let folder: string
const runtime = dockerRuntime({
  cluster: id,
  node: 'node-1',
  podCIDR: () => undefined,
  clock: systemClock,
  log: silentLog,
  socketPath: engineSocket,
})

beforeAll(async () => {
  const { ensureBusyboxImage } = await import('../../scripts/busybox-image.mjs')
  await ensureBusyboxImage({ socketPath: engineSocket }).catch((cause: unknown) => {
    throw new Error(`These tests need a Docker engine at ${engineSocket}; NOTHING WAS TESTED`, { cause })
  })
  if (!existsSync('/sys/fs/cgroup/memory')) throw new Error('These tests read cgroups of version 1; NOTHING WAS TESTED')
  folder = await mkdtemp(join(tmpdir(), 'wherry-devices-'))
  const devicesFile = join(folder, 'devices.json')
  const devices = [
    { id: 'a', path: '/dev/zero', containerPath: '/dev/spring', env: { SPRING: 'a' } },
    { id: 'gone', path: '/dev/no-such' },
  ]
  await writeFile(devicesFile, JSON.stringify({ 'example.com/spring': devices }))
  cluster = await testCluster({
    docker: ['node-1'],
    simulated: 0,
    id,
    podCIDR: `10.${200 + (process.pid % 50)}.0.0/16`,
    resources: { podPidsLimit: 64, devicesFile },
  })
})
afterAll(async () => {
  await cluster?.stop()
  await removeCluster({ cluster: id, clock: systemClock, log: silentLog, socketPath: engineSocket })
  await rm(folder, { recursive: true, force: true })
  expect(existsSync(`/sys/fs/cgroup/memory/wherry/${id}`)).toBe(false)
})

const sleeper = { image, command: ['sh', '-c', 'trap exit TERM; while :; do sleep 0.2; done'] }
const run = async (name: string, spec: object) => {
  await cluster.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: { terminationGracePeriodSeconds: 2, automountServiceAccountToken: false, ...spec },
    },
  ])
}
const isUp = async (name: string) => {
  const pod = await cluster.pod(name)
  expect(isReady(pod), JSON.stringify(pod.status)).toBe(true)
  return pod
}
const up = async (name: string, spec: object) => {
  await run(name, spec)
  return cluster.eventually(() => isUp(name))
}
const file = (controller: string, path: string) => readFileSync(`/sys/fs/cgroup/${controller}/${path}`, 'utf8').trim()
const numbers = (path: string) => ({
  shares: Number(file('cpu', `${path}/cpu.shares`)),
  quota: Number(file('cpu', `${path}/cpu.cfs_quota_us`)),
  memory: Number(file('memory', `${path}/memory.limit_in_bytes`)),
})
const containerId = (pod: Pod, name = 'app') =>
  [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]
    .find(one => one.name === name)
    ?.containerID?.replace('docker://', '') ?? ''
/** Runs a command in a container. */
const inside = async (pod: Pod, command: string, name = 'app') =>
  (await runtime.execSync(containerId(pod, name), ['sh', '-c', command], 20_000)).output.trim()
const mi = 2 ** 20
const unlimited = 2 ** 62

test('each class has its place, and each pod and container its figures, seen from the host and from within', async () => {
  const limits = { cpu: '500m', memory: '64Mi' }
  const [guaranteed, burstable, besteffort] = await Promise.all([
    up('guaranteed', { containers: [{ name: 'app', ...sleeper, resources: { limits } }] }),
    up('burstable', {
      containers: [
        { name: 'app', ...sleeper, resources: { requests: { cpu: '200m', memory: '32Mi' }, limits } },
        { name: 'free', ...sleeper, resources: { requests: { cpu: '100m' } } },
      ],
    }),
    up('besteffort', { containers: [{ name: 'app', ...sleeper }] }),
  ])
  const place = (pod: Pod, qos = '') => `${above}${qos}/pod${pod.metadata.uid}`
  expect(numbers(place(guaranteed))).toEqual({ shares: 512, quota: 50_000, memory: 64 * mi })
  expect(numbers(`${place(guaranteed)}/${containerId(guaranteed)}`)).toEqual({ shares: 512, quota: 50_000, memory: 64 * mi })
  const ofBurstable = numbers(place(burstable, '/burstable'))
  expect(ofBurstable).toMatchObject({ shares: 307, quota: -1 })
  expect(ofBurstable.memory).toBeGreaterThan(unlimited)
  expect(numbers(`${place(burstable, '/burstable')}/${containerId(burstable)}`)).toEqual({
    shares: 204,
    quota: 50_000,
    memory: 64 * mi,
  })
  expect(numbers(`${place(burstable, '/burstable')}/${containerId(burstable, 'free')}`)).toMatchObject({ shares: 102, quota: -1 })
  expect(numbers(place(besteffort, '/besteffort'))).toMatchObject({ shares: 2, quota: -1 })
  expect(file('cpu', `${above}/burstable/cpu.shares`)).toBe('307')
  expect(file('cpu', `${above}/besteffort/cpu.shares`)).toBe('2')
  expect(file('pids', `${place(besteffort, '/besteffort')}/pids.max`)).toBe('64')

  const { status } = await cluster.client.get(Node, { name: 'node-1' })
  expect(Number(file('memory', `${above}/memory.limit_in_bytes`))).toBe(Number.parseInt(status.capacity?.memory ?? '') * 1024)
  expect(file('cpu', `${above}/cpu.shares`)).toBe(String(Number(status.capacity?.cpu) * 1024))

  expect(await inside(guaranteed, 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes')).toBe(String(64 * mi))
  expect(await inside(burstable, 'cat /sys/fs/cgroup/cpu/cpu.shares')).toBe('204')
  expect(await inside(besteffort, 'cat /proc/1/oom_score_adj')).toBe('1000')

  for (const name of ['guaranteed', 'burstable', 'besteffort']) await cluster.client.delete(Pod, { namespace: 'default', name })
  await cluster.eventually(async () => expect(await cluster.pods()).toEqual([]))
  for (const folder of [place(guaranteed), place(burstable, '/burstable'), place(besteffort, '/besteffort')])
    for (const controller of ['cpu', 'memory', 'pids', 'cpuset', 'devices'])
      expect(existsSync(`/sys/fs/cgroup/${controller}/${folder}`), `${controller} ${folder}`).toBe(false)
})

test('overhead is counted, and is part of the pod’s cgroup', async () => {
  await cluster.client.create(RuntimeClass, {
    metadata: { name: 'heavy' },
    handler: 'runc',
    overhead: { podFixed: { cpu: '100m', memory: '16Mi' } },
  })
  const limits = { cpu: '200m', memory: '32Mi' }
  const pod = await up('heavy', { runtimeClassName: 'heavy', containers: [{ name: 'app', ...sleeper, resources: { limits } }] })
  expect(numbers(`${above}/pod${pod.metadata.uid}`)).toEqual({ shares: 307, quota: 30_000, memory: 48 * mi })
  await cluster.client.delete(Pod, pod.metadata)
})

test('spec.resources limits the pod as a whole: two containers share it, and the greedy one is killed', async () => {
  const greedy = 'sleep 3; x=$(head -c 40000000 /dev/zero | tr "\\0" x); echo ${#x}; sleep 60'
  await run('shared', {
    restartPolicy: 'Never',
    resources: { requests: { memory: '32Mi' }, limits: { memory: '32Mi' } },
    containers: [
      { name: 'app', image, command: ['sh', '-c', greedy] },
      { name: 'calm', ...sleeper },
    ],
  })
  const pod = await cluster.eventually(async () => {
    const found = await cluster.pod('shared')
    expect(found.status.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
    return found
  })
  expect(pod.status.containerStatuses?.[1]?.state.running).toBeDefined()
  expect(file('memory', `${above}/burstable/pod${pod.metadata.uid}/memory.limit_in_bytes`)).toBe(String(32 * mi))
  await cluster.client.delete(Pod, pod.metadata)
})

test('a fork bomb stays in its pod: no more processes than its limit, and the pod can be ended', async () => {
  // Bounded all the same: 300 children at most, each of which sleeps; the first that cannot be ends the inner shell.
  const bomb = "sleep 2; sh -c 'i=0; while [ $i -lt 300 ]; do sleep 30 & i=$((i+1)); done'; exec sleep 30"
  const pod = await up('bomb', {
    containers: [
      { name: 'app', image, command: ['sh', '-c', bomb] },
      { name: 'neighbour', image, command: ['sleep', '60'] },
    ],
  })
  const folder = `${above}/besteffort/pod${pod.metadata.uid}`
  await cluster.eventually(() => expect(Number(file('pids', `${folder}/pids.current`))).toBeGreaterThan(55))
  expect(Number(file('pids', `${folder}/pids.current`))).toBeLessThanOrEqual(64)
  await cluster.client.delete(Pod, pod.metadata)
  await cluster.eventually(async () => expect((await cluster.pods()).map(one => one.metadata.name)).not.toContain('bomb'))
  expect(existsSync(`/sys/fs/cgroup/pids/${folder}`)).toBe(false)
})

const resize = (name: string, containers: readonly object[]) =>
  cluster.client.patch(Pod, { namespace: 'default', name }, 'strategic', { spec: { containers } }, { subresource: 'resize' })
const conditionOf = (pod: Pod, type: string) => pod.status.conditions?.find(one => one.type === type)
const eventsOf = async (name: string) =>
  (await cluster.client.list(Event, { namespace: 'default' })).items.filter(one => one.involvedObject.name === name)

test('resized up and down in place: the same container, other figures for it and for its pod', async () => {
  const sized = (cpu: string, memory: string) => ({
    name: 'app',
    resources: { requests: { cpu, memory }, limits: { cpu, memory } },
  })
  const before = await up('resized', { containers: [{ ...sleeper, ...sized('200m', '64Mi') }] })
  const folder = `${above}/pod${before.metadata.uid}`
  const is = (cpu: string, memory: string, figures: object) =>
    cluster.eventually(async () => {
      const pod = await cluster.pod('resized')
      expect(pod.status.containerStatuses?.[0]).toMatchObject({
        restartCount: 0,
        ...sized(cpu, memory),
        allocatedResources: { cpu, memory },
      })
      expect(conditionOf(pod, 'PodResizeInProgress')).toBeUndefined()
      expect(conditionOf(pod, 'PodResizePending')).toBeUndefined()
      expect(containerId(pod)).toBe(containerId(before))
      for (const path of [folder, `${folder}/${containerId(pod)}`]) expect(numbers(path)).toEqual(figures)
    })
  await is('200m', '64Mi', { shares: 204, quota: 20_000, memory: 64 * mi })
  await resize('resized', [sized('400m', '96Mi')])
  await is('400m', '96Mi', { shares: 409, quota: 40_000, memory: 96 * mi })
  expect(await inside(before, 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us')).toBe(
    `${96 * mi}\n40000`,
  )
  await resize('resized', [sized('100m', '48Mi')])
  await is('100m', '48Mi', { shares: 102, quota: 10_000, memory: 48 * mi })
  const reasons = (await eventsOf('resized')).map(({ reason, message }) => [reason, message])
  expect(reasons).toContainEqual([
    'ResizeCompleted',
    'Pod resize completed: {"containers":[{"name":"app","resources":{"limits":{"cpu":"400m","memory":"96Mi"},"requests":{"cpu":"400m","memory":"96Mi"}}}]}',
  ])

  await resize('resized', [sized('1000', '48Mi')])
  await cluster.eventually(async () =>
    expect(conditionOf(await cluster.pod('resized'), 'PodResizePending')).toMatchObject({
      status: 'True',
      reason: 'Infeasible',
      message: expect.stringMatching(/^Node didn't have enough capacity: cpu, requested: 1000000, capacity: \d+$/),
    }),
  )
  await resize('resized', [sized('100m', '48Mi')])
  await is('100m', '48Mi', { shares: 102, quota: 10_000, memory: 48 * mi })
  await cluster.client.delete(Pod, before.metadata)
})

test('a container whose policy wants it restarts with its new size; its neighbour does not', async () => {
  const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }]
  const resources = (memory: string) => ({ requests: { cpu: '100m', memory }, limits: { memory } })
  const before = await up('restarted', {
    containers: [
      { name: 'app', ...sleeper, resizePolicy, resources: resources('32Mi') },
      { name: 'calm', ...sleeper, resources: resources('32Mi') },
    ],
  })
  await resize('restarted', [{ name: 'app', resources: resources('64Mi') }])
  const after = await cluster.eventually(async () => {
    const pod = await isUp('restarted')
    expect(pod.status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, resources: resources('64Mi') })
    expect(pod.status.containerStatuses?.[1]).toMatchObject({ restartCount: 0 })
    expect(conditionOf(pod, 'PodResizeInProgress')).toBeUndefined()
    return pod
  })
  expect(containerId(after, 'calm')).toBe(containerId(before, 'calm'))
  const folder = `${above}/burstable/pod${after.metadata.uid}`
  expect(numbers(folder).memory).toBe(96 * mi)
  expect(numbers(`${folder}/${containerId(after)}`).memory).toBe(64 * mi)
  await cluster.client.delete(Pod, after.metadata)
})

test('a memory limit below what is in use is not written: the condition says so, and a larger one ends it', async () => {
  const resources = (memory: string) => ({ requests: { memory: '16Mi' }, limits: { memory } })
  const hoard = 'x=$(head -c 20000000 /dev/zero | tr "\\0" x); echo full; trap exit TERM; while :; do sleep 0.2; done'
  const before = await up('hoard', {
    containers: [{ name: 'app', image, command: ['sh', '-c', hoard], resources: resources('128Mi') }],
  })
  const folder = `${above}/burstable/pod${before.metadata.uid}`
  await cluster.eventually(() => expect(Number(file('memory', `${folder}/memory.usage_in_bytes`))).toBeGreaterThan(20_000_000))
  await resize('hoard', [{ name: 'app', resources: resources('17Mi') }])
  await cluster.eventually(async () =>
    expect(conditionOf(await cluster.pod('hoard'), 'PodResizeInProgress')).toMatchObject({
      reason: 'Error',
      message: expect.stringMatching(
        /^cannot decrease memory limits: \[attempting to set pod memory limit \(17825792\) below current usage/,
      ),
    }),
  )
  expect(numbers(folder).memory).toBe(128 * mi)
  await resize('hoard', [{ name: 'app', resources: resources('100Mi') }])
  await cluster.eventually(() => expect(numbers(folder).memory).toBe(100 * mi))
  await cluster.client.delete(Pod, before.metadata)
})

test('a device is had by one pod alone, and is what its container sees', async () => {
  const { status } = await cluster.client.get(Node, { name: 'node-1' })
  expect([status.capacity?.['example.com/spring'], status.allocatable?.['example.com/spring']]).toEqual(['2', '1'])
  const spring = { name: 'app', ...sleeper, resources: { limits: { 'example.com/spring': '1' } } }
  const pod = await up('spring', { containers: [spring] })
  expect(await inside(pod, 'head -c 3 /dev/spring | wc -c; echo $SPRING')).toBe('3\na')
  expect(pod.status.containerStatuses?.[0]).toMatchObject({
    allocatedResourcesStatus: [{ name: 'example.com/spring', resources: [{ resourceID: 'a', health: 'Healthy' }] }],
  })
  await run('second', { nodeName: 'node-1', containers: [spring] })
  await cluster.eventually(async () =>
    expect((await cluster.pod('second')).status).toMatchObject({
      phase: 'Failed',
      reason: 'UnexpectedAdmissionError',
      message:
        'Pod was rejected: Allocate failed due to requested number of devices unavailable for example.com/spring. Requested: 1, Available: 0, which is unexpected',
    }),
  )
  await cluster.client.delete(Pod, pod.metadata)
  const { uid } = pod.metadata
  await cluster.eventually(() => expect(existsSync(`/sys/fs/cgroup/cpu/${above}/besteffort/pod${uid}`)).toBe(false))
  await up('third', { nodeName: 'node-1', containers: [spring] })
})

test('the summary tells of the machine, and of each pod as its own cgroup and network do', async () => {
  const wget =
    'i=0; while :; do wget -qO /dev/null -T 1 http://127.0.0.1:9/; nslookup x 127.0.0.2 >/dev/null 2>&1; sleep 0.3; done'
  const pod = await up('told', { containers: [{ name: 'app', image, command: ['sh', '-c', wget] }] })
  const { node, pods } = (await cluster.https.raw('/api/v1/nodes/node-1/proxy/stats/summary')) as {
    node: { cpu: { usageCoreNanoSeconds: number }; memory: { workingSetBytes: number }; network: { interfaces: object[] } }
    pods: {
      podRef: { name: string }
      memory: { usageBytes: number }
      network: { name: string; interfaces: { name: string }[] }
      process_stats: { process_count: number }
    }[]
  }
  // More than the pods of this node have ever used.
  expect(node.cpu.usageCoreNanoSeconds).toBeGreaterThan(60e9)
  expect(node.memory.workingSetBytes).toBeGreaterThan(200 * mi)
  expect(node.network.interfaces.length).toBeGreaterThan(0)
  const told = pods.find(({ podRef }) => podRef.name === 'told')
  expect(told?.network).toMatchObject({ name: 'eth0', interfaces: [{ name: 'eth0' }] })
  // The infra container's process counts, too.
  expect(told?.process_stats.process_count).toBeGreaterThanOrEqual(2)
  expect(told?.memory.usageBytes).toBeGreaterThan(0)
  await cluster.client.delete(Pod, pod.metadata)
})
