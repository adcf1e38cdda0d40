import { expect, test } from 'vitest'
import { UsageError } from './flags.ts'
import { resourceSettings } from './resource-flags.ts'

test.each([
  [{}, {}],
  [
    { 'max-pods': '20', 'pod-max-pids': '-1' },
    { maxPods: 20, podPidsLimit: -1 },
  ],
  [
    { 'cpu-cfs-quota': 'false', 'cpu-cfs-quota-period': '10ms' },
    { cpuCFSQuota: false, cpuCFSQuotaPeriodInUs: 10_000 },
  ],
  [{ 'enforce-node-allocatable': 'none' }, { enforceNodeAllocatable: [] }],
  [
    { devices: '/d.json', 'reserved-cpus': '0-1' },
    { devicesFile: '/d.json', reservedSystemCPUs: '0-1' },
  ],
])('%j', (flags, expected) => expect(resourceSettings(flags)).toEqual(expected))

test.each([
  [{ 'max-pods': 'many' }, '--max-pods must be a whole number, 0 or more, not "many"'],
  [{ 'cgroups-per-qos': 'yes' }, '--cgroups-per-qos must be true or false, not "yes"'],
  [{ 'cpu-manager-policy': 'static' }, 'cpuManagerPolicy static is not supported'],
  [{ 'reserved-cpus': 'all' }, 'unable to parse reserved CPUs'],
])('%j is told with the flag or the reason', (flags, message) => {
  expect(() => resourceSettings(flags)).toThrow(UsageError)
  expect(() => resourceSettings(flags)).toThrow(message)
})
