import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { InterfaceStats } from '../runtime/runtime.ts'

/** What the whole machine uses, by the kernel's word rather than as the sum of its pods. */
export interface NodeUsage {
  /** Since the machine was started, all processors together. */
  readonly cpuTotalNanoSeconds: number
  /** Since the look before; 0 at the first. */
  readonly cpuNanoCores: number
  readonly memoryUsageInBytes: number
  /** Usage less the page cache that has not been used lately. */
  readonly memoryWorkingSetInBytes: number
  readonly memoryRssInBytes: number
  readonly memoryAvailableInBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
  readonly swapUsageInBytes: number
  readonly swapAvailableInBytes: number
  readonly processes: number
  readonly maxProcesses: number
  /** Of the network that the kubelet lives in; the first is the one with the default route. */
  readonly interfaces: readonly InterfaceStats[]
}

/** USER_HZ, which Linux fixes at 100 for all that it tells programs. */
const nanoSecondsPerTick = 1e7
const shortestSpanInMs = 1000

/** Reads it when asked, and keeps one sample for the rate of the processor. `proc` is a seam for tests. */
export function nodeUsage({ clock, proc = '/proc' }: { clock: Clock; proc?: string }): () => Promise<NodeUsage> {
  let sample: { at: number; total: number; nanoCores: number } | undefined
  const read = (file: string) => readFile(join(proc, file), 'utf8').catch(() => '')

  const rateOf = (total: number): number => {
    const at = clock.monotonic()
    if (sample && at - sample.at < shortestSpanInMs) return sample.nanoCores
    const nanoCores = sample ? Math.max(0, Math.round(((total - sample.total) / (at - sample.at)) * 1000)) : 0
    sample = { at, total, nanoCores }
    return nanoCores
  }

  return async () => {
    const files = ['stat', 'meminfo', 'vmstat', 'loadavg', 'sys/kernel/pid_max', 'sys/kernel/threads-max', 'net/dev', 'net/route']
    const [stat = '', meminfo = '', vmstat = '', loadavg = '', pidMax, threadsMax, dev = '', route = ''] = await Promise.all(
      files.map(read),
    )
    const memory = (name: string) => numberAfter(meminfo, `${name}:`) * 1024
    const cpuTotalNanoSeconds = busyTicks(stat) * nanoSecondsPerTick
    const usage = memory('MemTotal') - memory('MemFree')
    const workingSet = Math.max(0, usage - memory('Inactive(file)'))
    return {
      cpuTotalNanoSeconds,
      cpuNanoCores: rateOf(cpuTotalNanoSeconds),
      memoryUsageInBytes: usage,
      memoryWorkingSetInBytes: workingSet,
      memoryRssInBytes: memory('AnonPages'),
      memoryAvailableInBytes: Math.max(0, memory('MemTotal') - workingSet),
      pageFaults: numberAfter(vmstat, 'pgfault'),
      majorPageFaults: numberAfter(vmstat, 'pgmajfault'),
      swapUsageInBytes: memory('SwapTotal') - memory('SwapFree'),
      swapAvailableInBytes: memory('SwapFree'),
      processes: Number(/\d+\/(\d+)/.exec(loadavg)?.[1] ?? 0),
      maxProcesses: Math.min(...[pidMax, threadsMax].map(Number).filter(limit => limit > 0)),
      interfaces: defaultFirst(interfaceStats(dev), route),
    }
  }
}

/** user, nice, system, irq, softirq and steal; guests are counted in user already. */
function busyTicks(stat: string): number {
  const [user = 0, nice = 0, system = 0, _idle, _iowait, irq = 0, softirq = 0, steal = 0] = (
    /^cpu\s+(.*)$/m.exec(stat)?.[1] ?? ''
  )
    .split(' ')
    .map(Number)
  return user + nice + system + irq + softirq + steal
}

function numberAfter(text: string, name: string): number {
  const start = text.startsWith(name) ? 0 : text.indexOf(`\n${name}`) + 1
  return start === 0 && !text.startsWith(name) ? 0 : Number.parseInt(text.slice(start + name.length), 10) || 0
}

/** What /proc/<pid>/net/dev tells of each interface but the loopback. */
export function interfaceStats(dev: string): InterfaceStats[] {
  return dev.split('\n').flatMap(line => {
    const [, name = '', figures = ''] = /^\s*([^:|\s]+):\s*(.*)$/.exec(line) ?? []
    if (name === '' || name === 'lo') return []
    const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = figures.trim().split(/\s+/).map(Number)
    return [{ name, rxBytes, rxErrors, txBytes, txErrors }]
  })
}

function defaultFirst(interfaces: readonly InterfaceStats[], route: string): InterfaceStats[] {
  const first = /^(\S+)\s+00000000\s/m.exec(route)?.[1]
  return [...interfaces].sort((a, b) => Number(b.name === first) - Number(a.name === first))
}
