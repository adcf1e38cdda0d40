import type { Pod } from '../../api/core/pod.ts'
import type { KubeletContext } from '../context.ts'
import { podDns } from '../network/dns.ts'
import { podHostname } from '../network/hostname.ts'
import type { SandboxConfig } from '../runtime/runtime.ts'
import { podLabels } from './labels.ts'
import { dottedSysctl } from './sysctls.ts'

/** What the infra container of a pod is made from. Throws an Error for names that are too long and for what no runtime here can do. */
export async function sandboxConfig(context: KubeletContext, pod: Pod, attempt: number): Promise<SandboxConfig> {
  const { config, events, nodeFiles } = context
  const { metadata, spec } = pod
  const runtimeHandler = await runtimeHandlerOf(context, pod)
  const { kernel } = podHostname(pod, config.clusterDomain)
  const nodeResolvConf = config.usesDisk ? nodeFiles.resolvConf() : ''
  const { dns, warnings } = podDns(pod, { clusterDns: config.clusterDns, clusterDomain: config.clusterDomain, nodeResolvConf })
  // Simulated pods look nobody up.
  if (config.usesDisk) for (const { reason, message } of warnings) events.record(pod, 'Warning', reason, message)
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
    sysctls: Object.fromEntries((spec.securityContext.sysctls ?? []).map(({ name, value }) => [dottedSysctl(name), value])),
    ...(runtimeHandler && { runtimeHandler }),
    cgroupParent: '',
  }
}

/** What runs the pod, if not the runtime's default; empty: that. Throws when that cannot be, or cannot give the pod what it asks for. */
async function runtimeHandlerOf({ objects, runtime }: KubeletContext, { spec }: Pod): Promise<string> {
  const { runtimeClassName: className, hostUsers } = spec
  const handler = className ? await objects.runtimeHandler(className) : ''
  if (handler === undefined) throw new Error(`runtimeclass.node.k8s.io "${className}" not found`)
  if (hostUsers !== false) return handler
  const features = await runtime.features?.()
  if (features?.userNamespaces) return handler
  const what = handler ? `RuntimeClass handler "${handler}"` : 'runtime'
  throw new Error(`can't set \`spec.hostUsers: false\`, ${what} does not support user namespaces`)
}
