import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { revisionOf } from './annotations.ts'
import { byAge } from './replica-sets.ts'

/** Stands for "keep all". */
const unlimited = 2 ** 31 - 1

/**
 * The old sets that nobody needs for a rollback any more, lowest revision first. Only as many as exceed the limit are looked at: one
 * of them that still has pods is spared, and the next is not taken in its stead.
 */
export function planCleanup({ spec }: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  if (spec.revisionHistoryLimit === unlimited) return []
  const alive = old.filter(set => set.metadata.deletionTimestamp === undefined)
  const surplus = Math.max(0, alive.length - spec.revisionHistoryLimit)
  alive.sort((a, b) => revisionOf(a) - revisionOf(b) || byAge(a, b))
  return alive.slice(0, surplus).filter(isIdle)
}

function isIdle({ spec, status, metadata }: ReplicaSet): boolean {
  return spec.replicas === 0 && status.replicas === 0 && (metadata.generation ?? 0) <= (status.observedGeneration ?? 0)
}
