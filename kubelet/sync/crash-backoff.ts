/** Delays between restarts of one container (semantics C2): none, then 10 s doubling to 300 s. */
export interface CrashBackoff {
  /** Asks whether a container may start now. Milliseconds still to wait; 0: may start, and the next wait will be longer. */
  waitInMs(key: string, lastExitAt: number, now: number): { waitInMs: number; delayInMs: number }
  /** Forgets containers whose key starts so. */
  forget(prefix: string): void
}

interface Entry {
  delayInMs: number
  updatedAt: number
}

/**
 * The first restart is immediate; an entry starts over when a container ran for long enough that its exit lies more than
 * `resetAfterMs` after the last restart (pkg/kubelet/kuberuntime doBackOff, client-go flowcontrol).
 */
export function crashBackoff({ initialInMs = 10_000, maxInMs = 300_000, resetAfterMs = 600_000 } = {}): CrashBackoff {
  const entries = new Map<string, Entry>()
  const firstInMs = Math.min(initialInMs, maxInMs)
  return {
    waitInMs(key, lastExitAt, now) {
      const entry = entries.get(key)
      if (entry && lastExitAt - entry.updatedAt > resetAfterMs) entries.delete(key)
      else if (entry && now < lastExitAt + entry.delayInMs)
        return { waitInMs: lastExitAt + entry.delayInMs - now, delayInMs: entry.delayInMs }
      const known = entries.get(key)
      entries.set(key, { delayInMs: known ? Math.min(known.delayInMs * 2, maxInMs) : firstInMs, updatedAt: now })
      return { waitInMs: 0, delayInMs: 0 }
    },
    forget(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key)
    },
  }
}
