import type { Pod } from '../../api/core/pod.ts'
import { SyncError } from '../sync/sync-error.ts'

const maxHostname = 63
const maxKernelHostname = 64

export interface PodHostname {
  /** The short name. */
  readonly short: string
  readonly fqdn?: string
  /** What the kernel is told. */
  readonly kernel: string
}

/** A pod's names (semantics C14): spec.hostname or its own, cut to 63; fully qualified below a subdomain. */
export function podHostname({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>, clusterDomain: string): PodHostname {
  const wanted = spec.hostnameOverride || spec.hostname || metadata.name
  const short = wanted.length <= maxHostname ? wanted : wanted.slice(0, maxHostname).replace(/[-.]+$/, '')
  if (spec.hostnameOverride) return { short, kernel: short }
  if (!spec.subdomain) return { short, kernel: short }
  const fqdn = `${short}.${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}`
  if (!spec.setHostnameAsFQDN) return { short, fqdn, kernel: short }
  if (fqdn.length > maxKernelHostname)
    throw new SyncError(
      'FailedCreatePodSandBox',
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (64 characters is the max, ${fqdn.length} characters requested)`,
    )
  return { short, fqdn, kernel: fqdn }
}
