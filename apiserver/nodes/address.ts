import type { Node } from '../../api/core/node.ts'

/** Where a kubelet listens. */
export interface KubeletAddress {
  readonly host: string
  readonly port: number
}

/** Which of a node's addresses are tried first (--kubelet-preferred-address-types). */
const preferred = ['InternalIP', 'Hostname', 'InternalDNS', 'ExternalIP', 'ExternalDNS'] as const
const defaultPort = 10250

/** Where a node says that its kubelet listens (pkg/kubelet/client/kubelet_client.go). Throws in upstream's words. */
export function kubeletAddress({ status }: Pick<Node, 'status'>): KubeletAddress {
  const addresses = status.addresses ?? []
  const [host] = preferred.flatMap(type => addresses.filter(one => one.type === type && one.address)).map(one => one.address)
  if (!host) {
    const known = addresses.map(({ type }) => type).join(' ')
    throw new Error(`no preferred addresses found; known addresses: [${known}]`)
  }
  return { host, port: status.daemonEndpoints?.kubeletEndpoint?.Port || defaultPort }
}

/** `address:port`, as URLs and errors have it. */
export const hostPort = ({ host, port }: KubeletAddress) => `${host.includes(':') ? `[${host}]` : host}:${port}`
