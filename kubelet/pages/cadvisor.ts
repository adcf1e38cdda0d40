import type { Pod } from '../../api/core/pod.ts'
import { value as amount, milliValue } from '../../api/quantity.ts'
import { type AnyContainer, containersOf } from '../pod-types.ts'
import type { ContainerState, ContainerStats } from '../runtime/runtime.ts'
import { type Family, metricText, type Sample } from './metric-text.ts'
import { type PageSources, sumOf } from './page.ts'

/** One line of every family: a container, a pod (`container=""`) or all pods (`id="/"`). */
interface Subject {
  readonly labels: Readonly<Record<string, string>>
  readonly stats: readonly ContainerStats[]
  readonly container?: AnyContainer | undefined
  readonly state?: ContainerState | undefined
}

type Measure = (subject: Subject, now: number) => number | undefined

const cpuPeriodInUs = 100_000

const total =
  (of: (one: ContainerStats) => number): Measure =>
  ({ stats }) =>
    sumOf(stats, of)

const limitOf = ({ container }: Subject, name: string): string | undefined => {
  const limit = container?.resources?.limits?.[name]
  return limit === undefined ? undefined : String(limit)
}

/** The families that metrics tools read, and what each says of a subject; undefined: nothing. */
const families: readonly (readonly [name: string, type: Family['type'], help: string, measure: Measure])[] = [
  [
    'container_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed in seconds.',
    total(one => one.cpuTotalNanoSeconds / 1e9),
  ],
  [
    'container_memory_usage_bytes',
    'gauge',
    'Current memory usage in bytes, including all memory regardless of when it was accessed',
    total(one => one.memoryUsageInBytes),
  ],
  ['container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', total(one => one.memoryWorkingSetInBytes)],
  ['container_memory_rss', 'gauge', 'Size of RSS in bytes.', total(one => one.memoryRssInBytes)],
  [
    'container_memory_cache',
    'gauge',
    'Number of bytes of page cache memory.',
    total(one => Math.max(0, one.memoryUsageInBytes - one.memoryRssInBytes)),
  ],
  ['container_processes', 'gauge', 'Number of processes running inside the container.', total(one => one.pids)],
  [
    'container_fs_usage_bytes',
    'gauge',
    'Number of bytes that are consumed by the container on this filesystem.',
    ({ stats }) =>
      stats.some(one => one.filesystemInBytes !== undefined) ? sumOf(stats, one => one.filesystemInBytes ?? 0) : undefined,
  ],
  [
    'container_spec_memory_limit_bytes',
    'gauge',
    'Memory limit for the container.',
    subject => (subject.container ? amount(limitOf(subject, 'memory') ?? '0') : undefined),
  ],
  [
    'container_spec_memory_reservation_limit_bytes',
    'gauge',
    'Memory reservation limit for the container.',
    ({ container }) => (container ? amount(String(container.resources?.requests?.memory ?? '0')) : undefined),
  ],
  [
    'container_spec_cpu_period',
    'gauge',
    'CPU period of the container.',
    subject => (limitOf(subject, 'cpu') === undefined ? undefined : cpuPeriodInUs),
  ],
  ['container_spec_cpu_quota', 'gauge', 'CPU quota of the container.', subject => quotaOf(limitOf(subject, 'cpu'))],
  [
    'container_spec_cpu_shares',
    'gauge',
    'CPU share of the container.',
    ({ container }) => (container ? sharesOf(String(container.resources?.requests?.cpu ?? '0')) : undefined),
  ],
  [
    'container_start_time_seconds',
    'gauge',
    'Start time of the container since unix epoch in seconds.',
    ({ state }) => (state && state.startedAt > 0 ? state.startedAt / 1000 : undefined),
  ],
  ['container_last_seen', 'gauge', 'Last time a container was seen by the exporter', (_subject, now) => Math.floor(now / 1000)],
]

const quotaOf = (cpu: string | undefined) => (cpu === undefined ? undefined : (milliValue(cpu) * cpuPeriodInUs) / 1000)
const sharesOf = (cpu: string) => Math.max(2, Math.trunc((milliValue(cpu) * 1024) / 1000))

/** /metrics/cadvisor: container_* and machine_* families with cAdvisor's labels (google/cadvisor metrics/prometheus.go). */
export async function cadvisorMetrics(sources: PageSources): Promise<string> {
  const { runtime, machine, clock, config } = sources
  const stats = await runtime.stats()
  const now = clock.now()
  const subjects = subjectsOf(sources, stats)
  return metricText([
    {
      name: 'cadvisor_version_info',
      type: 'gauge',
      help: 'A metric with a constant 1 value.',
      samples: [{ labels: { cadvisorVersion: '', kubeletVersion: config.kubeletVersion }, value: 1 }],
    },
    ...families.map(([name, type, help, measure]) => ({ name, type, help, samples: samplesOf(subjects, measure, now) })),
    { name: 'machine_cpu_cores', type: 'gauge', help: 'Number of logical CPU cores.', samples: [{ value: machine.cpus }] },
    {
      name: 'machine_memory_bytes',
      type: 'gauge',
      help: 'Amount of memory installed on the machine.',
      samples: [{ value: machine.memoryInBytes }],
    },
  ])
}

function samplesOf(subjects: readonly Subject[], measure: Measure, now: number): Sample[] {
  return subjects.flatMap(subject => {
    const value = measure(subject, now)
    return value === undefined ? [] : [{ labels: subject.labels, value, at: now }]
  })
}

function subjectsOf({ activePods, view }: PageSources, stats: readonly ContainerStats[]): Subject[] {
  const none = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' }
  const ofPods = activePods().flatMap(pod => {
    const own = stats.filter(one => one.pod.uid === pod.metadata.uid)
    return own.length > 0 ? podSubjects(pod, own, view.get(pod.metadata.uid).containers) : []
  })
  return [{ labels: none, stats }, ...ofPods]
}

function podSubjects({ metadata, spec }: Pod, own: readonly ContainerStats[], states: readonly ContainerState[]): Subject[] {
  const { namespace = '', name: pod, uid } = metadata
  const id = `/kubepods/pod${uid}`
  const all = containersOf(spec)
  const containers = own.map((one): Subject => {
    const state = states.find(each => each.id === one.containerId)
    const labels = {
      container: one.name,
      id: `${id}/${one.containerId}`,
      image: state?.image ?? '',
      name: one.containerId,
      namespace,
      pod,
    }
    return { labels, stats: [one], state, container: all.find(({ container }) => container.name === one.name)?.container }
  })
  return [{ labels: { container: '', id, image: '', name: '', namespace, pod }, stats: own }, ...containers]
}
