/** Promises that resolve once a condition holds. Whoever changes what conditions depend on calls `check`. */
export interface Waiters {
  /** Resolves when the condition holds (at once if it does), or the signal aborts. */
  until(condition: () => boolean, signal?: AbortSignal): Promise<void>
  check(): void
}

export function waiters(): Waiters {
  const waiting = new Map<() => void, () => boolean>()
  return {
    until(condition, signal) {
      return new Promise(resolve => {
        if (condition() || signal?.aborted) return resolve()
        const done = () => {
          waiting.delete(done)
          signal?.removeEventListener('abort', done)
          resolve()
        }
        waiting.set(done, condition)
        signal?.addEventListener('abort', done, { once: true })
      })
    },
    check() {
      for (const [done, condition] of waiting) if (condition()) done()
    },
  }
}
