import type { ContainerStats } from '../runtime/runtime.ts'
import { metricText } from './metric-text.ts'
import { type PageSources, sumOf } from './page.ts'

/** /metrics/resource: what metrics-server reads (pkg/kubelet/metrics/collectors/resource_metrics.go). */
export async function resourceMetrics({ runtime, view, clock, signals }: PageSources): Promise<string> {
  const [stats, seen] = await Promise.all([runtime.stats(), signals?.observe().catch(() => undefined)])
  const at = clock.now()
  const labelsOf = ({ name, pod }: ContainerStats) => ({ container: name, namespace: pod.namespace, pod: pod.name })
  const ofContainers = (of: (one: ContainerStats) => number | undefined) =>
    stats.flatMap(one => {
      const value = of(one)
      return value === undefined ? [] : [{ labels: labelsOf(one), value, at }]
    })
  const ofPods = (of: (one: ContainerStats) => number) => {
    const pods = new Map<string, ContainerStats[]>()
    for (const one of stats) pods.set(one.pod.uid, [...(pods.get(one.pod.uid) ?? []), one])
    return [...pods.values()].flatMap(own => {
      const [first] = own
      return first ? [{ labels: { namespace: first.pod.namespace, pod: first.pod.name }, value: sumOf(own, of), at }] : []
    })
  }
  const cpu = ({ cpuTotalNanoSeconds }: ContainerStats) => cpuTotalNanoSeconds / 1e9
  const memory = ({ memoryWorkingSetInBytes }: ContainerStats) => memoryWorkingSetInBytes
  const startOf = ({ containerId, pod }: ContainerStats) => {
    const startedAt = view.get(pod.uid).containers.find(({ id }) => id === containerId)?.startedAt
    return startedAt === undefined ? undefined : startedAt / 1000
  }
  const node = seen?.['memory.available']
  return metricText([
    {
      name: 'container_cpu_usage_seconds_total',
      type: 'counter',
      help: '[STABLE] Cumulative cpu time consumed by the container in core-seconds',
      samples: ofContainers(cpu),
    },
    {
      name: 'container_memory_working_set_bytes',
      type: 'gauge',
      help: '[STABLE] Current working set of the container in bytes',
      samples: ofContainers(memory),
    },
    {
      name: 'container_start_time_seconds',
      type: 'gauge',
      help: '[STABLE] Start time of the container since unix epoch in seconds',
      samples: ofContainers(startOf),
    },
    {
      name: 'node_cpu_usage_seconds_total',
      type: 'counter',
      help: '[STABLE] Cumulative cpu time consumed by the node in core-seconds',
      samples: [{ value: sumOf(stats, cpu), at }],
    },
    {
      name: 'node_memory_working_set_bytes',
      type: 'gauge',
      help: '[STABLE] Current working set of the node in bytes',
      samples: [{ value: node ? node.capacity - node.available : sumOf(stats, memory), at }],
    },
    {
      name: 'pod_cpu_usage_seconds_total',
      type: 'counter',
      help: '[STABLE] Cumulative cpu time consumed by the pod in core-seconds',
      samples: ofPods(cpu),
    },
    {
      name: 'pod_memory_working_set_bytes',
      type: 'gauge',
      help: '[STABLE] Current working set of the pod in bytes',
      samples: ofPods(memory),
    },
    {
      name: 'resource_scrape_error',
      type: 'gauge',
      help: '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
      samples: [{ value: 0 }],
    },
  ])
}
