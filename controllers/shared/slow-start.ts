import { isNamespaceEnding } from './api-causes.ts'

interface SlowStart {
  readonly succeeded: number
  /** The first of those that say more than that the namespace goes. */
  readonly error?: unknown
  /** Nothing can be created there any more, which is nobody's fault. */
  readonly isNamespaceEnding?: boolean
}

/**
 * Does something so many times in batches of 1, 2, 4, ..., each at once, and stops after the first batch in which one fails: what
 * is bound to fail (a quota, say, or a namespace that goes) does so once or twice and not 500 times.
 */
export async function slowStart(count: number, act: () => Promise<void>): Promise<SlowStart> {
  let succeeded = 0
  for (let batch = 1; succeeded < count; batch *= 2) {
    const size = Math.min(batch, count - succeeded)
    const results = await Promise.allSettled(Array.from({ length: size }, act))
    const reasons = results.filter(result => result.status === 'rejected').map(({ reason }) => reason as unknown)
    succeeded += size - reasons.length
    if (reasons.length === 0) continue
    const error = reasons.find(reason => !isNamespaceEnding(reason))
    return {
      succeeded,
      ...(error !== undefined && { error }),
      ...(reasons.some(isNamespaceEnding) && { isNamespaceEnding: true }),
    }
  }
  return { succeeded }
}
