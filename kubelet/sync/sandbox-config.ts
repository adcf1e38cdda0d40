import type { Pod } from '../../api/core/pod.ts'
import type { KubeletContext } from '../context.ts'
import { podDns } from '../network/dns.ts'
import { podHostname } from '../network/hostname.ts'
import type { SandboxConfig } from '../runtime/runtime.ts'
import { podLabels } from './labels.ts'

/** What the infra container of a pod is made from. Throws SyncError for names that are too long. */
export function sandboxConfig({ config, events, nodeFiles }: KubeletContext, pod: Pod, attempt: number): SandboxConfig {
  const { metadata, spec } = pod
  const { kernel } = podHostname(pod, config.clusterDomain)
  const needsResolvConf = spec.dnsConfig !== undefined || config.clusterDns.length > 0
  const nodeResolvConf = needsResolvConf ? nodeFiles.resolvConf() : ''
  const { dns, warnings } = podDns(pod, { clusterDns: config.clusterDns, clusterDomain: config.clusterDomain, nodeResolvConf })
  for (const { reason, message } of warnings) events.record(pod, 'Warning', reason, message)
  const withPorts = [...(spec.initContainers ?? []), ...spec.containers]
  return {
    pod: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
    attempt,
    hostname: kernel,
    labels: podLabels(pod),
    annotations: { ...metadata.annotations },
    hostNetwork: spec.hostNetwork ?? false,
    hostIPC: spec.hostIPC ?? false,
    hostPID: spec.hostPID ?? false,
    ...(dns && { dns }),
    portMappings: withPorts.flatMap(({ ports = [] }) =>
      ports
        .filter(port => port.hostPort)
        .map(({ protocol, containerPort, hostPort = 0, hostIP = '' }) => ({
          protocol: protocol as 'TCP' | 'UDP' | 'SCTP',
          containerPort,
          hostPort,
          hostIP,
        })),
    ),
    sysctls: Object.fromEntries((spec.securityContext.sysctls ?? []).map(({ name, value }) => [name, value])),
    cgroupParent: '',
  }
}
