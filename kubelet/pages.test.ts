import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { defaultKubeletConfig } from './config.ts'
import { kubeletMetrics } from './metrics.ts'
import { kubeletPages } from './pages.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'
import { sampleContainer, samplePod } from './samples.ts'
import type { RuntimeView } from './workers/relist.ts'

const pod = samplePod()
const { uid } = pod.metadata
const running = sampleContainer('app')
const stats = {
  containerId: running.id,
  pod: { namespace: 'default', name: 'web', uid },
  name: 'app',
  cpuNanoCores: 5,
  cpuTotalNanoSeconds: 2_000_000_000,
  memoryUsageInBytes: 300,
  memoryWorkingSetInBytes: 200,
  memoryRssInBytes: 100,
  pids: 3,
}

const disk = { capacityInBytes: 100, availableInBytes: 60, inodes: 10, inodesFree: 4 }
const problems: string[] = []
const metrics = kubeletMetrics()
const serve = kubeletPages({
  nodeName: 'n1',
  config: { ...defaultKubeletConfig, maxPods: 7 },
  server: { port: 10250, authorization: 'alwaysAllow' },
  metrics,
  startedAt: 0,
  runtime: { stats: async () => [stats], imageFilesystem: async () => disk } as Partial<ContainerRuntime> as ContainerRuntime,
  view: { get: () => ({ sandboxes: [], containers: [running] }) } as Partial<RuntimeView> as RuntimeView,
  machine: {
    memoryInBytes: 1000,
    cpus: 2,
    nodeFilesystem: async () => disk,
  },
  clock: virtualClock(),
  activePods: () => [pod],
  problems: () => problems,
})
const page = (path: string, query = '') => serve(path, new URLSearchParams(query))
const json = async (path: string) => JSON.parse((await page(path))?.body ?? '')

test('health is what the node says of itself', async () => {
  problems.length = 0
  expect(await page('/healthz')).toMatchObject({ status: 200, body: 'ok' })
  expect((await page('/healthz', 'verbose'))?.body).toBe('[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n')
  expect(await page('/healthz/log')).toMatchObject({ status: 200, body: 'ok' })
  expect(await page('/healthz/nothing')).toBeUndefined()
  problems.push('container runtime is down')
  const body = '[+]ping ok\n[+]log ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n'
  expect(await page('/healthz/')).toMatchObject({ status: 500, body })
  expect(await page('/healthz/syncloop')).toMatchObject({ body: 'internal server error: container runtime is down\n' })
  expect(await page('/healthz', 'exclude=syncloop')).toMatchObject({ status: 200 })
})

test('pods are those of this node; running pods are what the runtime knows of them', async () => {
  expect(await json('/pods/')).toMatchObject({ kind: 'PodList', items: [{ kind: 'Pod', apiVersion: 'v1', metadata: { uid } }] })
  expect((await json('/runningpods/')).items).toMatchObject([{ metadata: { uid }, spec: { containers: [{ name: 'app' }] } }])
})

test('figures: the summary by pod and container, and as metrics', async () => {
  expect(await json('/stats/summary')).toMatchObject({
    node: {
      nodeName: 'n1',
      cpu: { usageNanoCores: 5, usageCoreNanoSeconds: 2_000_000_000 },
      memory: { availableBytes: 800, usageBytes: 300, workingSetBytes: 200, rssBytes: 100 },
      fs: { availableBytes: 60, capacityBytes: 100, usedBytes: 40, inodes: 10, inodesFree: 4, inodesUsed: 6 },
    },
    pods: [
      { podRef: { uid }, containers: [{ name: 'app', memory: { workingSetBytes: 200 } }], process_stats: { process_count: 3 } },
    ],
  })
  const metrics = (await page('/metrics/resource'))?.body
  expect(metrics).toContain('container_cpu_usage_seconds_total{container="app",namespace="default",pod="web"} 2 ')
  expect((await page('/metrics'))?.body).toContain('kubelet_running_containers{container_state="running"} 1\n')
})

test('the summary has what the disk says, and can be asked for less', async () => {
  const { node, pods } = await json('/stats/summary')
  expect(node.runtime.imageFs).toMatchObject({ availableBytes: 60, capacityBytes: 100 })
  expect(pods[0]).toMatchObject({ 'ephemeral-storage': { capacityBytes: 100, usedBytes: 0 }, startTime: expect.any(String) })
  const less = JSON.parse((await page('/stats/summary', 'only_cpu_and_memory=true'))?.body ?? '')
  expect(Object.keys(less.node).sort()).toEqual(['cpu', 'memory', 'nodeName', 'startTime'])
})

test('metrics as cAdvisor has them: of everything, of the pod, of the container', async () => {
  const text = (await page('/metrics/cadvisor'))?.body ?? ''
  const lines = text.split('\n').filter(line => line.startsWith('container_memory_working_set_bytes{'))
  expect(lines.map(line => line.replace(/ \d+$/, ''))).toEqual([
    'container_memory_working_set_bytes{container="",id="/",image="",name="",namespace="",pod=""} 200',
    `container_memory_working_set_bytes{container="",id="/kubepods/pod${uid}",image="",name="",namespace="default",pod="web"} 200`,
    `container_memory_working_set_bytes{container="app",id="/kubepods/pod${uid}/app-0",image="app:1",name="app-0",namespace="default",pod="web"} 200`,
  ])
  expect(text).toContain('machine_cpu_cores 2\n')
})

test('what was counted is told when somebody asks', async () => {
  metrics.podStartSeconds.observe(0.7)
  metrics.operations.add({ operation_type: 'list_containers' })
  metrics.operations.add({ operation_type: 'list_containers' })
  metrics.probes.add({ container: 'app', result: 'successful' })
  const own = (await page('/metrics'))?.body
  expect(own).toContain('kubelet_runtime_operations_total{operation_type="list_containers"} 2\n')
  expect(own).toContain('kubelet_pod_start_duration_seconds_bucket{le="0.5"} 0\n')
  expect(own).toContain('kubelet_pod_start_duration_seconds_bucket{le="1"} 1\n')
  expect(own).toContain('kubelet_pod_start_duration_seconds_count 1\n')
  expect((await page('/metrics/probes'))?.body).toContain('prober_probe_total{container="app",result="successful"} 1\n')
})

test('its configuration is the one it works by', async () => {
  const { kubeletconfig } = await json('/configz')
  expect(kubeletconfig).toMatchObject({
    kind: 'KubeletConfiguration',
    maxPods: 7,
    port: 10250,
    syncFrequency: '1m0s',
    authorization: { mode: 'AlwaysAllow' },
    evictionHard: { 'memory.available': '100Mi' },
    evictionPressureTransitionPeriod: '5m0s',
  })
})

test('what does not exist is nothing', async () => {
  expect(await page('/nothing')).toBeUndefined()
  expect(await page('/toString')).toBeUndefined()
})
