import { readdir, readFile, stat, statfs } from 'node:fs/promises'
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os'
import { join } from 'node:path'
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
  /** How much of it is kept in pages of each size, as resources: `{ 'hugepages-2Mi': '1Gi' }`; absent: not known. */
  readonly hugepages?: Readonly<Record<string, string>>
  /** 0 or absent: none. */
  readonly swapInBytes?: number
  /** How many processes and threads there may be at once. */
  readonly maxPids?: number
  /** The file system that pods' folders are on. */
  nodeFilesystem(): Promise<FilesystemUsage>
  hostsFile(): string
  resolvConf(): string
}

const architectures: Record<string, string> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }

/** Reads the machine that this runs on. */
export async function readMachine({ rootDir, addresses }: { rootDir: string; addresses?: readonly string[] }): Promise<Machine> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const [machineId, uuid, bootId, release_, hosts, resolv, meminfo, pidMax, threadsMax, hugepages] = await Promise.all([
    read('/etc/machine-id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/etc/os-release'),
    read('/etc/hosts'),
    read('/etc/resolv.conf'),
    read('/proc/meminfo'),
    read('/proc/sys/kernel/pid_max'),
    read('/proc/sys/kernel/threads-max'),
    readHugepages(),
  ])
  const maxPids = Math.min(...[pidMax, threadsMax].map(Number).filter(limit => limit > 0))
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
    hugepages,
    swapInBytes: Number(/^SwapTotal:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0) * 1024,
    ...(Number.isFinite(maxPids) && { maxPids }),
    nodeFilesystem: () => filesystemUsage(rootDir),
    hostsFile: () => hosts,
    resolvConf: () => resolv,
  }
}

/** What the kernel has set aside in pages of each size it knows. */
async function readHugepages(folder = '/sys/kernel/mm/hugepages'): Promise<Record<string, string>> {
  const names = await readdir(folder).catch(() => [])
  const sizes = names.map(async name => {
    const kibibytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? Number.NaN)
    const count = Number(await readFile(join(folder, name, 'nr_hugepages'), 'utf8').catch(() => ''))
    return [`hugepages-${binary(kibibytes)}`, count === 0 ? '0' : binary(kibibytes * count)] as const
  })
  return Object.fromEntries(await Promise.all(sizes))
}

/** Kibibytes in the largest unit that divides them. */
function binary(kibibytes: number): string {
  const units = ['Ki', 'Mi', 'Gi']
  let [amount, unit] = [kibibytes, 0]
  while (amount % 1024 === 0 && unit < units.length - 1) [amount, unit] = [amount / 1024, unit + 1]
  return `${amount}${units[unit]}`
}

/** statfs(2). */
export async function filesystemUsage(path: string): Promise<FilesystemUsage> {
  const [{ bsize, blocks, bavail, files, ffree }, { dev }] = await Promise.all([statfs(path), stat(path)])
  return { capacityInBytes: blocks * bsize, availableInBytes: bavail * bsize, inodes: files, inodesFree: ffree, device: dev }
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  const found = all.filter(one => one.family === 'IPv4' && !one.internal).map(one => one.address)
  return found.length > 0 ? [found[0] ?? '127.0.0.1'] : ['127.0.0.1']
}
