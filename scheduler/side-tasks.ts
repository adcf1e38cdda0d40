import { type Bell, bell } from '../lib/bell.ts'

/** Work beside the scheduling loop: so many at a time, in the order in which it came. */
export interface SideTasks {
  /** The task must not reject. */
  start(task: () => Promise<void>): void
  /** Whether a task that is started now runs now. */
  readonly hasRoom: boolean
  /** Resolves when one has ended, or the signal aborts. */
  ended(signal?: AbortSignal): Promise<void>
  /** Resolves when none is left. */
  idle(): Promise<void>
}

export function sideTasks(limit: number): SideTasks {
  const waiting: (() => Promise<void>)[] = []
  const end: Bell = bell()
  let running = 0
  const run = async (task: () => Promise<void>) => {
    running++
    await task()
    running--
    const next = waiting.shift()
    if (next) void run(next)
    end.ring()
  }
  return {
    start(task) {
      if (running < limit) void run(task)
      else waiting.push(task)
    },
    get hasRoom() {
      return running < limit
    },
    ended: signal => end.wait(signal),
    async idle() {
      while (running > 0) await end.wait()
    },
  }
}
