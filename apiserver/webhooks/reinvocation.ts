import type { Attempt, Reinvocation } from '../admission.ts'

/** The state of a request's rounds; made when first asked for. */
export function reinvocationOf(attempt: Attempt): Reinvocation {
  attempt.reinvocation ??= { isWanted: false, isSecondRound: false, heard: new Set(), again: new Set() }
  return attempt.reinvocation
}

/** The object was changed from outside: all who were heard before and care are heard again, once. */
export function wasChanged(attempt: Attempt): void {
  const round = reinvocationOf(attempt)
  if (round.isSecondRound) return
  round.isWanted = true
  for (const key of round.heard) round.again.add(key)
}
