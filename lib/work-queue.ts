import { type Bell, bell } from './bell.ts'
import type { Clock } from './clock.ts'

/**
 * Keys that need work. A key waits at most once, is never handed out twice at a time (what arrives meanwhile waits for the
 * run to end), and comes back with growing delays when its work fails (k8s.io/client-go/util/workqueue: 5 ms doubling to 1000 s).
 */
export interface WorkQueue {
  add(key: string): void
  addAfter(key: string, ms: number): void
  /** Queues again after the key's own backoff. Answers the delay in milliseconds. */
  retry(key: string): number
  /** Forgets the failures of a key. */
  forget(key: string): void
  readonly size: number
  /** Whether nothing waits and nothing runs (delayed keys do not count). */
  readonly isIdle: boolean
  /** Works keys off until the signal aborts; resolves when the last run has ended. `work` must not reject. */
  drain(work: (key: string) => Promise<void>, options: { concurrency: number; signal: AbortSignal }): Promise<void>
}

export function workQueue(clock: Clock, { initialInMs = 5, maxInMs = 1_000_000 } = {}): WorkQueue {
  const dirty = new Set<string>()
  const running = new Set<string>()
  const failures = new Map<string, number>()
  const delayed = new Map<string, { at: number; cancel: () => void }>()
  const arrived: Bell = bell()

  const queue: WorkQueue = {
    add(key) {
      delayed.get(key)?.cancel()
      delayed.delete(key)
      if (dirty.has(key)) return
      dirty.add(key)
      if (!running.has(key)) arrived.ring()
    },
    addAfter(key, ms) {
      if (ms <= 0) return queue.add(key)
      const at = clock.now() + ms
      const waiting = delayed.get(key)
      if (waiting && waiting.at <= at) return
      waiting?.cancel()
      const cancel = clock.after(ms, () => queue.add(key))
      delayed.set(key, { at, cancel })
    },
    retry(key) {
      const count = failures.get(key) ?? 0
      failures.set(key, count + 1)
      const delay = Math.min(initialInMs * 2 ** count, maxInMs)
      queue.addAfter(key, delay)
      return delay
    },
    forget: key => void failures.delete(key),
    get size() {
      return dirty.size
    },
    get isIdle() {
      return dirty.size === 0 && running.size === 0
    },
    async drain(work, { concurrency, signal }) {
      const take = () => {
        for (const key of dirty) {
          if (running.has(key)) continue
          dirty.delete(key)
          running.add(key)
          return key
        }
        return undefined
      }
      const worker = async () => {
        while (!signal.aborted) {
          const key = take()
          if (key === undefined) {
            await arrived.wait(signal)
            continue
          }
          try {
            await work(key)
          } finally {
            running.delete(key)
            if (dirty.has(key)) arrived.ring()
          }
        }
      }
      await Promise.all(Array.from({ length: concurrency }, worker))
      for (const { cancel } of delayed.values()) cancel()
      delayed.clear()
    },
  }
  return queue
}
