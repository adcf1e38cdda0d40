import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import { podCgroupUsage } from '../cgroups/usage.ts'
import type { Observations } from '../eviction/thresholds.ts'
import { type PodUsage, usageOf } from '../eviction/usage.ts'
import type { NodeUsage } from '../node/usage.ts'
import { ratedStats } from '../pod-usage.ts'
import type { ContainerStats, FilesystemUsage, InterfaceStats } from '../runtime/runtime.ts'
import { type PageSources, sumOf } from './page.ts'

/** stats.k8s.io/v1alpha1 Summary, as far as it is measured here (k8s.io/kubelet/pkg/apis/stats/v1alpha1). */
export async function summary(sources: PageSources, { onlyCpuAndMemory = false } = {}): Promise<object> {
  const { nodeName, runtime, machine, clock, activePods, signals, startedAt, nodeUsage } = sources
  const pods = activePods()
  const [stats, nodeFs, imageFs, seen, usages, networks, whole] = await Promise.all([
    ratedStats({ runtime, clock }),
    machine.nodeFilesystem(),
    onlyCpuAndMemory ? undefined : runtime.imageFilesystem().catch(() => undefined),
    signals?.observe().catch(() => undefined),
    onlyCpuAndMemory ? undefined : signals?.usages(pods).catch(() => undefined),
    onlyCpuAndMemory ? undefined : runtime.networkStats?.().catch(() => undefined),
    nodeUsage?.().catch(() => undefined),
  ])
  const time = timestamp(clock.now())
  const byPod = new Map<string, ContainerStats[]>()
  for (const one of stats) byPod.set(one.pod.uid, [...(byPod.get(one.pod.uid) ?? []), one])
  const fs = filesystem(time, nodeFs)
  const disk = imageFs && filesystem(time, imageFs)
  return {
    node: {
      nodeName,
      ...(!onlyCpuAndMemory && { systemContainers: [{ name: 'pods', startTime: timestamp(startedAt), ...use(time, stats) }] }),
      startTime: timestamp(startedAt),
      ...(whole
        ? ofMachine(time, whole)
        : { cpu: cpu(time, stats), memory: nodeMemory(time, stats, machine.memoryInBytes, seen) }),
      ...(!onlyCpuAndMemory && {
        fs,
        ...(disk && { runtime: { imageFs: disk, containerFs: disk } }),
        ...(whole ? network(time, whole.interfaces) : {}),
        ...rlimit(time, seen),
        swap: whole ? { time, swapAvailableBytes: whole.swapAvailableInBytes, swapUsageBytes: whole.swapUsageInBytes } : { time },
      }),
    },
    pods: pods.map(pod =>
      podStats(sources, pod, {
        time,
        stats: byPod.get(pod.metadata.uid) ?? [],
        fs,
        disk,
        usage: usages && usageOf(usages, pod),
        interfaces: networks?.get(pod.metadata.uid) ?? [],
      }),
    ),
  }
}

function cpu(time: string, of: readonly ContainerStats[]) {
  const total = sumOf(of, one => one.cpuTotalNanoSeconds)
  return { time, usageNanoCores: sumOf(of, one => one.cpuNanoCores), usageCoreNanoSeconds: total }
}

function memory(time: string, of: readonly ContainerStats[], limit?: number): object {
  const workingSetBytes = sumOf(of, one => one.memoryWorkingSetInBytes)
  return {
    time,
    ...(limit !== undefined && { availableBytes: Math.max(0, limit - workingSetBytes) }),
    usageBytes: sumOf(of, one => one.memoryUsageInBytes),
    workingSetBytes,
    rssBytes: sumOf(of, one => one.memoryRssInBytes),
    ...(of.some(one => one.pageFaults !== undefined) && {
      pageFaults: sumOf(of, one => one.pageFaults ?? 0),
      majorPageFaults: sumOf(of, one => one.majorPageFaults ?? 0),
    }),
  }
}

/** The whole machine's, by the kernel's word. */
function ofMachine(time: string, whole: NodeUsage): object {
  return {
    cpu: { time, usageNanoCores: whole.cpuNanoCores, usageCoreNanoSeconds: whole.cpuTotalNanoSeconds },
    memory: {
      time,
      availableBytes: whole.memoryAvailableInBytes,
      usageBytes: whole.memoryUsageInBytes,
      workingSetBytes: whole.memoryWorkingSetInBytes,
      rssBytes: whole.memoryRssInBytes,
      pageFaults: whole.pageFaults,
      majorPageFaults: whole.majorPageFaults,
    },
  }
}

/** The first interface stands for all where only one is told of. */
function network(time: string, interfaces: readonly InterfaceStats[]): object {
  const [first] = interfaces
  return first ? { network: { time, ...first, interfaces } } : {}
}

/** A pod's own cgroup counts what its containers share, too; its rate is that of its containers. */
function usePod({ cgroups }: PageSources, time: string, pod: Pod, stats: readonly ContainerStats[]): object {
  const whole = cgroups && podCgroupUsage(cgroups, pod)
  if (!whole) return { ...use(time, stats), process_stats: { process_count: sumOf(stats, one => one.pids) }, swap: { time } }
  return {
    cpu: { ...cpu(time, stats), usageCoreNanoSeconds: whole.cpuTotalNanoSeconds },
    memory: {
      time,
      usageBytes: whole.memoryUsageInBytes,
      workingSetBytes: whole.memoryWorkingSetInBytes,
      rssBytes: whole.memoryRssInBytes,
      pageFaults: whole.pageFaults,
      majorPageFaults: whole.majorPageFaults,
    },
    process_stats: { process_count: whole.processes },
    swap: { time, swapUsageBytes: whole.swapUsageInBytes },
  }
}

const use = (time: string, of: readonly ContainerStats[]) => ({ cpu: cpu(time, of), memory: memory(time, of) })

/** The machine's, where it is known; else what all pods use stands for it. */
function nodeMemory(time: string, stats: readonly ContainerStats[], capacity: number, seen: Observations | undefined): object {
  const own = seen?.['memory.available']
  if (!own) return memory(time, stats, capacity)
  const workingSetBytes = Math.max(0, own.capacity - own.available)
  return { ...memory(time, stats), availableBytes: own.available, workingSetBytes }
}

function rlimit(time: string, seen: Observations | undefined): object {
  const pids = seen?.['pid.available']
  return pids ? { rlimit: { time, maxpid: pids.capacity, curproc: pids.capacity - pids.available } } : {}
}

function filesystem(time: string, { capacityInBytes, availableInBytes, inodes, inodesFree }: FilesystemUsage) {
  return {
    time,
    availableBytes: availableInBytes,
    capacityBytes: capacityInBytes,
    usedBytes: capacityInBytes - availableInBytes,
    inodesFree,
    inodes,
    inodesUsed: inodes - inodesFree,
  }
}

type FsStats = ReturnType<typeof filesystem>

interface PodFigures {
  readonly time: string
  readonly stats: readonly ContainerStats[]
  /** Of pods' folders, and of writable layers. */
  readonly fs: FsStats
  readonly disk: FsStats | undefined
  readonly usage: PodUsage | undefined
  readonly interfaces: readonly InterfaceStats[]
}

function podStats(sources: PageSources, pod: Pod, { time, stats, fs, disk, usage, interfaces }: PodFigures): object {
  const { metadata, spec, status } = pod
  const started = new Map(sources.view.get(metadata.uid).containers.map(({ id, startedAt }) => [id, startedAt]))
  const on = (of: FsStats | undefined, usedBytes: number, inodesUsed?: number) => ({
    time,
    ...(of && {
      availableBytes: of.availableBytes,
      capacityBytes: of.capacityBytes,
      inodesFree: of.inodesFree,
      inodes: of.inodes,
    }),
    usedBytes,
    ...(inodesUsed !== undefined && { inodesUsed }),
  })
  const containers = stats.map(one => {
    const { filesystemInBytes, logsInBytes } = one
    return {
      name: one.name,
      startTime: timestamp(started.get(one.containerId) ?? 0),
      ...use(time, [one]),
      ...(filesystemInBytes !== undefined && { rootfs: on(disk, filesystemInBytes - (logsInBytes ?? 0), one.inodes) }),
      ...(logsInBytes !== undefined && { logs: on(disk, logsInBytes) }),
      swap: { time, ...(one.swapInBytes !== undefined && { swapUsageBytes: one.swapInBytes }) },
    }
  })
  const claims = new Map(
    (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim: claim }) => (claim ? [[name, claim.claimName]] : [])),
  )
  const volumes = Object.entries(usage?.volumes ?? {}).map(([name, { bytes, inodes }]) => {
    const claim = claims.get(name)
    return { ...on(fs, bytes, inodes), name, ...(claim && { pvcRef: { name: claim, namespace: metadata.namespace } }) }
  })
  const ephemeral =
    sumOf(stats, one => one.filesystemInBytes ?? 0) +
    Object.values(usage?.volumes ?? {}).reduce((all, { bytes }) => all + bytes, 0)
  return {
    podRef: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
    startTime: status.startTime ?? metadata.creationTimestamp,
    containers,
    ...usePod(sources, time, pod, stats),
    ...network(time, interfaces),
    ...(volumes.length > 0 && { volume: volumes }),
    'ephemeral-storage': on(fs, ephemeral),
  }
}
