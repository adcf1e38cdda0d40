import { milliValue, value } from '../../api/quantity.ts'
import { align } from '../print/table.ts'

export type Amounts = Readonly<Record<string, string>>

/** As much of metrics.k8s.io/v1beta1 as is told. */
export interface NodeUsage {
  readonly metadata: { readonly name: string }
  readonly usage: Amounts
}
export interface PodUsage {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly containers: readonly { readonly name: string; readonly usage: Amounts }[]
}

export type SortBy = 'cpu' | 'memory' | undefined

const cores = (milli: number) => `${milli}m`
const mebibytes = (bytes: number) => `${Math.trunc(bytes / 1024 ** 2)}Mi`
const cpuOf = (usage: Amounts) => milliValue(usage.cpu ?? '0')
const memoryOf = (usage: Amounts) => value(usage.memory ?? '0')

function sorted<T>(
  list: readonly T[],
  by: SortBy,
  amounts: (item: T) => { cpu: number; memory: number },
  key: (item: T) => string,
) {
  const compare = (a: T, b: T) => (by ? amounts(b)[by] - amounts(a)[by] : 0) || (key(a) < key(b) ? -1 : 1)
  return [...list].sort(compare)
}

/** What each node uses, and how much of what it has; nodes that nobody has measured come last. */
export function nodeTable(
  usages: readonly NodeUsage[],
  available: ReadonlyMap<string, Amounts>,
  { sortBy, noHeaders = false }: { sortBy: SortBy; noHeaders?: boolean },
): string {
  const share = (amount: number, of: number) => `${Math.trunc((amount / of) * 100)}%`
  const rows = sorted(
    usages,
    sortBy,
    ({ usage }) => ({ cpu: cpuOf(usage), memory: memoryOf(usage) }),
    ({ metadata }) => metadata.name,
  ).map(({ metadata, usage }) => {
    const room = available.get(metadata.name)
    const [cpu, memory] = [cpuOf(usage), memoryOf(usage)]
    const { cpu: allCpu, memory: allMemory } = room ?? {}
    return [
      metadata.name,
      cores(cpu),
      ...(allCpu === undefined ? [] : [share(cpu, milliValue(allCpu))]),
      mebibytes(memory),
      ...(allMemory === undefined ? [] : [share(memory, value(allMemory))]),
    ]
  })
  const measured = new Set(usages.map(({ metadata }) => metadata.name))
  const others = [...available.keys()].filter(name => !measured.has(name)).sort()
  const unknown = Array.from({ length: 4 }, () => '<unknown>')
  const header = ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)']
  return align([...(noHeaders ? [] : [header]), ...rows, ...others.map(name => [name, ...unknown])])
}

export interface PodTableOptions {
  readonly sortBy: SortBy
  readonly noHeaders?: boolean
  readonly withNamespace?: boolean
  readonly byContainer?: boolean
  readonly withSum?: boolean
}

/** What each pod uses, or each of its containers. */
export function podTable(usages: readonly PodUsage[], options: PodTableOptions): string {
  const { sortBy, noHeaders = false, withNamespace = false, byContainer = false, withSum = false } = options
  const total = ({ containers }: PodUsage) => ({
    cpu: containers.reduce((sum, { usage }) => sum + cpuOf(usage), 0),
    memory: containers.reduce((sum, { usage }) => sum + memoryOf(usage), 0),
  })
  const pods = sorted(usages, sortBy, total, ({ metadata }) => `${withNamespace ? metadata.namespace : ''}/${metadata.name}`)
  const before = ({ metadata }: PodUsage) => [
    ...(withNamespace ? [metadata.namespace] : []),
    ...(byContainer ? [metadata.name] : []),
  ]
  const rows = pods.flatMap(pod => {
    if (!byContainer) return [[...before(pod), pod.metadata.name, cores(total(pod).cpu), mebibytes(total(pod).memory)]]
    const each = (usage: Amounts) => ({ cpu: cpuOf(usage), memory: memoryOf(usage) })
    return sorted(
      pod.containers,
      sortBy,
      ({ usage }) => each(usage),
      ({ name }) => name,
    ).map(({ name, usage }) => {
      const { cpu, memory } = each(usage)
      return [...before(pod), name, cores(cpu), mebibytes(memory)]
    })
  })
  const places = [...(withNamespace ? ['NAMESPACE'] : []), ...(byContainer ? ['POD'] : [])]
  const header = [...places, 'NAME', 'CPU(cores)', 'MEMORY(bytes)']
  const all = { cpu: 0, memory: 0 }
  for (const pod of pods) {
    all.cpu += total(pod).cpu
    all.memory += total(pod).memory
  }
  // Without headers, upstream does not count the columns that they would have named.
  const blanks = Array.from({ length: (noHeaders ? 3 : header.length) - 2 }, () => '')
  const sum = [
    [...blanks, '________', '________'],
    [...blanks, cores(all.cpu), mebibytes(all.memory)],
  ]
  return align([...(noHeaders ? [] : [header]), ...rows, ...(withSum ? sum : [])])
}
