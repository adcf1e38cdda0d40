import type { ResourceWeight, ScoringStrategy, ShapePoint } from '../../api/scheduler-config/arguments.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'

/** Points from 0 to 100 for how much of each resource would be requested, of how much there is; what is not there has capacity 0. */
export type ResourceScorer = (requested: readonly number[], capacity: readonly number[]) => number

/** Makes the scorer of a strategy (plugins/noderesources least_allocated.go, most_allocated.go, requested_to_capacity_ratio.go). */
export function scorerOf(strategy: ScoringStrategy): ResourceScorer {
  const { resources } = strategy
  switch (strategy.type) {
    case 'LeastAllocated':
      return weightedMean(resources, leastAllocated)
    case 'MostAllocated':
      return weightedMean(resources, mostAllocated)
    case 'RequestedToCapacityRatio':
      return ratioMean(resources, alongShape(strategy.shape))
  }
}

/** The share that stays free, in per cent. */
export function leastAllocated(requested: number, capacity: number): number {
  return requested > capacity ? 0 : Math.trunc(((capacity - requested) * 100) / capacity)
}

function mostAllocated(requested: number, capacity: number): number {
  return Math.trunc((Math.min(requested, capacity) * 100) / capacity)
}

function weightedMean(
  resources: readonly ResourceWeight[],
  score: (requested: number, capacity: number) => number,
): ResourceScorer {
  return (requested, capacity) => {
    let [sum, weights] = [0, 0]
    for (let i = 0; i < resources.length; i++) {
      if (!capacity[i]) continue
      const weight = resources[i]?.weight ?? 1
      sum += weight * score(requested[i] ?? 0, capacity[i] ?? 0)
      weights += weight
    }
    return weights === 0 ? 0 : Math.trunc(sum / weights)
  }
}

/** Resources that score nothing do not count; what is left is rounded, not cut. */
function ratioMean(resources: readonly ResourceWeight[], pointsAt: (utilization: number) => number): ResourceScorer {
  return (requested, capacity) => {
    let [sum, weights] = [0, 0]
    for (let i = 0; i < resources.length; i++) {
      const [wanted, there] = [requested[i] ?? 0, capacity[i] ?? 0]
      if (there === 0) continue
      const points = pointsAt(wanted > there ? 100 : Math.trunc((wanted * 100) / there))
      if (points <= 0) continue
      const weight = resources[i]?.weight ?? 1
      sum += weight * points
      weights += weight
    }
    return weights === 0 ? 0 : Math.round(sum / weights)
  }
}

/** Straight lines between the points, level beyond the first and the last; scores of a shape go to 10, ours to 100. */
function alongShape(shape: readonly ShapePoint[]): (utilization: number) => number {
  return utilization => {
    const at = shape.findIndex(point => utilization <= point.utilization)
    const right = shape[at < 0 ? shape.length - 1 : at]
    const left = shape[at - 1]
    if (!right) return 0
    if (!left) return right.score * 10
    const slope = ((right.score - left.score) * 10 * (utilization - left.utilization)) / (right.utilization - left.utilization)
    return left.score * 10 + Math.trunc(slope)
  }
}

/** 100 less the standard deviation of the used shares in per cent (balanced_allocation.go). */
export const balance: ResourceScorer = (requested, capacity) => {
  const shares: number[] = []
  for (let i = 0; i < requested.length; i++) if (capacity[i]) shares.push(Math.min(1, (requested[i] ?? 0) / (capacity[i] ?? 1)))
  return Math.trunc((1 - deviation(shares)) * 100)
}

function deviation(shares: readonly number[]): number {
  const [first = 0, second = 0] = shares
  if (shares.length < 2) return 0
  if (shares.length === 2) return Math.abs((first - second) / 2)
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  return Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) * (share - mean), 0) / shares.length)
}

/** What a pod asks of each resource; `assumes`: containers that say nothing count the scorers' 100m and 200Mi. */
export function asked(pod: PodInfo, resources: readonly ResourceWeight[], assumes: boolean): readonly number[] {
  return resources.map(({ name }) => {
    if (assumes && (name === 'cpu' || name === 'memory')) return pod.incoming[name]
    return pod.requests[name] ?? 0
  })
}

const unscalar = new Set(['cpu', 'memory', 'ephemeral-storage'])

/**
 * Asks a scorer about a node: what its pods and this one would request together. An extended resource that the pod does not ask for is
 * left out, and so is what the node does not have (resource_allocation.go).
 */
export function nodeScore(
  scorer: ResourceScorer,
  resources: readonly ResourceWeight[],
  assumes: boolean,
): (node: NodeInfo, wanted: readonly number[], withPod?: boolean) => number {
  const requested: number[] = resources.map(() => 0)
  const capacity: number[] = resources.map(() => 0)
  return (node, wanted, withPod = true) => {
    for (let i = 0; i < resources.length; i++) {
      const name = (resources[i] as ResourceWeight).name
      const own = wanted[i] ?? 0
      const isLeftOut = name === 'pods' || (own === 0 && !unscalar.has(name))
      const isAssumed = assumes && (name === 'cpu' || name === 'memory')
      const used = isAssumed ? node.scoring[name] : (node.requested[name] ?? 0)
      capacity[i] = isLeftOut ? 0 : (node.allocatable[name] ?? 0)
      requested[i] = capacity[i] === 0 ? 0 : used + (withPod ? own : 0)
    }
    return scorer(requested, capacity)
  }
}
