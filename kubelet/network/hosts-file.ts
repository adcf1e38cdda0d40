import type { PodSpec } from '../pod-types.ts'

const linesOfEveryPod = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

interface HostsInput {
  readonly spec: Pick<PodSpec, 'hostAliases' | 'hostNetwork'>
  readonly podIps: readonly string[]
  readonly hostname: string
  /** Fully qualified, when the pod has a subdomain. */
  readonly fqdn?: string | undefined
  /** The node's own file, for pods in the node's network. */
  readonly nodeFile: string
}

/** The text of a container's /etc/hosts (semantics C14). */
export function hostsFile({ spec, podIps, hostname, fqdn, nodeFile }: HostsInput): string {
  const own = spec.hostNetwork
    ? `# Kubernetes-managed hosts file (host network).\n${nodeFile}`
    : [
        '# Kubernetes-managed hosts file.',
        ...linesOfEveryPod,
        ...podIps.map(ip => `${ip}\t${fqdn ? `${fqdn}\t` : ''}${hostname}`),
        '',
      ].join('\n')
  const aliases = (spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${[ip, ...hostnames].join('\t')}\n`)
  return aliases.length === 0 ? own : `${own}\n# Entries added by HostAliases.\n${aliases.join('')}`
}
