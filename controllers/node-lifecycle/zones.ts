import type { Node } from '../../api/core/node.ts'

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

/** Region and zone of a node as one text; empty when it names neither (k8s.io/component-helpers/node/topology). */
export function zoneOf({ metadata: { labels } }: Node): string {
  if (!labels) return ''
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? ''
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  return region || zone ? `${region}:\u0000:${zone}` : ''
}

/** Whether a node's failure says nothing about its zone. */
export function isExcluded({ metadata: { labels } }: Node): boolean {
  return labels !== undefined && 'node.kubernetes.io/exclude-disruption' in labels
}

/** How many of a zone's nodes are ready, and how many are not. */
export interface Tally {
  ready: number
  down: number
}

/** A zone's state in a word. */
export function disruptionOf({ ready, down }: Tally, { unhealthyShare }: ZoneLimits): Disruption {
  if (ready === 0 && down > 0) return 'full'
  if (down > 2 && down / (ready + down) >= unhealthyShare) return 'partial'
  return 'normal'
}

/** Nodes per second that may be tainted in a zone. With every zone down the fault is taken to be ours, and nobody is evicted. */
export function rateOf(tally: Tally, areAllDown: boolean, limits: ZoneLimits): number {
  if (areAllDown) return 0
  if (disruptionOf(tally, limits) !== 'partial') return limits.rate
  return tally.ready + tally.down > limits.largeZone ? limits.secondaryRate : 0
}

/** Lets one through each `1 / rate` seconds. */
export interface Limiter {
  readonly rate: number
  readonly nextAt: number
}

/** The limiter with another rate: what had to wait before has to wait a whole turn of the new rate. */
export function withRate(limiter: Limiter, rate: number, now: number): Limiter {
  if (limiter.rate === rate) return limiter
  const isWaiting = limiter.rate === 0 || now < limiter.nextAt
  return { rate, nextAt: isWaiting && rate > 0 ? now + 1000 / rate : now }
}

/** The limiter after letting one through, or `undefined` when it may not yet. */
export function letThrough({ rate, nextAt }: Limiter, now: number): Limiter | undefined {
  return rate > 0 && now >= nextAt ? { rate, nextAt: now + 1000 / rate } : undefined
}
