import type { Family, Sample } from './pages/metric-text.ts'

type Labels = Readonly<Record<string, string>>

/** Numbers that only grow, by labels. */
export interface Counter {
  add(labels?: Labels): void
  /** Forgets all whose labels have this value. */
  forget(label: string, value: string): void
  family(): Family
}

/** How often values have come up to each of some bounds, by labels. */
export interface Histogram {
  observe(value: number, labels?: Labels): void
  family(): Family
}

const keyOf = (labels: Labels) => JSON.stringify(labels)

export function counter(name: string, help: string): Counter {
  const counts = new Map<string, { labels: Labels; value: number }>()
  return {
    add(labels = {}) {
      const key = keyOf(labels)
      const known = counts.get(key)
      if (known) known.value++
      else counts.set(key, { labels, value: 1 })
    },
    forget(label, value) {
      for (const [key, { labels }] of counts) if (labels[label] === value) counts.delete(key)
    },
    family: () => ({ name, help, type: 'counter', samples: [...counts.values()] }),
  }
}

export function histogram(name: string, help: string, bounds: readonly number[]): Histogram {
  const known = new Map<string, { labels: Labels; buckets: number[]; sum: number; count: number }>()
  const samplesOf = ({
    labels,
    buckets,
    sum,
    count,
  }: {
    labels: Labels
    buckets: number[]
    sum: number
    count: number
  }): Sample[] => [
    ...bounds.map((bound, i) => ({ suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: buckets[i] ?? 0 })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ]
  return {
    observe(value, labels = {}) {
      const key = keyOf(labels)
      let entry = known.get(key)
      if (!entry) known.set(key, (entry = { labels, buckets: bounds.map(() => 0), sum: 0, count: 0 }))
      for (const [i, bound] of bounds.entries()) if (value <= bound) entry.buckets[i] = (entry.buckets[i] ?? 0) + 1
      entry.sum += value
      entry.count++
    },
    family: () => ({ name, help, type: 'histogram', samples: [...known.values()].flatMap(samplesOf) }),
  }
}

const operationBounds = Array.from({ length: 14 }, (_, i) => Number((0.005 * 2.5 ** i).toPrecision(6)))
const startBounds = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600]

/** What a kubelet counts while it works; nothing is made of it before somebody reads it. Names are upstream's (pkg/kubelet/metrics). */
export function kubeletMetrics() {
  return {
    operations: counter('kubelet_runtime_operations_total', 'Cumulative number of runtime operations by operation type.'),
    operationErrors: counter(
      'kubelet_runtime_operations_errors_total',
      'Cumulative number of runtime operation errors by operation type.',
    ),
    operationSeconds: histogram(
      'kubelet_runtime_operations_duration_seconds',
      'Duration in seconds of runtime operations. Broken down by operation type.',
      operationBounds,
    ),
    podStartSeconds: histogram(
      'kubelet_pod_start_duration_seconds',
      'Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run',
      startBounds,
    ),
    startedPods: counter('kubelet_started_pods_total', 'Cumulative number of pods started'),
    startedContainers: counter('kubelet_started_containers_total', 'Cumulative number of containers started'),
    requests: counter('kubelet_http_requests_total', 'Number of the http requests received since the server started'),
    probes: counter(
      'prober_probe_total',
      'Cumulative number of a liveness, readiness or startup probe for a container by result.',
    ),
  }
}
export type KubeletMetrics = ReturnType<typeof kubeletMetrics>
