import type { LifecycleHandler, Probe } from '../../../api/core/probe.ts'
import {
  type AnyContainer,
  allContainers,
  type Check,
  containersText,
  namesOf,
  plural,
  quoted,
  settersText,
  sorted,
} from './check.ts'

/** Rules about what a pod may have of its node (k8s.io/pod-security-admission/policy). */

export const privileged: Check = {
  id: 'privileged',
  level: 'baseline',
  since: [
    [
      0,
      ({ spec }) => {
        const bad = namesOf(spec, ({ securityContext }) => securityContext?.privileged)
        if (bad.length === 0) return undefined
        return { reason: 'privileged', detail: `${containersText(bad)} must not set securityContext.privileged=true` }
      },
    ],
  ],
}

export const hostNamespaces: Check = {
  id: 'hostNamespaces',
  level: 'baseline',
  since: [
    [
      0,
      ({ spec }) => {
        const taken = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter(name => spec[name])
        if (taken.length === 0) return undefined
        return { reason: 'host namespaces', detail: taken.map(name => `${name}=true`).join(', ') }
      },
    ],
  ],
}

const hostPortsOf = ({ ports = [] }: AnyContainer) => ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))

export const hostPorts: Check = {
  id: 'hostPorts',
  level: 'baseline',
  since: [
    [
      0,
      ({ spec }) => {
        const bad = namesOf(spec, container => hostPortsOf(container).length > 0)
        if (bad.length === 0) return undefined
        const ports = sorted(allContainers(spec).flatMap(hostPortsOf))
        const use = bad.length === 1 ? 'uses' : 'use'
        return {
          reason: 'hostPort',
          detail: `${containersText(bad)} ${use} ${plural('hostPort', ports.length)} ${ports.join(', ')}`,
        }
      },
    ],
  ],
}

export const hostPathVolumes: Check = {
  id: 'hostPathVolumes',
  level: 'baseline',
  since: [
    [
      0,
      ({ spec }) => {
        const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name)
        if (bad.length === 0) return undefined
        return { reason: 'hostPath volumes', detail: `${plural('volume', bad.length)} ${quoted(bad)}` }
      },
    ],
  ],
}

export const windowsHostProcess: Check = {
  id: 'windowsHostProcess',
  level: 'baseline',
  since: [
    [
      0,
      ({ spec }) => {
        const bad = namesOf(spec, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess)
        const setters = settersText(spec.securityContext.windowsOptions?.hostProcess, bad)
        if (!setters) return undefined
        return { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` }
      },
    ],
  ],
}

/** The hosts, other than the pod itself, that the kubelet would be sent to. */
function hostsOf(container: AnyContainer): string[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
  const calls: (Probe | LifecycleHandler | undefined)[] = [
    ...[livenessProbe, readinessProbe, startupProbe],
    ...[lifecycle?.postStart, lifecycle?.preStop],
  ]
  return calls.flatMap(call => [call?.httpGet?.host, call?.tcpSocket?.host].filter((host): host is string => !!host))
}

export const hostProbesAndHostLifecycle: Check = {
  id: 'hostProbesAndHostLifecycle',
  level: 'baseline',
  since: [
    [
      34,
      ({ spec }) => {
        const bad = sorted(namesOf(spec, container => hostsOf(container).length > 0))
        if (bad.length === 0) return undefined
        const hosts = sorted(allContainers(spec).flatMap(hostsOf))
        const what = plural('probe or lifecycle host', hosts.length)
        const detail = `${containersText(bad)} ${bad.length === 1 ? 'uses' : 'use'} ${what} ${quoted(hosts)}`
        return { reason: 'probe or lifecycle host', detail }
      },
    ],
  ],
}
