import { createHash } from 'node:crypto'

/** What a cluster calls its things in the network of a host, where several clusters may be. */
export interface ClusterNames {
  /** Matches all bridges of the cluster's nodes, as iptables writes it (`runtime/docker/network.ts` names them). */
  readonly bridges: string
  readonly forwardChain: string
  readonly natChain: string
  readonly vxlanLink: string
  /** The network of the vxlan: 24 bits. */
  readonly vxlanId: number
}

export function clusterNames(cluster: string): ClusterNames {
  const hash = createHash('sha256').update(cluster).digest('hex')
  const short = hash.slice(0, 5)
  return {
    bridges: `wh${short}-+`,
    forwardChain: `WHERRY-FORWARD-${short}`,
    natChain: `WHERRY-NAT-${short}`,
    vxlanLink: `wx${short}`,
    vxlanId: Number.parseInt(hash.slice(0, 6), 16) || 1,
  }
}
