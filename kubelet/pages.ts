import { Pod } from '../api/core/pod.ts'
import { ApiError } from '../api/errors.ts'
import { apiVersionOf } from '../api/kind.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import { timestamp } from '../lib/clock.ts'
import type { Clock } from '../lib/clock.ts'
import type { Machine } from './node/machine.ts'
import type { ContainerRuntime, ContainerStats } from './runtime/runtime.ts'
import type { RuntimeView } from './workers/relist.ts'

interface Options {
  readonly nodeName: string
  readonly runtime: ContainerRuntime
  readonly view: RuntimeView
  readonly machine: Pick<Machine, 'memoryInBytes' | 'cpus' | 'nodeFilesystem'>
  readonly clock: Clock
  /** Admitted and not finished. */
  readonly activePods: () => readonly Pod[]
  /** What keeps the node from being healthy. */
  readonly problems: () => readonly string[]
}

type Page = () => Promise<{ readonly status?: number; readonly text?: string; readonly json?: unknown }>

/** What a kubelet tells about itself by HTTP (pkg/kubelet/server), for requests that come through the API server's proxy. */
export function kubeletPages(options: Options): NonNullable<NodeAgent['serve']> {
  const { activePods, problems, clock } = options
  const podList = (pods: readonly unknown[]) => ({
    json: { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.map(pod => ({ ...typeOf, ...(pod as object) })) },
  })
  const typeOf = { kind: Pod.kind, apiVersion: apiVersionOf(Pod) }
  const pages: Readonly<Record<string, Page>> = {
    '/healthz': async () => {
      const found = problems()
      return found.length === 0 ? { text: 'ok' } : { status: 500, text: `healthz check failed: ${found.join('; ')}\n` }
    },
    '/healthz/ping': async () => ({ text: 'ok' }),
    '/pods': async () => podList(activePods()),
    '/runningpods': async () => podList(runningPods(options)),
    '/stats/summary': async () => ({ json: await summary(options) }),
    '/metrics': async () => ({ text: ownMetrics(options) }),
    '/metrics/resource': async () => ({ text: resourceMetrics(await options.runtime.stats(), clock.now()) }),
    '/configz': async () => ({
      json: { kubeletconfig: { kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1' } },
    }),
  }
  const withheld = new Set(['/metrics/cadvisor', '/metrics/probes', '/logs', '/checkpoint'])
  return async path => {
    const page = path.length > 1 ? path.replace(/\/+$/, '') : path
    if (withheld.has(page) || page.startsWith('/logs/') || page.startsWith('/checkpoint/')) {
      throw new ApiError('ServiceUnavailable', `this kubelet does not serve ${page}`)
    }
    const answer = Object.hasOwn(pages, page) ? await pages[page]?.() : undefined
    if (!answer) return undefined
    const { status = 200, text, json } = answer
    if (text !== undefined) return { status, contentType: 'text/plain; charset=utf-8', body: text }
    return { status, contentType: 'application/json', body: JSON.stringify(json) }
  }
}

/** What the runtime knows to run, as pods without much in them. */
function runningPods({ activePods, view }: Options): object[] {
  return activePods().flatMap(({ metadata, spec }) => {
    const running = view.get(metadata.uid).containers.filter(({ state }) => state === 'running')
    if (running.length === 0) return []
    const containers = running.map(({ name, image }) => ({ name, image, resources: {} }))
    const { name, namespace, uid } = metadata
    return [{ metadata: { name, namespace, uid }, spec: { nodeName: spec.nodeName, containers }, status: {} }]
  })
}

const sum = (stats: readonly ContainerStats[], of: (one: ContainerStats) => number) =>
  stats.reduce((all, one) => all + of(one), 0)

/** stats.k8s.io/v1alpha1 Summary, as far as it is measured here. The node's own figures are those of its pods together. */
async function summary({ nodeName, runtime, machine, clock, activePods, view }: Options): Promise<object> {
  const [stats, filesystem] = await Promise.all([runtime.stats(), machine.nodeFilesystem()])
  const time = timestamp(clock.now())
  const usage = (of: readonly ContainerStats[], limit?: number) => ({
    cpu: {
      time,
      usageNanoCores: sum(of, one => one.cpuNanoCores),
      usageCoreNanoSeconds: sum(of, one => one.cpuTotalNanoSeconds),
    },
    memory: {
      time,
      ...(limit !== undefined && { availableBytes: Math.max(0, limit - sum(of, one => one.memoryWorkingSetInBytes)) }),
      usageBytes: sum(of, one => one.memoryUsageInBytes),
      workingSetBytes: sum(of, one => one.memoryWorkingSetInBytes),
      rssBytes: sum(of, one => one.memoryRssInBytes),
    },
  })
  const startTimes = new Map<string, number>()
  const pods = activePods().map(({ metadata, status }) => {
    const own = stats.filter(({ pod }) => pod.uid === metadata.uid)
    for (const { id, startedAt } of view.get(metadata.uid).containers) startTimes.set(id, startedAt)
    return {
      podRef: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
      startTime: status.startTime ?? metadata.creationTimestamp,
      containers: own.map(one => ({
        name: one.name,
        startTime: timestamp(startTimes.get(one.containerId) ?? 0),
        ...usage([one]),
        ...(one.filesystemInBytes !== undefined && { rootfs: { time, usedBytes: one.filesystemInBytes } }),
      })),
      ...usage(own),
      process_stats: { process_count: sum(own, one => one.pids) },
    }
  })
  const { capacityInBytes, availableInBytes, inodes, inodesFree } = filesystem
  const fs = {
    time,
    availableBytes: availableInBytes,
    capacityBytes: capacityInBytes,
    usedBytes: capacityInBytes - availableInBytes,
    inodesFree,
    inodes,
    inodesUsed: inodes - inodesFree,
  }
  return { node: { nodeName, startTime: time, ...usage(stats, machine.memoryInBytes), fs }, pods }
}

function ownMetrics({ activePods, view }: Options): string {
  const pods = activePods()
  const running = pods.flatMap(({ metadata }) => view.get(metadata.uid).containers.filter(({ state }) => state === 'running'))
  return [
    '# HELP kubelet_running_pods Number of pods that have a running pod sandbox',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${pods.filter(({ metadata }) => view.get(metadata.uid).sandboxes.some(({ state }) => state === 'ready')).length}`,
    '# HELP kubelet_running_containers Number of containers currently running',
    '# TYPE kubelet_running_containers gauge',
    `kubelet_running_containers{container_state="running"} ${running.length}`,
    '',
  ].join('\n')
}

/** What metrics-server reads (pkg/kubelet/metrics/collectors/resource_metrics.go). */
function resourceMetrics(stats: readonly ContainerStats[], now: number): string {
  const lines = [
    '# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds',
    '# TYPE container_cpu_usage_seconds_total counter',
    ...stats.map(one => `container_cpu_usage_seconds_total${labelsOf(one)} ${one.cpuTotalNanoSeconds / 1e9} ${now}`),
    '# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes',
    '# TYPE container_memory_working_set_bytes gauge',
    ...stats.map(one => `container_memory_working_set_bytes${labelsOf(one)} ${one.memoryWorkingSetInBytes} ${now}`),
    '# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds',
    '# TYPE node_cpu_usage_seconds_total counter',
    `node_cpu_usage_seconds_total ${sum(stats, one => one.cpuTotalNanoSeconds) / 1e9} ${now}`,
    '# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes',
    '# TYPE node_memory_working_set_bytes gauge',
    `node_memory_working_set_bytes ${sum(stats, one => one.memoryWorkingSetInBytes)} ${now}`,
    '',
  ]
  return lines.join('\n')
}

const labelsOf = ({ name, pod }: ContainerStats) =>
  `{container=${JSON.stringify(name)},namespace=${JSON.stringify(pod.namespace)},pod=${JSON.stringify(pod.name)}}`
