import type { Node } from '../../api/core/node.ts'
import { ready } from './health.ts'

export type Disruption = 'normal' | 'partial' | 'full'

export interface ZoneLimits {
  /** Nodes per second that may be tainted NoExecute. */
  readonly rate: number
  readonly secondaryRate: number
  /** Zones with at most this many nodes stop evicting when partially disrupted. */
  readonly largeZone: number
  /** The share of nodes not ready from which a zone is partially disrupted. */
  readonly unhealthyShare: number
}

/** pkg/controller/nodelifecycle: --node-eviction-rate, --secondary-node-eviction-rate, --large-cluster-size-threshold, --unhealthy-zone-threshold */
export const defaultLimits: ZoneLimits = { rate: 0.1, secondaryRate: 0.01, largeZone: 50, unhealthyShare: 0.55 }

/** Region and zone of a node as one text; empty when it names neither. */
export function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {}
  const region = labels['topology.kubernetes.io/region'] ?? ''
  const zone = labels['topology.kubernetes.io/zone'] ?? ''
  return region || zone ? `${region}:\u0000:${zone}` : ''
}

/** How many of a zone's nodes are down, in words. */
export function disruptionOf(nodes: readonly Node[], { unhealthyShare }: ZoneLimits): Disruption {
  const readyCount = nodes.filter(node => ready(node)?.status === 'True').length
  const down = nodes.length - readyCount
  if (readyCount === 0 && down > 0) return 'full'
  if (down > 2 && down / nodes.length >= unhealthyShare) return 'partial'
  return 'normal'
}

/** Nodes per second that may be tainted in a zone. */
export function rateOf(disruption: Disruption, size: number, limits: ZoneLimits): number {
  if (disruption !== 'partial') return limits.rate
  return size > limits.largeZone ? limits.secondaryRate : 0
}
