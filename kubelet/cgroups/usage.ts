import type { Pod } from '../../api/core/pod.ts'
import type { PodCgroups } from './cgroups.ts'

/** What a pod uses as a whole: its containers, its infra container, and what they share, such as volumes in memory. */
export interface PodCgroupUsage {
  readonly cpuTotalNanoSeconds: number
  readonly memoryUsageInBytes: number
  readonly memoryWorkingSetInBytes: number
  readonly memoryRssInBytes: number
  readonly swapUsageInBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
  readonly processes: number
}

/** By the kernel's word, read when asked; `undefined`: the pod has no cgroup here. */
export function podCgroupUsage(cgroups: Pick<PodCgroups, 'text' | 'version'>, pod: Pod): PodCgroupUsage | undefined {
  const { version } = cgroups
  const stat = version && cgroups.text(pod, 'memory', 'memory.stat')
  if (!stat) return undefined
  const number = (controller: string, file: string) => Number.parseInt(cgroups.text(pod, controller, file) ?? '', 10) || 0
  const memory = keyedNumbers(stat)
  const of = (v1: string, v2: string) => memory.get(version === 2 ? v2 : v1) ?? 0
  const usage = number('memory', version === 2 ? 'memory.current' : 'memory.usage_in_bytes')
  const cpu =
    version === 2
      ? (keyedNumbers(cgroups.text(pod, 'cpu', 'cpu.stat') ?? '').get('usage_usec') ?? 0) * 1000
      : number('cpuacct', 'cpuacct.usage')
  return {
    cpuTotalNanoSeconds: cpu,
    memoryUsageInBytes: usage,
    memoryWorkingSetInBytes: Math.max(0, usage - of('total_inactive_file', 'inactive_file')),
    memoryRssInBytes: of('total_rss', 'anon'),
    swapUsageInBytes: version === 2 ? number('memory', 'memory.swap.current') : of('total_swap', ''),
    pageFaults: of('total_pgfault', 'pgfault'),
    majorPageFaults: of('total_pgmajfault', 'pgmajfault'),
    processes: number('pids', 'pids.current'),
  }
}

/** Lines of a name and a number, as in memory.stat. */
export function keyedNumbers(text: string): Map<string, number> {
  return new Map(text.split('\n').map(line => [line.slice(0, line.indexOf(' ')), Number(line.slice(line.indexOf(' ') + 1))]))
}
