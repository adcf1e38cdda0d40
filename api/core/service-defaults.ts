import type { Draft } from '../kind.ts'
import type { ServiceObject, ServiceSpec } from './service-spec.ts'

const threeHoursInSeconds = 10800

/** Whether traffic can come from outside the cluster. */
export const isExternallyReachable = ({ type, externalIPs }: ServiceSpec): boolean =>
  type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0)

/** Conditional defaults (pkg/apis/core/v1/defaults.go SetDefaults_Service). */
export function defaultService({ spec, status }: Draft<Pick<ServiceObject, 'spec' | 'status'>>): void {
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  else if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {}
    spec.sessionAffinityConfig.clientIP ??= {}
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= threeHoursInSeconds
  }
  for (const port of spec.ports ?? []) if (!port.targetPort) port.targetPort = port.port
  if (isExternallyReachable(spec)) spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of status.loadBalancer.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}
