import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { desiredOf, maxOf } from './annotations.ts'
import { type Limits, limitsOf } from './limits.ts'
import { activeOf, all, byAge, type Versions, wantedBy } from './replica-sets.ts'
import type { Resize } from './rolling.ts'

/** Whether a Deployment's size has changed since its sets were scaled last. */
export function isResized({ spec }: Deployment, sets: readonly ReplicaSet[]): boolean {
  return activeOf(sets).some(set => (desiredOf(set) ?? spec.replicas) !== spec.replicas)
}

/**
 * The sizes of a Deployment's sets after its own size changed, or while it is paused (pkg/controller/deployment/sync.go, scale). In
 * the middle of a rollout, each gets its share, so that no version is favoured. A set may be listed with the size it has: what
 * it remembers of the Deployment's size is then to be renewed.
 */
export function planScaling(deployment: Deployment, versions: Versions): readonly Resize[] {
  const { replicas } = deployment.spec
  const only = activeOrLatest(versions)
  if (only) {
    return only.spec.replicas === replicas ? [] : [{ set: only, to: replicas, because: 'it is the only version in use' }]
  }
  if (isSaturated(versions.fresh, replicas)) {
    return activeOf(versions.old).map(set => ({ set, to: 0, because: 'the new version is complete' }))
  }
  return deployment.spec.strategy.type === 'RollingUpdate' ? planProportions(deployment, versions, limitsOf(deployment)) : []
}

/** The one set that is in use, or else the newest there is; `undefined` when several are in use, or there is none at all. */
function activeOrLatest(versions: Versions): ReplicaSet | undefined {
  const active = activeOf(all(versions))
  if (active.length > 1) return undefined
  return active[0] ?? versions.fresh ?? [...versions.old].sort(byAge).at(-1)
}

function isSaturated(fresh: ReplicaSet | undefined, replicas: number): boolean {
  if (!fresh) return false
  return fresh.spec.replicas === replicas && desiredOf(fresh) === replicas && (fresh.status.availableReplicas ?? 0) === replicas
}

function planProportions(deployment: Deployment, versions: Versions, limits: Limits): readonly Resize[] {
  const { replicas, surge } = limits
  const sets = activeOf(all(versions))
  const allowed = replicas > 0 ? replicas + surge : 0
  const toAdd = allowed - wantedBy(sets)
  const newerFirst = toAdd > 0 ? -1 : 1
  sets.sort((a, b) => b.spec.replicas - a.spec.replicas || newerFirst * byAge(a, b))
  let left = toAdd
  const sizes = sets.map(set => {
    const share = shareOf(set, deployment, limits)
    const given = left === 0 ? 0 : toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
    left -= given
    return set.spec.replicas + given
  })
  const because = `the ${allowed} pods allowed are shared in proportion to the sets' sizes`
  return sets.map((set, i) => ({ set, to: Math.max(0, (sizes[i] ?? 0) + (i === 0 ? left : 0)), because }))
}

/** By how much a set should grow (or shrink, when negative) to keep its share of the whole. */
function shareOf(set: ReplicaSet, deployment: Deployment, { replicas, surge }: Limits): number {
  const size = set.spec.replicas
  if (replicas === 0) return -size
  const before = maxOf(set) || (deployment.status.replicas ?? 0)
  if (before === 0) return 0
  return roundHalfAway((size * (replicas + surge)) / before) - size
}

function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value))
}
