/** Delays that grow: initial, then twice the last, never above max. */
export interface Backoff {
  /** The delay to wait now, in milliseconds; the next one will be longer. */
  next(): number
  /** Starts over. */
  reset(): void
}

export function exponentialBackoff({ initialInMs, maxInMs }: { initialInMs: number; maxInMs: number }): Backoff {
  let failures = 0
  return {
    next: () => Math.min(initialInMs * 2 ** failures++, maxInMs),
    reset: () => {
      failures = 0
    },
  }
}
