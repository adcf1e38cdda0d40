import type { Pod } from '../../api/core/pod.ts'

/** What a container uses. Bytes. */
export interface ContainerUse {
  readonly memoryInBytes: number
  /** Its writable layer. */
  readonly rootfsInBytes: number
  readonly logsInBytes: number
}

/** What one pod uses. */
export interface PodUsage {
  /** Working sets. */
  readonly memoryInBytes: number
  readonly processes: number
  /** Of writable layers; counted only where somebody asked for them. */
  readonly inodes: number
  readonly containers: Readonly<Record<string, ContainerUse>>
  /** Volumes in the pod's own folder, by name. */
  readonly volumes: Readonly<Record<string, { readonly bytes: number; readonly inodes: number }>>
}

/** By `namespace/name`; `*` stands for every pod that is not listed. */
export type Usages = ReadonlyMap<string, PodUsage>

export const noUsage: PodUsage = { memoryInBytes: 0, processes: 0, inodes: 0, containers: {}, volumes: {} }

export function usageOf(usages: Usages, { metadata }: Pod): PodUsage | undefined {
  return usages.get(`${metadata.namespace}/${metadata.name}`) ?? usages.get('*')
}

/** What of a pod lies on a file system. */
export type DiskPart = 'rootfs' | 'logs' | 'volumes'

/** What a pod has on disk, as far as the given parts go. */
export function diskUsageOf(pod: Pod, usage: PodUsage, parts: readonly DiskPart[]): { bytes: number; inodes: number } {
  let bytes = 0
  let inodes = 0
  for (const { rootfsInBytes, logsInBytes } of Object.values(usage.containers)) {
    if (parts.includes('rootfs')) bytes += rootfsInBytes
    if (parts.includes('logs')) bytes += logsInBytes
  }
  if (parts.includes('rootfs')) inodes += usage.inodes
  if (!parts.includes('volumes')) return { bytes, inodes }
  for (const { name, emptyDir, configMap } of pod.spec.volumes ?? []) {
    // Those in memory are no local storage (pkg/volume/util IsLocalEphemeralVolume).
    if (!configMap && (!emptyDir || emptyDir.medium)) continue
    bytes += usage.volumes[name]?.bytes ?? 0
    inodes += usage.volumes[name]?.inodes ?? 0
  }
  return { bytes, inodes }
}
