import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { ContainerInfo } from 'dockerode'
import type { Clock } from '../../../lib/clock.ts'
import type { ContainerStats } from '../runtime.ts'
import type { DockerEngine, EngineInfo } from './engine.ts'
import { ownLabel, readLabels } from './labels.ts'
import { logFolder } from './log-files.ts'

interface Usage {
  cpuTotalNanoSeconds: number
  memoryUsageInBytes: number
  memoryWorkingSetInBytes: number
  memoryRssInBytes: number
  pids: number
  swapInBytes?: number
  pageFaults?: number
  majorPageFaults?: number
}

/** A shorter span says little about a rate. */
const shortestSpanInMs = 1000
const measureDiskEveryInMs = 30_000

/**
 * Reads what containers use: from their cgroup files where those are this machine's (some 0.05 ms each), else from the engine. The
 * processor rate is taken between two calls; disk use, which makes Docker walk through files, is measured aside now and then.
 */
export function dockerStats(
  engine: DockerEngine,
  clock: Clock,
  listRunning: (options?: { size: boolean }) => Promise<ContainerInfo[]>,
): () => Promise<ContainerStats[]> {
  const samples = new Map<string, { at: number; total: number; nanoCores: number }>()
  let disk = new Map<string, number>()
  let diskMeasuredAt = Number.NEGATIVE_INFINITY

  const measureDisk = async () => {
    const containers = (await listRunning({ size: true })) as (ContainerInfo & { SizeRw?: number })[]
    disk = new Map(containers.map(({ Id, SizeRw }) => [Id, SizeRw ?? 0]))
  }
  const rate = (id: string, total: number): number => {
    const at = clock.monotonic()
    const last = samples.get(id)
    if (last && at - last.at < shortestSpanInMs) return last.nanoCores
    const nanoCores = last ? Math.max(0, Math.round(((total - last.total) / (at - last.at)) * 1000)) : 0
    samples.set(id, { at, total, nanoCores })
    return nanoCores
  }
  return async () => {
    const [info, containers] = await Promise.all([engine.info(), listRunning()])
    if (clock.monotonic() - diskMeasuredAt > measureDiskEveryInMs) {
      diskMeasuredAt = clock.monotonic()
      void measureDisk().catch(() => undefined)
    }
    const alive = new Set(containers.map(container => container.Id))
    for (const id of samples.keys()) if (!alive.has(id)) samples.delete(id)
    const measured = containers.map(async (container): Promise<ContainerStats | undefined> => {
      const { Id: id, Labels } = container
      const parent = Labels[ownLabel.cgroupParent] ?? ''
      const usage = (engine.isLocal ? cgroupUsage(info, parent, id) : undefined) ?? (await askedUsage(engine, id))
      if (!usage) return undefined
      const { pod, name } = readLabels(Labels)
      const written = disk.get(id)
      const logsInBytes = written === undefined ? undefined : logSize(info, id)
      const filesystemInBytes = written === undefined ? undefined : written + (logsInBytes ?? 0)
      const cpuNanoCores = rate(id, usage.cpuTotalNanoSeconds)
      return { containerId: id, pod, name, ...usage, cpuNanoCores, filesystemInBytes, logsInBytes }
    })
    return (await Promise.all(measured)).filter(stats => stats !== undefined)
  }
}

/** Where runc puts a container's cgroup, relative to a hierarchy's root. */
export function cgroupPath(driver: string, parent: string, id: string): string {
  if (driver !== 'systemd') return `${parent || '/docker'}/${id}`
  const slice = parent || 'system.slice'
  const steps = slice.replace(/\.slice$/, '').split('-')
  return `/${steps.map((_, i) => `${steps.slice(0, i + 1).join('-')}.slice`).join('/')}/docker-${id}.scope`
}

/** Synchronous on purpose: these files never wait for a disk, and a read takes less than handing it to another thread. */
function cgroupUsage({ cgroupDriver, cgroupVersion }: EngineInfo, parent: string, id: string): Usage | undefined {
  const path = cgroupPath(cgroupDriver, parent, id)
  const read = (hierarchy: string, file: string) => readFileSync(`/sys/fs/cgroup${hierarchy}${path}/${file}`, 'utf8')
  try {
    if (cgroupVersion === '2') {
      const memory = keyed(read('', 'memory.stat'))
      const usage = Number(read('', 'memory.current'))
      return {
        cpuTotalNanoSeconds: (keyed(read('', 'cpu.stat')).get('usage_usec') ?? 0) * 1000,
        memoryUsageInBytes: usage,
        memoryWorkingSetInBytes: Math.max(0, usage - (memory.get('inactive_file') ?? 0)),
        memoryRssInBytes: memory.get('anon') ?? 0,
        pids: Number(read('', 'pids.current')),
        pageFaults: memory.get('pgfault') ?? 0,
        majorPageFaults: memory.get('pgmajfault') ?? 0,
        ...swapOf(read),
      }
    }
    const memory = keyed(read('/memory', 'memory.stat'))
    const usage = Number(read('/memory', 'memory.usage_in_bytes'))
    return {
      cpuTotalNanoSeconds: Number(read('/cpuacct', 'cpuacct.usage')),
      memoryUsageInBytes: usage,
      memoryWorkingSetInBytes: Math.max(0, usage - (memory.get('total_inactive_file') ?? 0)),
      memoryRssInBytes: memory.get('total_rss') ?? 0,
      pids: Number(read('/pids', 'pids.current')),
      swapInBytes: memory.get('total_swap') ?? 0,
      pageFaults: memory.get('total_pgfault') ?? 0,
      majorPageFaults: memory.get('total_pgmajfault') ?? 0,
    }
  } catch {
    return undefined // ended meanwhile, or the files are elsewhere: the engine is asked instead
  }
}

/** Without swap the kernel has no such file. */
function swapOf(read: (hierarchy: string, file: string) => string): { swapInBytes?: number } {
  try {
    return { swapInBytes: Number(read('', 'memory.swap.current')) }
  } catch {
    return {}
  }
}

function keyed(text: string): Map<string, number> {
  return new Map(text.split('\n').map(line => [line.slice(0, line.indexOf(' ')), Number(line.slice(line.indexOf(' ') + 1))]))
}

interface EngineStats {
  cpu_stats: { cpu_usage: { total_usage: number } }
  memory_stats: { usage?: number; stats?: Record<string, number> }
  pids_stats: { current?: number }
}

async function askedUsage(engine: DockerEngine, id: string): Promise<Usage | undefined> {
  // dockerd wants the word; a boolean, sent as 1, makes it wait a second for a second sample
  const once = { stream: false, 'one-shot': 'true' } as unknown as { stream: false }
  const stats = await engine.read(docker => docker.getContainer(id).stats(once)).catch(() => undefined)
  if (!stats) return undefined
  const { cpu_stats, memory_stats, pids_stats } = stats as unknown as EngineStats
  const { usage = 0, stats: memory = {} } = memory_stats
  return {
    cpuTotalNanoSeconds: cpu_stats.cpu_usage.total_usage,
    memoryUsageInBytes: usage,
    memoryWorkingSetInBytes: Math.max(0, usage - (memory.total_inactive_file ?? memory.inactive_file ?? 0)),
    memoryRssInBytes: memory.total_rss ?? memory.anon ?? 0,
    pids: pids_stats.current ?? 0,
  }
}

/** All files of a log: the present one and those it has been rotated out of. */
function logSize({ rootDirectory }: EngineInfo, id: string): number {
  const folder = logFolder(rootDirectory, id)
  try {
    return readdirSync(folder).reduce(
      (sum, name) => sum + (statSync(`${folder}/${name}`, { throwIfNoEntry: false })?.size ?? 0),
      0,
    )
  } catch {
    return 0 // another machine's, or gone meanwhile
  }
}
