import type { Pod } from '../../api/core/pod.ts'
import type { Labels } from './cluster.ts'

interface Requirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[] | undefined
}

export interface Term {
  readonly matchExpressions?: readonly Requirement[] | undefined
  readonly matchFields?: readonly Requirement[] | undefined
}

function isMet({ operator, values = [] }: Requirement, actual: string | undefined): boolean {
  if (operator === 'Exists') return actual !== undefined
  if (operator === 'DoesNotExist') return actual === undefined
  if (operator === 'In') return actual !== undefined && values.includes(actual)
  if (operator === 'NotIn') return actual === undefined || !values.includes(actual)
  if (actual === undefined || !/^[+-]?\d+$/.test(actual)) return false
  const bound = BigInt(values[0] ?? '')
  return operator === 'Gt' ? BigInt(actual) > bound : operator === 'Lt' && BigInt(actual) < bound
}

/** Every requirement of a term; an empty term matches nothing (component-helpers/scheduling/corev1/nodeaffinity). `name`: unknown for volumes. */
export function matchesTerm({ matchExpressions = [], matchFields = [] }: Term, labels: Labels, name?: string): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false
  return (
    matchExpressions.every(requirement => isMet(requirement, labels[requirement.key])) &&
    (name === undefined || matchFields.every(requirement => isMet(requirement, requirement.key === 'metadata.name' ? name : '')))
  )
}

/** nodeSelector and required node affinity of a pod. */
export function wantsNode({ spec }: Pod, labels: Labels, name: string): boolean {
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) if (labels[key] !== value) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !required || required.nodeSelectorTerms.some(term => matchesTerm(term, labels, name))
}
