import { expect, test } from 'vitest'
import type { PodFlags } from './kubelet-flags.ts'
import { podSettings, sandboxPool } from './pod-flags.ts'

test.each<[PodFlags, object]>([
  [{}, { shutdownGracePeriods: [] }],
  [{ 'static-pod-path': '/pods' }, { staticPodPath: '/pods', shutdownGracePeriods: [] }],
  [
    { 'shutdown-grace-period': '30s', 'shutdown-grace-period-critical-pods': '10s' },
    {
      shutdownGracePeriods: [
        { priority: 0, seconds: 20 },
        { priority: 2_000_000_000, seconds: 10 },
      ],
    },
  ],
  [
    { 'shutdown-grace-period-by-pod-priority': '1000=1m,0=90s' },
    {
      shutdownGracePeriods: [
        { priority: 1000, seconds: 60 },
        { priority: 0, seconds: 90 },
      ],
    },
  ],
  [
    { 'allowed-unsafe-sysctls': 'kernel.msg*, net.core.somaxconn', 'seccomp-default': 'true' },
    { allowedUnsafeSysctls: ['kernel.msg*', 'net.core.somaxconn'], seccompDefault: true, shutdownGracePeriods: [] },
  ],
])('%o', (flags, expected) =>
  expect(podSettings(flags)).toEqual({ allowedUnsafeSysctls: [], seccompDefault: false, ...expected }),
)

test.each<[PodFlags, string]>([
  [{ 'shutdown-grace-period': '5s', 'shutdown-grace-period-critical-pods': '10s' }, 'must not be longer'],
  [{ 'shutdown-grace-period': 'soon' }, 'must be a duration'],
  [{ 'allowed-unsafe-sysctls': 'vm.swappiness' }, 'are not known to be namespaced'],
  [{ 'seccomp-default': 'yes' }, 'must be true or false'],
  [{ 'shutdown-grace-period-by-pod-priority': 'high=1m' }, 'is not PRIORITY=DURATION'],
  [{ 'shutdown-grace-period': '5s', 'shutdown-grace-period-by-pod-priority': '0=1m' }, 'exclude each other'],
])('refused: %o', (flags, message) => expect(() => podSettings(flags)).toThrow(message))

test.each<[PodFlags, object]>([
  [{}, { size: 0, hostname: 'warm' }],
  [{ 'sandbox-pool': '8' }, { size: 8, hostname: 'warm' }],
  [
    { 'sandbox-pool': '2', 'sandbox-pool-hostname': 'job' },
    { size: 2, hostname: 'job' },
  ],
])('sandbox pool %o', (flags, expected) => expect(sandboxPool(flags)).toEqual(expected))

test.each<[PodFlags, string]>([
  [{ 'sandbox-pool': 'many' }, 'must be a whole number from 0 to 999'],
  [{ 'sandbox-pool': '1', 'sandbox-pool-hostname': 'Not a name' }, 'must be a host name'],
])('sandbox pool refused: %o', (flags, message) => expect(() => sandboxPool(flags)).toThrow(message))
