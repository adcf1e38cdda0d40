import type { Pod } from '../../api/core/pod.ts'
import { type Candidate, compareCandidates } from './ranking.ts'

/** No more than so many pods are made or removed in one go (pkg/controller/replicaset, BurstReplicas). */
export const burst = 500

export interface Removal {
  readonly pod: Pod
  /** Why this one, in words: `it is not ready`. */
  readonly because: string
}

export interface ReplicaPlan {
  readonly create: number
  readonly remove: readonly Removal[]
}

/**
 * What to do so that as many pods are active as wanted. `active` are the set's active pods, `siblings` all active pods of the same
 * application (a Deployment's other sets included), which decide how crowded a node is. `now` in milliseconds.
 */
export function plan(wanted: number, active: readonly Pod[], siblings: readonly Pod[], now: number): ReplicaPlan {
  const surplus = active.length - wanted
  if (surplus <= 0) return { create: Math.min(wanted - active.length, burst), remove: [] }
  const perNode = new Map<string, number>()
  for (const { spec } of siblings) {
    if (spec.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1)
  }
  const ranked = active
    .map((pod): Candidate => ({ pod, onSameNode: perNode.get(pod.spec.nodeName ?? '') ?? 0 }))
    .sort((a, b) => compareCandidates(a, b, now).order)
  const survivor = ranked[surplus]
  const leaving = ranked.slice(0, Math.min(surplus, burst))
  return {
    create: 0,
    remove: leaving.map(candidate => ({
      pod: candidate.pod,
      because: survivor ? compareCandidates(candidate, survivor, now).rule : 'none are wanted',
    })),
  }
}
