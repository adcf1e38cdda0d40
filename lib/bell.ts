/** Wakes whoever waits. Take `wait()` before looking for work, so that a ring in between is not missed. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or when the signal aborts. */
  wait(signal?: AbortSignal): Promise<void>
}

export function bell(): Bell {
  const waiters = new Set<() => void>()
  return {
    ring() {
      const woken = [...waiters]
      waiters.clear()
      for (const wake of woken) wake()
    },
    wait(signal) {
      return new Promise(resolve => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          waiters.delete(wake)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        waiters.add(wake)
        signal?.addEventListener('abort', wake, { once: true })
      })
    },
  }
}
