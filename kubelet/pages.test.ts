import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
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

const problems: string[] = []
const serve = kubeletPages({
  nodeName: 'n1',
  runtime: { stats: async () => [stats] } as Partial<ContainerRuntime> as ContainerRuntime,
  view: { get: () => ({ sandboxes: [], containers: [running] }) } as Partial<RuntimeView> as RuntimeView,
  machine: {
    memoryInBytes: 1000,
    cpus: 2,
    nodeFilesystem: async () => ({ capacityInBytes: 100, availableInBytes: 60, inodes: 10, inodesFree: 4 }),
  },
  clock: virtualClock(),
  activePods: () => [pod],
  problems: () => problems,
})
const page = (path: string) => serve(path, new URLSearchParams())
const json = async (path: string) => JSON.parse((await page(path))?.body ?? '')

test('health is what the node says of itself', async () => {
  expect(await page('/healthz')).toMatchObject({ status: 200, body: 'ok' })
  problems.push('container runtime is down')
  expect(await page('/healthz/')).toMatchObject({ status: 500, body: 'healthz check failed: container runtime is down\n' })
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

test('what it does not serve is named, what does not exist is nothing', async () => {
  await expect(page('/metrics/cadvisor')).rejects.toThrow('this kubelet does not serve /metrics/cadvisor')
  await expect(page('/logs/kubelet.log')).rejects.toMatchObject({ status: { code: 503 } })
  expect(await page('/nothing')).toBeUndefined()
})
