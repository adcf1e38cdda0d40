/** How long a pod waits after failures, in milliseconds (podInitialBackoffSeconds, podMaxBackoffSeconds). */
export interface BackoffLimits {
  readonly initialInMs: number
  readonly maxInMs: number
}

export const defaultBackoff: BackoffLimits = { initialInMs: 1000, maxInMs: 10_000 }

/** Pods whose back-off ends in the same second are equal, so that the most important of them goes first (backend/queue/backoff_queue.go). */
export const windowInMs = 1000

/** The beginning of the second a moment is in. */
export function windowOf(moment: number): number {
  return Math.floor(moment / windowInMs) * windowInMs
}

/** No wait before the first attempt, then 1, 2, 4, 8, 10, 10 ... seconds. */
export function backoffInMs(failures: number, { initialInMs, maxInMs }: BackoffLimits = defaultBackoff): number {
  return failures === 0 ? 0 : Math.min(initialInMs * 2 ** (failures - 1), maxInMs)
}

interface Failures {
  /** When it was last put into the queue. */
  readonly since: number
  readonly refusals: number
  readonly errors: number
}

/** The second in which a back-off ends; `undefined`: there is none. Errors in a row count for themselves, and before refusals. */
export function backoffEnd({ since, refusals, errors }: Failures, limits: BackoffLimits): number | undefined {
  const failures = errors > 0 ? errors : refusals
  return failures === 0 || limits.maxInMs === 0 ? undefined : windowOf(since + backoffInMs(failures, limits))
}

/** Whether the second in which the back-off ends is not over yet. */
export function isBackingOff(failures: Failures, now: number, limits: BackoffLimits): boolean {
  const end = backoffEnd(failures, limits)
  return end !== undefined && end >= windowOf(now)
}
