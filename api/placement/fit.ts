import type { Amounts } from './pod-requests.ts'

/** One resource that a node has too little of. */
export interface Shortage {
  readonly resource: string
  /** As the scheduler words it: `Insufficient cpu`, `Too many pods`. */
  readonly reason: string
  readonly requested: number
  readonly used: number
  readonly capacity: number
  /** Even the empty node would be too small: taking other pods away does not help. */
  readonly isHopeless: boolean
}

export interface Room {
  /** What pods may use in all; `pods` is their number. */
  readonly allocatable: Amounts
  /** What the pods on the node have asked for. */
  readonly requested: Amounts
  readonly pods: number
}

/**
 * Everything a node lacks for a pod, in the order cpu, memory, ephemeral-storage, others; empty: the pod fits
 * (pkg/scheduler/framework/plugins/noderesources/fit.go). Real requests count, without the scorers' defaults.
 */
export function shortages(requests: Amounts, room: Room, isIgnored: (resource: string) => boolean = () => false): Shortage[] {
  const found: Shortage[] = []
  const allowedPods = room.allocatable.pods ?? 0
  if (room.pods + 1 > allowedPods)
    found.push({
      resource: 'pods',
      reason: 'Too many pods',
      requested: 1,
      used: room.pods,
      capacity: allowedPods,
      isHopeless: false,
    })
  for (const resource of inOrder(requests)) {
    const requested = requests[resource] ?? 0
    const capacity = room.allocatable[resource] ?? 0
    const used = room.requested[resource] ?? 0
    if (requested <= 0 || requested <= capacity - used || isIgnored(resource)) continue
    found.push({ resource, reason: `Insufficient ${resource}`, requested, used, capacity, isHopeless: requested > capacity })
  }
  return found
}

const first = ['cpu', 'memory', 'ephemeral-storage']

function inOrder(requests: Amounts): string[] {
  return [...first.filter(name => name in requests), ...Object.keys(requests).filter(name => !first.includes(name))]
}
