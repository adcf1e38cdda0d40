import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { deepEqual } from '../../lib/json.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const hashLabel = 'pod-template-hash'

type Template = Deployment['spec']['template']

/** A Deployment's ReplicaSets: the one of its present template, if it is there yet, and all others. */
export interface Versions {
  readonly fresh: ReplicaSet | undefined
  readonly old: readonly ReplicaSet[]
}

/** Picks those that a Deployment controls. Of several with its template the oldest counts, as for its controller. */
export function versionsOf(deployment: Deployment, sets: readonly ReplicaSet[]): Versions {
  const own = sets
    .filter(({ metadata }) =>
      metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === deployment.metadata.uid),
    )
    .sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1))
  const fresh = own.find(({ spec }) => isSameTemplate(spec.template, deployment.spec.template))
  return { fresh, old: own.filter(set => set !== fresh) }
}

/** Whether two templates make the same pods; the hash label does not count. */
export function isSameTemplate(a: Template, b: Template): boolean {
  return deepEqual(withoutHash(a), withoutHash(b))
}

/** A template as its Deployment has it. */
export function withoutHash(template: Template): Template {
  const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}

/** The revision that a Deployment or a ReplicaSet stands for; 0 when it does not say. */
export function revisionOf({ metadata }: Pick<Deployment | ReplicaSet, 'metadata'>): number {
  return Number(metadata.annotations?.[revisionAnnotation]) || 0
}
