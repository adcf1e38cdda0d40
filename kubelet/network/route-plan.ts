/** Another node whose pods are to be reached. */
export interface Peer {
  readonly name: string
  readonly podCIDR: string
  /** Its InternalIP. */
  readonly address: string
}

export type NetworkMode = 'auto' | 'routes' | 'vxlan' | 'none'

/** What `ip route get` says of the way to a peer. */
export interface Way {
  readonly device: string
  /** Whether it is on the same link: no router between. */
  readonly isDirect: boolean
  /** Whether it is this very host. */
  readonly isLocal: boolean
}

/** A route to the pods of a peer. */
export interface PodRoute {
  readonly podCIDR: string
  readonly via: string
  readonly device: string
  /** Through the tunnel. */
  readonly isTunnel: boolean
}

/** An end of the tunnel: where packets for a peer's pods are sent. */
export interface TunnelEnd {
  /** The peer's address inside of the tunnel. */
  readonly inner: string
  readonly mac: string
  /** Where it is. */
  readonly outer: string
}

export interface RoutePlan {
  readonly routes: readonly PodRoute[]
  readonly ends: readonly TunnelEnd[]
  /** Peers that are not reached this way, and why. */
  readonly unreachable: readonly { readonly peer: string; readonly why: string }[]
}

/** How each peer's pods are reached: by a plain route through its address on a common link, or through the tunnel. */
export function planRoutes(
  peers: readonly Peer[],
  wayTo: (address: string) => Way | undefined,
  { mode, tunnel }: { readonly mode: NetworkMode; readonly tunnel: string },
): RoutePlan {
  const routes: PodRoute[] = []
  const ends: TunnelEnd[] = []
  const unreachable: { peer: string; why: string }[] = []
  if (mode === 'none') return { routes, ends, unreachable }
  for (const { name, podCIDR, address } of peers) {
    const way = wayTo(address)
    if (!way) unreachable.push({ peer: name, why: `there is no route to ${address}` })
    // The bridges of this very host know each other.
    else if (way.isLocal) continue
    else if (mode === 'routes' && !way.isDirect) unreachable.push({ peer: name, why: `${address} is not on a common link` })
    else if (mode === 'routes' || (mode === 'auto' && way.isDirect))
      routes.push({ podCIDR, via: address, device: way.device, isTunnel: false })
    else {
      const inner = innerAddress(podCIDR)
      routes.push({ podCIDR, via: inner, device: tunnel, isTunnel: true })
      ends.push({ inner, mac: macOf(address), outer: address })
    }
  }
  return { routes, ends, unreachable }
}

/** The address of a node inside of the tunnel: the first of its pod CIDR, which no pod has. */
export const innerAddress = (podCIDR: string): string => podCIDR.slice(0, podCIDR.indexOf('/'))

/** The hardware address of a node's end of the tunnel, which all others know without being told. */
export function macOf(address: string): string {
  const bytes = address.split('.').map(byte => Number(byte).toString(16).padStart(2, '0'))
  return ['0a', '58', ...bytes].join(':')
}
