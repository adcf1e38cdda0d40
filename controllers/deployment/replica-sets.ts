import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { deepEqual } from '../../lib/json.ts'
import { hashLabel } from './hash-label.ts'

type Template = Deployment['spec']['template']

/** The sets of a Deployment: the one of its present template, if there is one, and all others. */
export interface Versions {
  readonly fresh: ReplicaSet | undefined
  readonly old: readonly ReplicaSet[]
}

/** The oldest set whose template is the Deployment's is its new one; the template decides, never the hash. */
export function versionsOf(deployment: Deployment, sets: readonly ReplicaSet[]): Versions {
  const wanted = withoutHash(deployment.spec.template)
  const fresh = [...sets].sort(byAge).find(set => deepEqual(withoutHash(set.spec.template), wanted))
  return { fresh, old: sets.filter(set => set !== fresh) }
}

export function isSameTemplate(a: Template, b: Template): boolean {
  return deepEqual(withoutHash(a), withoutHash(b))
}

function withoutHash(template: Template): Template {
  const { [hashLabel]: _, ...labels } = template.metadata.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels: Object.keys(labels).length > 0 ? labels : undefined } }
}

/** Oldest first; the name decides between those of one second. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [left, right] = [a.metadata, b.metadata]
  if (left.creationTimestamp !== right.creationTimestamp) return left.creationTimestamp < right.creationTimestamp ? -1 : 1
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0
}

/** Sets that want pods. */
export function activeOf(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return sets.filter(set => set.spec.replicas > 0)
}

export function all({ fresh, old }: Versions): readonly ReplicaSet[] {
  return fresh ? [...old, fresh] : old
}

/** How many pods sets want together. */
export function wantedBy(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + set.spec.replicas, 0)
}

/** A sum over the sets' status. */
export function countOf(
  sets: readonly (ReplicaSet | undefined)[],
  field: 'replicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas',
): number {
  return sets.reduce((sum, set) => sum + (set?.status[field] ?? 0), 0)
}
