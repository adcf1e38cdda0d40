/** The pods of a node that fail are removed at most so often (pkg/controller/daemon: a flowcontrol.Backoff of these figures). */
const initialInMs = 1_000
const maxInMs = 15 * 60_000
/** After so long without a failure, a node starts over. */
const forgottenAfterMs = 2 * maxInMs

/** How patient a controller must be with nodes whose daemon pods keep failing. Keys as the caller likes; times in milliseconds. */
export interface Failures {
  /** How long the next failed pod must stay; 0: it may go. */
  patience(key: string, now: number): number
  /** A failed pod has been removed: the next one stays longer. */
  count(key: string, now: number): void
}

export function failureBackoff(): Failures {
  const entries = new Map<string, { readonly delay: number; readonly at: number }>()
  let swept = 0
  const fresh = (key: string, now: number) => {
    const entry = entries.get(key)
    return entry && now - entry.at <= forgottenAfterMs ? entry : undefined
  }
  return {
    patience(key, now) {
      const entry = fresh(key, now)
      return entry ? Math.max(0, entry.at + entry.delay - now) : 0
    },
    count(key, now) {
      const entry = fresh(key, now)
      entries.set(key, { delay: entry ? Math.min(entry.delay * 2, maxInMs) : initialInMs, at: now })
      if (now - swept < forgottenAfterMs) return
      swept = now
      for (const known of entries.keys()) if (!fresh(known, now)) entries.delete(known)
    },
  }
}
