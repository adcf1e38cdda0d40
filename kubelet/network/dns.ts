import type { Pod } from '../../api/core/pod.ts'

export interface DnsConfig {
  servers: string[]
  searches: string[]
  options: string[]
}

const limits = { servers: 3, searches: 32, searchLength: 255, searchLine: 2048 }

/** Reads a resolv.conf: the last search line wins, name servers add up, trailing dots go. */
export function parseResolvConf(text: string): DnsConfig {
  const dns: DnsConfig = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver' && rest[0]) dns.servers.push(rest[0])
    else if (word === 'search') dns.searches = rest.map(domain => (domain === '.' ? domain : domain.replace(/\.$/, '')))
    else if (word === 'options') dns.options = rest
  }
  return dns
}

export interface PodDns {
  /** `undefined`: leave it to the runtime (the node's own). */
  readonly dns: DnsConfig | undefined
  /** Events to tell: reason and message. */
  readonly warnings: readonly { reason: string; message: string }[]
}

/**
 * A pod's resolv.conf (semantics C14): the cluster's for ClusterFirst, the node's for Default, nothing for None, and dnsConfig on top.
 * Without a cluster DNS, ClusterFirst is treated as Default.
 */
export function podDns(
  { metadata, spec }: Pick<Pod, 'metadata' | 'spec'>,
  { clusterDns, clusterDomain, nodeResolvConf }: { clusterDns: readonly string[]; clusterDomain: string; nodeResolvConf: string },
): PodDns {
  const warnings: { reason: string; message: string }[] = []
  const policy = spec.dnsPolicy
  const wantsCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !spec.hostNetwork)
  const usesCluster = wantsCluster && clusterDns.length > 0
  if (policy !== 'None' && !usesCluster && !spec.dnsConfig) return { dns: undefined, warnings }
  const node = parseResolvConf(nodeResolvConf)
  const domains = [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  const base: DnsConfig =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : usesCluster
        ? { servers: [...clusterDns], searches: [...domains, ...node.searches], options: ['ndots:5'] }
        : node
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {}
  const byName = new Map(base.options.map(option => [option.split(':')[0], option]))
  for (const { name, value } of options) if (name) byName.set(name, value ? `${name}:${value}` : name)
  const merged = {
    servers: [...new Set([...base.servers, ...nameservers])],
    searches: [...new Set([...base.searches, ...searches])],
    options: [...byName.values()],
  }
  return { dns: withinLimits(merged, warnings), warnings }
}

function withinLimits(dns: DnsConfig, warnings: { reason: string; message: string }[]): DnsConfig {
  const servers = dns.servers.slice(0, limits.servers)
  if (servers.length < dns.servers.length)
    warnings.push({
      reason: 'DNSConfigForming',
      message: `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`,
    })
  const searches: string[] = []
  for (const domain of dns.searches) {
    if (domain.length > limits.searchLength) continue
    if (searches.length === limits.searches || [...searches, domain].join(' ').length > limits.searchLine) break
    searches.push(domain)
  }
  if (searches.length < dns.searches.length)
    warnings.push({
      reason: 'DNSConfigForming',
      message: `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`,
    })
  return { ...dns, servers, searches }
}
