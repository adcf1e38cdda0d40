import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { value } from '../../api/quantity.ts'
import type { Machine } from '../node/machine.ts'
import { amountOf } from '../node/node-status.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { type Signal, signals } from './config.ts'
import type { PodUsage, Usages } from './rank.ts'
import type { Observation, Observations } from './thresholds.ts'

/** Where the figures come from that eviction decides on. */
export interface SignalSource {
  observe(): Promise<Observations>
  /** What every pod uses; asked for only when somebody may have to go. */
  usages(): Promise<Usages>
}

interface MachineOptions {
  machine: Machine
  runtime: ContainerRuntime
  /** Where pods' folders are; emptyDirs are measured there. */
  rootDir: string
  /** Seams for tests: the roots of /proc and /sys/fs/cgroup. */
  proc?: string
  cgroups?: string
}

/** The machine's own figures: cgroups (v1 or v2), /proc, file systems, and the runtime's statistics. */
export function machineSignals({
  machine,
  runtime,
  rootDir,
  proc = '/proc',
  cgroups = '/sys/fs/cgroup',
}: MachineOptions): SignalSource {
  return {
    async observe() {
      const [memory, nodefs, imagefs, pids] = await Promise.all([
        memoryObservation({ proc, cgroups }),
        machine.nodeFilesystem(),
        runtime.imageFilesystem().catch(() => undefined),
        pidObservation(proc),
      ])
      const bytes = (fs: typeof nodefs) => ({ available: fs.availableInBytes, capacity: fs.capacityInBytes })
      const inodes = (fs: typeof nodefs) => ({ available: fs.inodesFree, capacity: fs.inodes })
      return {
        ...(memory && { 'memory.available': memory }),
        'nodefs.available': bytes(nodefs),
        'nodefs.inodesFree': inodes(nodefs),
        ...(imagefs && { 'imagefs.available': bytes(imagefs), 'imagefs.inodesFree': inodes(imagefs) }),
        ...(pids && { 'pid.available': pids }),
      }
    },
    async usages() {
      const usages = new Map<string, PodUsage>()
      for (const one of await runtime.stats()) {
        const key = `${one.pod.namespace}/${one.pod.name}`
        const known = usages.get(key) ?? { ...nothing, volumes: await measureVolumes(rootDir, one.pod.uid) }
        const filesystemInBytes = one.filesystemInBytes ?? 0
        const isFirst = !usages.has(key)
        const inVolumes = isFirst ? Object.values(known.volumes).reduce((sum, size) => sum + size, 0) : 0
        usages.set(key, {
          ...known,
          memoryInBytes: known.memoryInBytes + one.memoryWorkingSetInBytes,
          filesystemInBytes: known.filesystemInBytes + filesystemInBytes + inVolumes,
          inodes: known.inodes + (one.inodes ?? 0),
          processes: known.processes + one.pids,
          containers: { ...known.containers, [one.name]: { memoryInBytes: one.memoryWorkingSetInBytes, filesystemInBytes } },
        })
      }
      return usages
    },
  }
}

const nothing: PodUsage = { memoryInBytes: 0, filesystemInBytes: 0, inodes: 0, processes: 0, containers: {}, volumes: {} }

const read = (path: string) => readFile(path, 'utf8').catch(() => '')
const field = (text: string, name: string) => Number(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)

/** Capacity less the working set: usage without what the page cache would give back at once (inactive_file). */
export async function memoryObservation({ proc, cgroups }: { proc: string; cgroups: string }): Promise<Observation | undefined> {
  const meminfo = await read(join(proc, 'meminfo'))
  const capacity = field(meminfo, 'MemTotal') * 1024
  if (!Number.isFinite(capacity)) return undefined
  const [usageV1, statV1, statV2] = await Promise.all([
    read(join(cgroups, 'memory/memory.usage_in_bytes')),
    read(join(cgroups, 'memory/memory.stat')),
    read(join(cgroups, 'memory.stat')),
  ])
  // The root cgroup of version 2 has no usage of its own: everything that is not free.
  const usage = usageV1 ? Number(usageV1) : capacity - field(meminfo, 'MemFree') * 1024
  const inactive =
    field(statV1, 'total_inactive_file') || field(statV2, 'inactive_file') || field(meminfo, 'Inactive\\(file\\)') * 1024 || 0
  const workingSet = Math.max(0, usage - inactive)
  return { available: Math.max(0, capacity - workingSet), capacity }
}

async function pidObservation(proc: string): Promise<Observation | undefined> {
  const [max, loadavg] = await Promise.all([read(join(proc, 'sys/kernel/pid_max')), read(join(proc, 'loadavg'))])
  const running = Number(/\d+\/(\d+)/.exec(loadavg)?.[1] ?? Number.NaN)
  const capacity = Number(max)
  return capacity > 0 && Number.isFinite(running) ? { available: capacity - running, capacity } : undefined
}

async function measureVolumes(rootDir: string, podUid: string): Promise<Record<string, number>> {
  const folder = join(rootDir, 'pods', podUid, 'volumes', 'kubernetes.io~empty-dir')
  const names = await readdir(folder).catch(() => [])
  return Object.fromEntries(await Promise.all(names.map(async name => [name, await sizeOf(join(folder, name))] as const)))
}

/** As du(1) counts: blocks on the disk. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const sizes = await Promise.all(
    entries.map(async entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return sizeOf(path)
      const found = await stat(path).catch(() => undefined)
      return entry.isFile() && found ? found.blocks * 512 : 0
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

interface FigureOfPod {
  memory?: string
  'ephemeral-storage'?: string
  inodes?: number
  pids?: number
  containers?: Record<string, { memory?: string; 'ephemeral-storage'?: string }>
  volumes?: Record<string, string>
}

const fileCapacities: Record<Signal, number> = {
  'memory.available': 16 * 2 ** 30,
  'nodefs.available': 100 * 2 ** 30,
  'nodefs.inodesFree': 6_553_600,
  'imagefs.available': 100 * 2 ** 30,
  'imagefs.inodesFree': 6_553_600,
  'pid.available': 32_768,
}

/**
 * Figures from a JSON file, read again on each pass: shows an eviction on any machine (format: README.md). A file that is missing or
 * broken means that nothing is short. `capacities` are what percentages refer to.
 */
export function fileSignals({
  path,
  capacities = {},
}: {
  path: string
  capacities?: Partial<Record<Signal, number>>
}): SignalSource {
  const load = async (): Promise<Record<string, unknown>> => {
    try {
      return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    } catch {
      return {}
    }
  }
  return {
    async observe() {
      const figures = await load()
      const observations: Partial<Record<Signal, Observation>> = {}
      for (const signal of signals) {
        const text = figures[signal]
        if (text === undefined) continue
        const capacity = capacities[signal] ?? fileCapacities[signal]
        observations[signal] = { available: amountOf(String(text), capacity), capacity }
      }
      return observations
    },
    async usages() {
      const { pods = {} } = (await load()) as { pods?: Record<string, FigureOfPod> }
      return new Map(Object.entries(pods).map(([key, figures]) => [key, usageFrom(figures)]))
    },
  }
}

function usageFrom(figures: FigureOfPod): PodUsage {
  const bytes = (text: string | undefined) => (text === undefined ? 0 : value(text))
  const containers = Object.fromEntries(
    Object.entries(figures.containers ?? {}).map(([name, one]) => [
      name,
      { memoryInBytes: bytes(one.memory), filesystemInBytes: bytes(one['ephemeral-storage']) },
    ]),
  )
  const sum = (of: 'memoryInBytes' | 'filesystemInBytes') => Object.values(containers).reduce((total, one) => total + one[of], 0)
  return {
    memoryInBytes: figures.memory === undefined ? sum('memoryInBytes') : bytes(figures.memory),
    filesystemInBytes:
      figures['ephemeral-storage'] === undefined ? sum('filesystemInBytes') : bytes(figures['ephemeral-storage']),
    inodes: figures.inodes ?? 0,
    processes: figures.pids ?? 0,
    containers,
    volumes: Object.fromEntries(Object.entries(figures.volumes ?? {}).map(([name, size]) => [name, bytes(size)])),
  }
}
