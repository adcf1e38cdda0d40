import { type BackoffLimits, backoffEnd } from './backoff.ts'
import type { PodInfo } from './pod-info.ts'

/** Where a pod is that wants a node. */
export type Place = 'active' | 'backoff' | 'errorBackoff' | 'unschedulable' | 'gated' | 'inFlight'

/** A pod that wants a node, and how that went so far. */
export interface QueuedPod {
  pod: PodInfo
  place: Place
  /** When it was last put into the queue, in milliseconds; and a number that grows with each time. */
  since: number
  sequence: number
  /** How often it was refused, and how often errors came in a row. */
  refusals: number
  errors: number
  attempts: number
  /** The plugins that refused it the last time. */
  refusedBy: ReadonlySet<string>
  /** Those of them that wait for something that is under way. */
  pendingOn: ReadonlySet<string>
  /** The plugin that does not let it in. */
  gate: string | undefined
  /** The revision of the write that brought it back into the queue. */
  wokenBy: number
}

export const nobody: ReadonlySet<string> = new Set()

export function newlyQueued(pod: PodInfo): QueuedPod {
  return {
    pod,
    place: 'active',
    since: 0,
    sequence: 0,
    refusals: 0,
    errors: 0,
    attempts: 0,
    refusedBy: nobody,
    pendingOn: nobody,
    gate: undefined,
    wokenBy: 0,
  }
}

/** Higher priority first, then who has waited longer (plugins/queuesort/priority_sort.go). */
export function isTriedBefore(a: QueuedPod, b: QueuedPod): boolean {
  if (a.pod.priority !== b.pod.priority) return a.pod.priority > b.pod.priority
  return a.since !== b.since ? a.since < b.since : a.sequence < b.sequence
}

/** By the second in which the back-off ends, then as they are tried. */
export function backsOffBefore(limits: BackoffLimits): (a: QueuedPod, b: QueuedPod) => boolean {
  return (a, b) => {
    const [left = 0, right = 0] = [backoffEnd(a, limits), backoffEnd(b, limits)]
    return left !== right ? left < right : isTriedBefore(a, b)
  }
}
