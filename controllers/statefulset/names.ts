import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { Pod } from '../../api/core/pod.ts'

const largestOrdinal = 2 ** 31 - 1

/** The number of a pod's place in a set; `undefined` when its name is no name for a pod of that set. */
export function ordinalOf(set: StatefulSet, { metadata: { name } }: Pick<Pod, 'metadata'>): number | undefined {
  const [, parent, digits] = /^(.*)-([0-9]+)$/.exec(name) ?? []
  const ordinal = Number(digits)
  return parent === set.metadata.name && ordinal <= largestOrdinal ? ordinal : undefined
}

/** The number of the first pod. */
export function startOf({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0
}

/** Whether a set of its present size has a pod of that number. */
export function isInRange(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= startOf(set) && ordinal < startOf(set) + set.spec.replicas
}

export function podName({ metadata }: StatefulSet, ordinal: number): string {
  return `${metadata.name}-${ordinal}`
}

export function claimName({ metadata }: StatefulSet, template: string, ordinal: number): string {
  return `${template}-${metadata.name}-${ordinal}`
}
