import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cpuWeight } from '../sync/resources.ts'
import type { CgroupFigures } from './figures.ts'

/**
 * The kernel's cgroup files, of either version. Folders are as in the hierarchies: `/wherry/...`. Synchronous where pods wait for it:
 * these files never wait for a disk, and handing them to another thread takes longer than writing them.
 */
export interface CgroupTree {
  exists(folder: string): boolean
  /** Makes it, and those above it. Throws the system's error. */
  create(folder: string): void
  /** Writes what is given. Throws an error that names the file and the figure. */
  write(folder: string, figures: CgroupFigures): void
  /** What is in force; -1: no limit. `undefined`: there is no such cgroup. */
  read(folder: string): Required<Omit<CgroupFigures, 'hugepages'>> | undefined
  /** Removes it with all below it, in every hierarchy. Rejects while a process lives in one of them. */
  remove(folder: string): Promise<void>
  /** Removes it where nothing is below it. Never rejects. */
  removeEmpty(folder: string): Promise<void>
  /** Processes in it and below it, by their ids here. */
  processes(folder: string): number[]
  /** Names of the cgroups right below. */
  children(folder: string): string[]
  /** One file as it is, `undefined` if it cannot be read. In version 1 `controller` names the hierarchy. */
  text(folder: string, controller: string, file: string): string | undefined
  /** Writes one file, e.g. memory.oom.group. */
  set(folder: string, controller: string, file: string, text: string): void
}

/** The hierarchies of version 1 that figures are written to or read from; the engine makes the others itself. */
const controllers = ['cpu', 'cpuacct', 'memory', 'pids', 'hugetlb']
/** The kernel says "no limit" with a number near 2^63 (rounded down to pages). */
const unlimited = 2 ** 62

export function cgroupTree({ version, mount = '/sys/fs/cgroup' }: { version: 1 | 2; mount?: string }): CgroupTree {
  return version === 2 ? unifiedTree(mount) : splitTree(mount)
}

/** The kernel may refuse a value: its word goes with the file's name. */
function put(path: string, text: string | number): void {
  try {
    writeFileSync(path, String(text))
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new Error(`failed to write ${JSON.stringify(String(text))} to ${path}: ${code}`, { cause })
  }
}

function get(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function numberOr(text: string | undefined, none: number): number {
  const found = Number((text ?? '').trim() || Number.NaN)
  return Number.isFinite(found) && found < unlimited ? found : none
}

function foldersIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
  } catch {
    return []
  }
}

function processesBelow(path: string): number[] {
  const own = (get(join(path, 'cgroup.procs')) ?? '').split('\n').map(Number)
  // What lives in another namespace of processes is 0 here.
  return [...own.filter(pid => pid > 0), ...foldersIn(path).flatMap(name => processesBelow(join(path, name)))]
}

async function removeBelow(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return
  for (const entry of entries) if (entry.isDirectory()) await removeBelow(join(path, entry.name))
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Version 1: one hierarchy for each controller. */
function splitTree(mount: string): CgroupTree {
  const at = (controller: string, folder: string, file = '') => join(mount, controller, folder, file)
  // Not every kernel is built with it.
  const hasQuota = existsSync(at('cpu', '', 'cpu.cfs_quota_us'))
  const used = controllers.filter(name => existsSync(join(mount, name)))
  return {
    exists: folder => used.every(name => existsSync(at(name, folder))),
    create(folder) {
      for (const name of used) mkdirSync(at(name, folder), { recursive: true })
    },
    write(folder, { cpuShares, cpuQuotaInUs, cpuPeriodInUs, memoryLimitInBytes, pidsLimit, hugepages = {} }) {
      if (memoryLimitInBytes !== undefined) put(at('memory', folder, 'memory.limit_in_bytes'), memoryLimitInBytes)
      if (cpuShares !== undefined) put(at('cpu', folder, 'cpu.shares'), cpuShares)
      if (cpuQuotaInUs !== undefined && hasQuota) {
        if (cpuPeriodInUs !== undefined) put(at('cpu', folder, 'cpu.cfs_period_us'), cpuPeriodInUs)
        put(at('cpu', folder, 'cpu.cfs_quota_us'), cpuQuotaInUs)
      }
      if (pidsLimit !== undefined) put(at('pids', folder, 'pids.max'), pidsLimit < 0 ? 'max' : pidsLimit)
      for (const size in hugepages) {
        const file = at('hugetlb', folder, `hugetlb.${size}.limit_in_bytes`)
        if (existsSync(file)) put(file, hugepages[size] ?? 0)
      }
    },
    read(folder) {
      if (!existsSync(at('memory', folder))) return undefined
      return {
        cpuShares: numberOr(get(at('cpu', folder, 'cpu.shares')), 1024),
        cpuQuotaInUs: numberOr(get(at('cpu', folder, 'cpu.cfs_quota_us')), -1),
        cpuPeriodInUs: numberOr(get(at('cpu', folder, 'cpu.cfs_period_us')), 100_000),
        memoryLimitInBytes: numberOr(get(at('memory', folder, 'memory.limit_in_bytes')), -1),
        pidsLimit: numberOr(get(at('pids', folder, 'pids.max')), -1),
      }
    },
    async remove(folder) {
      // The engine makes parents in the hierarchies that are not ours, too, and leaves them behind.
      for (const name of foldersIn(mount)) await removeBelow(at(name, folder))
    },
    async removeEmpty(folder) {
      for (const name of foldersIn(mount)) await rmdir(at(name, folder)).catch(() => {})
    },
    processes: folder => [...new Set(used.flatMap(name => processesBelow(at(name, folder))))],
    children: folder => [...new Set(used.flatMap(name => foldersIn(at(name, folder))))],
    text: (folder, controller, file) => get(at(controller, folder, file)),
    set: (folder, controller, file, text) => put(at(controller, folder, file), text),
  }
}

/** Version 2: one hierarchy; what a cgroup may limit must be switched on in those above it. */
function unifiedTree(mount: string): CgroupTree {
  const at = (folder: string, file = '') => join(mount, folder, file)
  const switchOn = (folder: string) => {
    const offered = (get(at(folder, 'cgroup.controllers')) ?? '').trim().split(/\s+/)
    const on = new Set((get(at(folder, 'cgroup.subtree_control')) ?? '').trim().split(/\s+/))
    const missing = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb'].filter(name => offered.includes(name) && !on.has(name))
    if (missing.length > 0) put(at(folder, 'cgroup.subtree_control'), missing.map(name => `+${name}`).join(' '))
  }
  return {
    exists: folder => existsSync(at(folder)),
    create(folder) {
      const above: string[] = []
      for (let up = dirname(folder); ; up = dirname(up)) {
        above.unshift(up)
        if (up === '/' || up === '.') break
      }
      for (const each of above) {
        mkdirSync(at(each), { recursive: true })
        switchOn(each)
      }
      mkdirSync(at(folder), { recursive: true })
      switchOn(folder)
    },
    write(folder, { cpuShares, cpuQuotaInUs, cpuPeriodInUs, memoryLimitInBytes, pidsLimit, hugepages = {} }) {
      if (memoryLimitInBytes !== undefined) put(at(folder, 'memory.max'), memoryLimitInBytes < 0 ? 'max' : memoryLimitInBytes)
      if (cpuShares !== undefined) put(at(folder, 'cpu.weight'), cpuWeight(cpuShares))
      if (cpuQuotaInUs !== undefined)
        put(at(folder, 'cpu.max'), `${cpuQuotaInUs < 0 ? 'max' : cpuQuotaInUs} ${cpuPeriodInUs ?? 100_000}`)
      if (pidsLimit !== undefined) put(at(folder, 'pids.max'), pidsLimit < 0 ? 'max' : pidsLimit)
      for (const size in hugepages) {
        const file = at(folder, `hugetlb.${size}.max`)
        if (existsSync(file)) put(file, hugepages[size] ?? 0)
      }
    },
    read(folder) {
      if (!existsSync(at(folder))) return undefined
      const [quota, period] = (get(at(folder, 'cpu.max')) ?? '').trim().split(/\s+/)
      const weight = numberOr(get(at(folder, 'cpu.weight')), 100)
      return {
        cpuShares: 2 + Math.ceil(((weight - 1) * 262_142) / 9999),
        cpuQuotaInUs: numberOr(quota, -1),
        cpuPeriodInUs: numberOr(period, 100_000),
        memoryLimitInBytes: numberOr(get(at(folder, 'memory.max')), -1),
        pidsLimit: numberOr(get(at(folder, 'pids.max')), -1),
      }
    },
    remove: folder => removeBelow(at(folder)),
    removeEmpty: folder => rmdir(at(folder)).catch(() => {}),
    processes: folder => processesBelow(at(folder)),
    children: folder => foldersIn(at(folder)),
    text: (folder, _controller, file) => get(at(folder, file)),
    set: (folder, _controller, file, text) => put(at(folder, file), text),
  }
}
