import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import type { Machine } from '../node/machine.ts'
import type { ContainerRuntime, ContainerStats, FilesystemUsage } from '../runtime/runtime.ts'
import type { MeasuredVolume } from '../volumes/usage.ts'
import type { Observation, Observations } from './thresholds.ts'
import { noUsage, type PodUsage, type Usages } from './usage.ts'

/** Where the figures come from that eviction decides on. */
export interface SignalSource {
  observe(): Promise<Observations>
  /** What these pods use; asked for only when somebody may have to go. Inodes of writable layers are counted on request: that is slow. */
  usages(pods: readonly Pod[], options?: { inodes?: boolean }): Promise<Usages>
  /** Whether images and writable layers lie on another file system than pods' folders. Absent: they do not. */
  hasImageFs?(): Promise<boolean>
}

interface MachineOptions {
  machine: Machine
  runtime: ContainerRuntime
  /** Measures what a pod has in volumes of its own. */
  volumesOf: (podUid: string) => Promise<readonly MeasuredVolume[]>
  /** Memory that is kept from pods (systemReserved, kubeReserved). 0: what pods may use is the node's own memory, watched already. */
  reservedMemoryInBytes?: number
  /** What all pods use together, from the cgroup above them; absent: the sum of what each container uses. */
  podsWorkingSetInBytes?: () => Promise<number | undefined>
  /** Seams for tests: the roots of /proc and /sys/fs/cgroup. */
  proc?: string
  cgroups?: string
}

/** The machine's own figures: cgroups (v1 or v2), /proc, file systems, and the runtime's statistics. */
export function machineSignals(options: MachineOptions): SignalSource {
  const { machine, runtime, volumesOf, reservedMemoryInBytes = 0, proc = '/proc', cgroups = '/sys/fs/cgroup' } = options

  const allocatableMemory = async (): Promise<Observation | undefined> => {
    if (reservedMemoryInBytes <= 0) return undefined
    const capacity = Math.max(0, machine.memoryInBytes - reservedMemoryInBytes)
    const sumOfPods = async () => (await runtime.stats()).reduce((sum, one) => sum + one.memoryWorkingSetInBytes, 0)
    const used = (await options.podsWorkingSetInBytes?.()) ?? (await sumOfPods())
    return { available: Math.max(0, capacity - used), capacity }
  }
  const withFilesystem = (name: 'nodefs' | 'imagefs' | 'containerfs', fs: FilesystemUsage | undefined) =>
    fs && {
      [`${name}.available`]: { available: fs.availableInBytes, capacity: fs.capacityInBytes },
      // Some file systems (btrfs) make inodes as they need them, and say 0 of 0.
      ...(fs.inodes > 0 && { [`${name}.inodesFree`]: { available: fs.inodesFree, capacity: fs.inodes } }),
    }
  const imageFilesystem = () => runtime.imageFilesystem().catch(() => undefined)
  const countInodes = async (stats: readonly ContainerStats[]): Promise<number> => {
    let sum = 0
    for (const { containerId } of stats) sum += (await runtime.writableInodes?.(containerId).catch(() => 0)) ?? 0
    return sum
  }

  return {
    async observe() {
      const [memory, allocatable, nodefs, imagefs, pids] = await Promise.all([
        memoryObservation({ proc, cgroups }),
        allocatableMemory().catch(() => undefined),
        machine.nodeFilesystem(),
        imageFilesystem(),
        pidObservation(proc),
      ])
      return {
        ...(memory && { 'memory.available': memory }),
        ...(allocatable && { 'allocatableMemory.available': allocatable }),
        ...withFilesystem('nodefs', nodefs),
        ...withFilesystem('imagefs', imagefs),
        // Docker keeps images and writable layers together.
        ...withFilesystem('containerfs', imagefs),
        ...(pids && { 'pid.available': pids }),
      }
    },
    async hasImageFs() {
      const [nodefs, imagefs] = await Promise.all([machine.nodeFilesystem(), imageFilesystem()])
      return imagefs?.device !== undefined && nodefs.device !== undefined && imagefs.device !== nodefs.device
    },
    async usages(pods, { inodes = false } = {}) {
      const byPod = new Map<string, ContainerStats[]>()
      for (const one of await runtime.stats()) byPod.set(one.pod.uid, [...(byPod.get(one.pod.uid) ?? []), one])
      const usages = new Map<string, PodUsage>()
      for (const { metadata } of pods) {
        const stats = byPod.get(metadata.uid)
        if (!stats) continue // nobody knows what it uses
        const usage = usageFrom(stats, await volumesOf(metadata.uid))
        const counted = inodes ? await countInodes(stats) : 0
        usages.set(`${metadata.namespace}/${metadata.name}`, { ...usage, inodes: counted })
      }
      return usages
    },
  }
}

function usageFrom(stats: readonly ContainerStats[], volumes: readonly MeasuredVolume[]): PodUsage {
  return {
    ...noUsage,
    volumes: Object.fromEntries(volumes.map(({ name, usage }) => [name, { bytes: usage.usedInBytes, inodes: usage.inodesUsed }])),
    memoryInBytes: stats.reduce((sum, one) => sum + one.memoryWorkingSetInBytes, 0),
    processes: stats.reduce((sum, one) => sum + one.pids, 0),
    containers: Object.fromEntries(
      stats.map(({ name, memoryWorkingSetInBytes, filesystemInBytes = 0, logsInBytes = 0 }) => [
        name,
        { memoryInBytes: memoryWorkingSetInBytes, rootfsInBytes: filesystemInBytes - logsInBytes, logsInBytes },
      ]),
    ),
  }
}

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

/** How many more tasks there may be: the lower of the two limits of the kernel (pkg/kubelet/stats/pidlimit). */
async function pidObservation(proc: string): Promise<Observation | undefined> {
  const [pids, threads, loadavg] = await Promise.all([
    read(join(proc, 'sys/kernel/pid_max')),
    read(join(proc, 'sys/kernel/threads-max')),
    read(join(proc, 'loadavg')),
  ])
  const running = Number(/\d+\/(\d+)/.exec(loadavg)?.[1] ?? Number.NaN)
  const limits = [pids, threads].map(Number).filter(limit => limit > 0)
  const capacity = Math.min(...limits)
  return limits.length > 0 && Number.isFinite(running) ? { available: capacity - running, capacity } : undefined
}
