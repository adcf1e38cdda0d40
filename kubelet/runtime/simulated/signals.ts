import type { SignalSource } from '../../eviction/signals.ts'
import { noUsage, type PodUsage } from '../../eviction/usage.ts'
import type { ContainerRecord, SimulatedEngine } from './engine.ts'
import { momentOf, mostPids, nodeDisk, systemUse } from './node-figures.ts'
import { usageOf } from './records.ts'

interface Options {
  readonly engine: SimulatedEngine
  readonly cluster?: string
  readonly node: string
  readonly nodeLabels?: () => Readonly<Record<string, string>>
  readonly memoryInBytes: number
  /** Memory that is kept from pods (systemReserved, kubeReserved). */
  readonly reservedMemoryInBytes?: number
}

/** The figures of a simulated machine: what stages say its system uses, and what its containers do. */
export function simulatedSignals(options: Options): SignalSource {
  const { engine, cluster = '', node, nodeLabels = () => ({}), memoryInBytes, reservedMemoryInBytes = 0 } = options
  const records = engine.node(cluster, node)
  const subject = { node, nodeLabels }
  const running = () => [...records.containers.values()].filter(({ state }) => state === 'running')
  return {
    async observe() {
      const system = systemUse(engine, subject)
      const disk = nodeDisk(engine, records, subject)
      let memory = 0
      let pids = 0
      for (const container of running()) {
        const usage = usageOf(container, engine.clock.now())
        memory += usage.memoryWorkingSetInBytes
        pids += usage.pids
      }
      const allocatable = memoryInBytes - reservedMemoryInBytes
      const bytes = { available: disk.availableInBytes, capacity: disk.capacityInBytes }
      const inodes = { available: disk.inodesFree, capacity: disk.inodes }
      return {
        'memory.available': { available: Math.max(0, memoryInBytes - system.memory - memory), capacity: memoryInBytes },
        ...(reservedMemoryInBytes > 0 && {
          'allocatableMemory.available': { available: Math.max(0, allocatable - memory), capacity: allocatable },
        }),
        ...{ 'nodefs.available': bytes, 'imagefs.available': bytes, 'containerfs.available': bytes },
        ...{ 'nodefs.inodesFree': inodes, 'imagefs.inodesFree': inodes, 'containerfs.inodesFree': inodes },
        'pid.available': { available: Math.max(0, mostPids - system.pids - pids), capacity: mostPids },
      }
    },
    async usages(pods) {
      const byPod = new Map<string, ContainerRecord[]>()
      for (const container of running()) {
        const others = byPod.get(container.pod.uid)
        if (others) others.push(container)
        else byPod.set(container.pod.uid, [container])
      }
      return new Map(
        pods.flatMap(({ metadata }) => {
          const own = byPod.get(metadata.uid)
          return own ? [[`${metadata.namespace}/${metadata.name}`, podUsage(own, engine.clock.now())] as const] : []
        }),
      )
    },
  }
}

function podUsage(containers: readonly ContainerRecord[], now: number): PodUsage {
  const volumes: Record<string, { bytes: number; inodes: number }> = {}
  const own: Record<string, PodUsage['containers'][string]> = {}
  let memoryInBytes = 0
  let processes = 0
  let inodes = 0
  for (const container of containers) {
    const at = momentOf(container, now)
    const usage = usageOf(container, at)
    const { filesystemInBytes = 0, logsInBytes = 0 } = usage
    memoryInBytes += usage.memoryWorkingSetInBytes
    processes += usage.pids
    inodes += usage.inodes ?? 0
    own[container.name] = {
      memoryInBytes: usage.memoryWorkingSetInBytes,
      rootfsInBytes: filesystemInBytes - logsInBytes,
      logsInBytes,
    }
    for (const [name, curve] of Object.entries(container.use.volumes ?? {}))
      volumes[name] = { bytes: (volumes[name]?.bytes ?? 0) + Math.round(curve.at(at - container.startedAt)), inodes: 0 }
  }
  return { ...noUsage, memoryInBytes, processes, inodes, containers: own, volumes }
}
