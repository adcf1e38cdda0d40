import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { Limits } from './limits.ts'

type Annotations = Readonly<Record<string, string>>

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
const historyAnnotation = 'deployment.kubernetes.io/revision-history'
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
const maxAnnotation = 'deployment.kubernetes.io/max-replicas'

/** What is the Deployment's own business, and what the sets keep for themselves. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
])

/** How long the list of earlier revisions may become, in characters. */
const longestHistory = 2000

/** The revision number of a set; 0 when it has none. */
export function revisionOf(set: ReplicaSet): number {
  return number(set.metadata.annotations?.[revisionAnnotation]) ?? 0
}

/** How many replicas the Deployment wanted when this set was scaled last. */
export function desiredOf(set: ReplicaSet): number | undefined {
  return number(set.metadata.annotations?.[desiredAnnotation])
}

/** How many pods the Deployment allowed when this set was scaled last. */
export function maxOf(set: ReplicaSet): number | undefined {
  return number(set.metadata.annotations?.[maxAnnotation])
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined
}

/** Annotations that remember the size a set was made part of, for when the Deployment's size changes in mid-rollout. */
export function withSize(annotations: Annotations | undefined, { replicas, surge }: Limits): Annotations {
  return { ...annotations, [desiredAnnotation]: String(replicas), [maxAnnotation]: String(replicas + surge) }
}

/**
 * The annotations of a Deployment's new set: the Deployment's own, and its revision, which only ever goes up. The number that an
 * earlier version had before it came back into use goes into its history.
 */
export function withRevision(annotations: Annotations = {}, deployment: Deployment, revision: number): Annotations {
  const result: Record<string, string> = { ...annotations }
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!notCopied.has(key)) result[key] = value
  const before = annotations[revisionAnnotation]
  if ((number(before) ?? 0) >= revision) return result
  result[revisionAnnotation] = String(revision)
  if (before !== undefined) result[historyAnnotation] = appended(annotations[historyAnnotation], before)
  return result
}

/** Adds a revision to a comma-separated list; the oldest go when it becomes too long. */
function appended(history: string | undefined, revision: string): string {
  const revisions = history ? history.split(',') : []
  revisions.push(revision)
  while (revisions.length > 1 && revisions.join(',').length > longestHistory) revisions.shift()
  return revisions.join(',')
}
