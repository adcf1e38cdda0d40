import type { Draft } from '../kind.ts'
import type { PodObject } from './pod-status.ts'

/**
 * Whoever writes a status and says nothing of generations leaves those that were there: of the status and of its conditions
 * (preserveOldObservedGeneration in pkg/registry/core/pod/strategy.go).
 */
export function keepObservedGenerations({ status }: Draft<PodObject>, old: PodObject): void {
  if (!status.observedGeneration && old.status.observedGeneration) status.observedGeneration = old.status.observedGeneration
  const isSilent = status.conditions?.some(({ observedGeneration }) => !observedGeneration)
  if (!isSilent || !old.status.conditions) return
  // A status may hold several conditions of one type: the first is compared with the first, and so on.
  const generations = new Map<string, (number | undefined)[]>()
  for (const { type, observedGeneration } of old.status.conditions)
    generations.set(type, [...(generations.get(type) ?? []), observedGeneration])
  status.conditions = status.conditions?.map(condition => {
    const before = generations.get(condition.type)?.shift()
    return condition.observedGeneration || !before ? condition : { ...condition, observedGeneration: before }
  })
}
