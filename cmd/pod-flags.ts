import { resolve } from 'node:path'
import { sysctlAllowlist } from '../kubelet/admission/sysctls.ts'
import type { KubeletConfig, ShutdownGracePeriod } from '../kubelet/config.ts'
import type { SandboxPool } from '../kubelet/runtime/docker/warm-sandboxes.ts'
import { plainGracePeriods } from '../kubelet/shutdown/priority-groups.ts'
import { parseDuration, truth, UsageError, wholeNumber } from './flags.ts'
import type { PodFlags } from './kubelet-flags.ts'

export type PodSettings = Pick<
  KubeletConfig,
  'staticPodPath' | 'shutdownGracePeriods' | 'allowedUnsafeSysctls' | 'seccompDefault'
>

/** Where kubelets have pods of their own from, what pods may do, and how they end before the machine goes. Throws a UsageError. */
export function podSettings(flags: PodFlags = {}): PodSettings {
  const path = flags['static-pod-path']
  return {
    ...(path !== undefined && { staticPodPath: resolve(path) }),
    shutdownGracePeriods: gracePeriods(flags),
    allowedUnsafeSysctls: unsafeSysctls(flags['allowed-unsafe-sysctls']),
    seccompDefault: truth('seccomp-default', flags['seccomp-default'] ?? 'false'),
  }
}

/** Sandboxes that run before there is a pod for them. Throws a UsageError. */
export function sandboxPool(flags: PodFlags = {}): SandboxPool {
  const { 'sandbox-pool': size = '0', 'sandbox-pool-hostname': hostname = 'warm' } = flags
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(hostname))
    throw new UsageError(`--sandbox-pool-hostname must be a host name, not "${hostname}"`)
  return { size: wholeNumber('sandbox-pool', size, { most: 999 }), hostname }
}

function unsafeSysctls(text = ''): string[] {
  const patterns = text
    .split(',')
    .map(each => each.trim())
    .filter(Boolean)
  try {
    sysctlAllowlist('', patterns)
  } catch (error) {
    throw new UsageError(`--allowed-unsafe-sysctls: ${error instanceof Error ? error.message : String(error)}`)
  }
  return patterns
}

function gracePeriods(flags: PodFlags): ShutdownGracePeriod[] {
  const seconds = (name: keyof PodFlags) => {
    const text = flags[name]
    return text === undefined ? 0 : Math.trunc(parseDuration(name, text) / 1000)
  }
  const total = seconds('shutdown-grace-period')
  const critical = seconds('shutdown-grace-period-critical-pods')
  const byPriority = flags['shutdown-grace-period-by-pod-priority']
  if (byPriority === undefined) {
    if (critical > total)
      throw new UsageError('--shutdown-grace-period-critical-pods must not be longer than --shutdown-grace-period')
    return plainGracePeriods(total, critical)
  }
  if (total > 0) throw new UsageError('--shutdown-grace-period and --shutdown-grace-period-by-pod-priority exclude each other')
  return byPriority.split(',').map(part => {
    const [, priority, duration] = /^\s*(-?\d+)=(\S+)\s*$/.exec(part) ?? []
    if (priority === undefined || duration === undefined)
      throw new UsageError(`--shutdown-grace-period-by-pod-priority: "${part}" is not PRIORITY=DURATION`)
    const flag = 'shutdown-grace-period-by-pod-priority'
    return { priority: Number(priority), seconds: Math.trunc(parseDuration(flag, duration) / 1000) }
  })
}
