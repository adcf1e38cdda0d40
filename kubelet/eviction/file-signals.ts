import { readFile } from 'node:fs/promises'
import { value } from '../../api/quantity.ts'
import { amountOf } from '../node/capacity.ts'
import { type Signal, signals } from './config.ts'
import type { SignalSource } from './signals.ts'
import type { Observation } from './thresholds.ts'
import { noUsage, type PodUsage } from './usage.ts'

interface FigureOfPod {
  memory?: string
  'ephemeral-storage'?: string
  inodes?: number
  pids?: number
  containers?: Record<string, { memory?: string; 'ephemeral-storage'?: string; logs?: string }>
  volumes?: Record<string, string>
}

const fileCapacities: Record<Signal, number> = {
  'memory.available': 16 * 2 ** 30,
  'allocatableMemory.available': 16 * 2 ** 30,
  'nodefs.available': 100 * 2 ** 30,
  'nodefs.inodesFree': 6_553_600,
  'imagefs.available': 100 * 2 ** 30,
  'imagefs.inodesFree': 6_553_600,
  'containerfs.available': 100 * 2 ** 30,
  'containerfs.inodesFree': 6_553_600,
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
    hasImageFs: async () => (await load()).dedicatedImageFs === true,
    async usages() {
      const { pods = {} } = (await load()) as { pods?: Record<string, FigureOfPod> }
      return new Map(Object.entries(pods).map(([key, figures]) => [key, usageFrom(figures)]))
    },
  }
}

const bytes = (text: string | undefined) => (text === undefined ? 0 : value(text))

/** What is said of the pod as a whole but of none of its containers belongs to a container without a name. */
function usageFrom(figures: FigureOfPod): PodUsage {
  const containers = Object.fromEntries(
    Object.entries(figures.containers ?? {}).map(([name, one]) => [
      name,
      { memoryInBytes: bytes(one.memory), rootfsInBytes: bytes(one['ephemeral-storage']), logsInBytes: bytes(one.logs) },
    ]),
  )
  const ofContainers = Object.values(containers)
  const volumes = Object.fromEntries(
    Object.entries(figures.volumes ?? {}).map(([name, size]) => [name, { bytes: bytes(size), inodes: 0 }]),
  )
  const told = figures['ephemeral-storage']
  const known = [...ofContainers.map(one => one.rootfsInBytes + one.logsInBytes), ...Object.values(volumes).map(one => one.bytes)]
  const rest = bytes(told) - known.reduce((sum, one) => sum + one, 0)
  return {
    ...noUsage,
    memoryInBytes:
      figures.memory === undefined ? ofContainers.reduce((sum, one) => sum + one.memoryInBytes, 0) : bytes(figures.memory),
    processes: figures.pids ?? 0,
    inodes: figures.inodes ?? 0,
    containers: rest > 0 ? { ...containers, '': { memoryInBytes: 0, rootfsInBytes: rest, logsInBytes: 0 } } : containers,
    volumes,
  }
}
