import type { Pod } from '../../api/core/pod.ts'
import { podLabel } from '../names.ts'

export interface DnsConfig {
  servers: string[]
  searches: string[]
  options: string[]
}

/** pkg/apis/core/validation; the length of one domain is that of a DNS name. */
const limits = { servers: 3, searches: 32, searchLength: 253, searchLine: 2048 }

/** Reads a resolv.conf: the last search line wins, name servers add up, trailing dots go. */
export function parseResolvConf(text: string): DnsConfig {
  const dns: DnsConfig = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver' && rest[0]) dns.servers.push(rest[0])
    else if (word === 'search') dns.searches = rest.filter(domain => domain !== '.').map(domain => domain.replace(/\.$/, ''))
    else if (word === 'options') dns.options = merged([...dns.options, ...rest])
  }
  return dns
}

/** Of several settings of one option the last one counts. */
function merged(options: readonly string[]): string[] {
  return [...new Map(options.map(option => [option.split(':')[0], option])).values()]
}

export interface PodDns {
  /** `undefined`: leave it to the runtime (the node's own). */
  readonly dns: DnsConfig | undefined
  /** Events to tell: reason and message. */
  readonly warnings: readonly { reason: string; message: string }[]
}

/**
 * A pod's resolv.conf (semantics C14): the cluster's for ClusterFirst, the node's for Default, nothing for None, and dnsConfig on top.
 * Without a cluster DNS, ClusterFirst is treated as Default, and that is told.
 */
export function podDns(
  pod: Pick<Pod, 'metadata' | 'spec'>,
  { clusterDns, clusterDomain, nodeResolvConf }: { clusterDns: readonly string[]; clusterDomain: string; nodeResolvConf: string },
): PodDns {
  const { metadata, spec } = pod
  const warnings: { reason: string; message: string }[] = []
  const policy = spec.dnsPolicy
  const wantsCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !spec.hostNetwork)
  const usesCluster = wantsCluster && clusterDns.length > 0
  if (wantsCluster && !usesCluster) warnings.push({ reason: 'MissingClusterDNS', message: withoutCluster(pod) })
  const node = parseResolvConf(nodeResolvConf)
  const isLeftToRuntime = policy !== 'None' && !usesCluster && !spec.dnsConfig
  if (isLeftToRuntime && (node.servers.length === 0 || node.servers.some(isOwnAddress))) return { dns: undefined, warnings }
  const domains = [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  const base: DnsConfig =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : usesCluster
        ? { servers: [...clusterDns], searches: [...domains, ...node.searches], options: ['ndots:5'] }
        : node
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {}
  const wanted = options.flatMap(({ name, value }) => (name ? [value ? `${name}:${value}` : name] : []))
  const complete = {
    servers: [...new Set([...base.servers, ...nameservers])],
    searches: [...new Set([...base.searches, ...searches])],
    options: merged([...base.options, ...wanted]),
  }
  return { dns: withinLimits(complete, warnings), warnings }
}

/** A resolver on the node's own loopback address is out of reach for pods; the runtime knows a way around it. */
const isOwnAddress = (server: string) => server.startsWith('127.') || server === '::1'

function withoutCluster(pod: Pick<Pod, 'metadata' | 'spec'>): string {
  const falls = 'Falling back to "Default" policy.'
  const why = `kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. ${falls}`
  return `pod: ${JSON.stringify(podLabel(pod))}. ${why}`
}

function withinLimits(dns: DnsConfig, warnings: { reason: string; message: string }[]): DnsConfig {
  const servers = dns.servers.slice(0, limits.servers)
  if (servers.length < dns.servers.length)
    warnings.push({
      reason: 'DNSConfigForming',
      message: `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`,
    })
  const searches = dns.searches.slice(0, limits.searches).filter(domain => domain.length <= limits.searchLength)
  while (searches.join(' ').length > limits.searchLine) searches.pop()
  if (searches.length < dns.searches.length)
    warnings.push({
      reason: 'DNSConfigForming',
      message: `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`,
    })
  return { ...dns, servers, searches }
}
