import { addressWarnings, cidrWarnings } from '../warnings.ts'
import type { ServiceSpec } from './service-spec.ts'

interface ServiceParts {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined }
  readonly spec: ServiceSpec
}

const hints = 'service.kubernetes.io/topology-aware-hints'

/** What a service says in vain, or in an odd way (k8s.io/kubernetes/pkg/api/service/warnings.go). */
export function serviceWarnings({ metadata, spec }: ServiceParts): string[] {
  const { type, clusterIP = '', clusterIPs = [], externalIPs = [], loadBalancerIP, externalName } = spec
  const isHeadless = type === 'ClusterIP' && clusterIP === 'None'
  const warnings: string[] = []
  if (metadata.annotations?.[hints] !== undefined) {
    warnings.push(`annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`)
  }
  if (clusterIP !== '' && clusterIP !== 'None') {
    for (const [i, address] of clusterIPs.entries()) warnings.push(...addressWarnings(`spec.clusterIPs[${i}]`, address))
  }
  if (isHeadless && loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services')
  if (isHeadless && externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services')
  // It always has one: None is the default. Upstream says so all the same.
  if (isHeadless && spec.sessionAffinity) warnings.push('spec.SessionAffinity is ignored for headless services')
  for (const [i, address] of externalIPs.entries()) warnings.push(...addressWarnings(`spec.externalIPs[${i}]`, address))
  if (loadBalancerIP) warnings.push(...addressWarnings('spec.loadBalancerIP', loadBalancerIP))
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    warnings.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, range))
  }
  if (type === 'ExternalName' && externalIPs.length > 0) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  }
  if (type !== 'ExternalName' && externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  return warnings
}
