import { resolve } from 'node:path'
import type { KubeletConfig } from '../kubelet/config.ts'
import { defaultKubeletConfig } from '../kubelet/config.ts'
import { refuseConfig } from '../kubelet/node/capacity.ts'
import { parseDuration, truth, UsageError, wholeNumber } from './flags.ts'
import type { ResourceFlags } from './kubelet-flags.ts'

type ResourceConfig = Pick<
  KubeletConfig,
  | 'maxPods'
  | 'podsPerCore'
  | 'podPidsLimit'
  | 'reservedSystemCPUs'
  | 'cpuCFSQuota'
  | 'cpuCFSQuotaPeriodInUs'
  | 'cgroupsPerQOS'
  | 'enforceNodeAllocatable'
  | 'cpuManagerPolicy'
  | 'memoryManagerPolicy'
  | 'topologyManagerPolicy'
  | 'devicesFile'
  | 'devicePluginFolder'
>

export type ResourceSettings = Partial<ResourceConfig>

/** What kubelets on Docker have to give, and how they see that it is kept to. Throws a UsageError. */
export function resourceSettings(flags: ResourceFlags = {}): ResourceSettings {
  const given: Record<string, unknown> = {}
  const take = <Value>(name: keyof ResourceFlags, field: keyof ResourceConfig, parse: (text: string) => Value) => {
    const text = flags[name]
    if (text !== undefined) given[field] = parse(text)
  }
  const number = (name: keyof ResourceFlags, least: number) => (text: string) => wholeNumber(name, text, { least })
  const choice = (name: keyof ResourceFlags) => (text: string) => truth(name, text)
  take('max-pods', 'maxPods', number('max-pods', 0))
  take('pods-per-core', 'podsPerCore', number('pods-per-core', 0))
  take('pod-max-pids', 'podPidsLimit', number('pod-max-pids', -1))
  take('reserved-cpus', 'reservedSystemCPUs', text => text)
  take('cpu-cfs-quota', 'cpuCFSQuota', choice('cpu-cfs-quota'))
  take('cpu-cfs-quota-period', 'cpuCFSQuotaPeriodInUs', text => parseDuration('cpu-cfs-quota-period', text) * 1000)
  take('cgroups-per-qos', 'cgroupsPerQOS', choice('cgroups-per-qos'))
  take('enforce-node-allocatable', 'enforceNodeAllocatable', text => text.split(',').filter(key => key !== '' && key !== 'none'))
  take('cpu-manager-policy', 'cpuManagerPolicy', text => text)
  take('memory-manager-policy', 'memoryManagerPolicy', text => text)
  take('topology-manager-policy', 'topologyManagerPolicy', text => text)
  take('devices', 'devicesFile', text => resolve(text))
  take('device-plugins', 'devicePluginFolder', text => resolve(text))
  try {
    refuseConfig({ ...defaultKubeletConfig, ...given })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  return given as ResourceSettings
}
