import { readFile, statfs } from 'node:fs/promises'
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os'
import type { FilesystemUsage } from '../runtime/runtime.ts'

/** What a kubelet must know of the machine it stands for. */
export interface Machine {
  readonly hostname: string
  /** IP addresses, the one to be reached at first. */
  readonly addresses: readonly string[]
  readonly cpus: number
  readonly memoryInBytes: number
  readonly machineId: string
  readonly systemUuid: string
  readonly bootId: string
  readonly kernelVersion: string
  readonly osImage: string
  /** As Go calls it: `amd64`, `arm64`. */
  readonly architecture: string
  /** The file system that pods' folders are on. */
  nodeFilesystem(): Promise<FilesystemUsage>
  hostsFile(): string
  resolvConf(): string
}

const architectures: Record<string, string> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }

/** Reads the machine that this runs on. */
export async function readMachine({ rootDir, addresses }: { rootDir: string; addresses?: readonly string[] }): Promise<Machine> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const [machineId, uuid, bootId, release_, hosts, resolv] = await Promise.all([
    read('/etc/machine-id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/etc/os-release'),
    read('/etc/hosts'),
    read('/etc/resolv.conf'),
  ])
  const id = machineId.trim()
  return {
    hostname: hostname().toLowerCase(),
    addresses: addresses ?? ownAddresses(),
    cpus: cpus().length,
    memoryInBytes: totalmem(),
    machineId: id,
    systemUuid: uuid.trim() || id,
    bootId: bootId.trim(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(release_)?.[1] ?? 'Linux',
    architecture: architectures[arch()] ?? arch(),
    nodeFilesystem: () => filesystemUsage(rootDir),
    hostsFile: () => hosts,
    resolvConf: () => resolv,
  }
}

/** statfs(2). */
export async function filesystemUsage(path: string): Promise<FilesystemUsage> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(path)
  return { capacityInBytes: blocks * bsize, availableInBytes: bavail * bsize, inodes: files, inodesFree: ffree }
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  const found = all.filter(one => one.family === 'IPv4' && !one.internal).map(one => one.address)
  return found.length > 0 ? [found[0] ?? '127.0.0.1'] : ['127.0.0.1']
}
