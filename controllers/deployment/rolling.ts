import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { type Limits, limitsOf } from './limits.ts'
import { all, byAge, type Versions, wantedBy } from './replica-sets.ts'

/** A set that is to get another size, and why. */
export interface Resize {
  readonly set: ReplicaSet
  readonly to: number
  readonly because: string
}

/** How big a new set may be right away, or become: as far as the surge allows beside the others. */
export function sizeOfFresh(deployment: Deployment, current: number, total: number): number {
  const { replicas, surge } = limitsOf(deployment)
  if (deployment.spec.strategy.type === 'Recreate') return replicas
  const room = replicas + surge - total
  return room <= 0 ? current : current + Math.min(room, replicas - current)
}

/**
 * The next step of a rolling update (pkg/controller/deployment/rolling.go): either the new set is brought closer to its size, or, when
 * it cannot grow, the old ones shrink as far as enough pods stay available. Nothing: wait, or it is done.
 */
export function planRolling(deployment: Deployment, versions: Versions & { fresh: ReplicaSet }): readonly Resize[] {
  const { fresh } = versions
  const limits = limitsOf(deployment)
  const size = fresh.spec.replicas
  if (size > limits.replicas) return [{ set: fresh, to: limits.replicas, because: 'the new set is larger than wanted' }]
  const grown = sizeOfFresh(deployment, size, wantedBy(all(versions)))
  if (grown > size) return [{ set: fresh, to: grown, because: `the surge allows ${limits.replicas + limits.surge} pods in all` }]
  return planShrink(versions, limits)
}

function planShrink({ fresh, old }: Versions & { fresh: ReplicaSet }, { replicas, unavailable }: Limits): readonly Resize[] {
  const minAvailable = replicas - unavailable
  const total = wantedBy(old) + fresh.spec.replicas
  const freshMissing = fresh.spec.replicas - (fresh.status.availableReplicas ?? 0)
  const removable = total - minAvailable - freshMissing
  if (wantedBy(old) === 0 || removable <= 0) return []
  const sizes = new Map(old.map(set => [set, set.spec.replicas]))
  const reasons = new Map<ReplicaSet, string>()

  const shrink = (budget: number, because: string, reducible: (set: ReplicaSet, size: number) => number) => {
    let left = budget
    for (const set of [...old].sort(byAge)) {
      const size = sizes.get(set) ?? 0
      const less = Math.min(Math.max(left, 0), reducible(set, size))
      if (less <= 0) continue
      sizes.set(set, size - less)
      reasons.set(set, because)
      left -= less
    }
  }
  // Pods that serve nobody go first: losing them costs nothing.
  shrink(removable, 'its unavailable pods serve nobody', (set, size) => size - (set.status.availableReplicas ?? 0))
  // A set that has just been made smaller still tells of pods that are about to go: upstream counts them, and may take too many.
  const available = [...old, fresh].reduce(
    (sum, { spec, status }) => sum + Math.min(spec.replicas, status.availableReplicas ?? 0),
    0,
  )
  shrink(available - minAvailable, `${available} pods are available and ${minAvailable} would do`, (_set, size) => size)
  return old.flatMap(set => {
    const to = sizes.get(set) ?? 0
    return to < set.spec.replicas ? [{ set, to, because: reasons.get(set) ?? '' }] : []
  })
}
