import type { Clock } from '../../lib/clock.ts'

/** How much of a grace period is left. It can be made shorter while it runs, never longer (semantics C1). */
export interface GraceWatch {
  /** Whole seconds; time is counted once a second of it is full, as upstream does. */
  left(): number
  /** What is left is no more than so many seconds from now on. */
  shorten(seconds: number): void
  /** Resolves when the work is done or the time is up; then the work is told to stop. */
  within(work: (signal: AbortSignal) => Promise<unknown>): Promise<void>
  /** Calls back after each shortening. */
  onShortened(listener: () => void): void
}

/** Starts to count at once. */
export function graceWatch(clock: Clock, graceInSeconds: number): GraceWatch {
  let grace = graceInSeconds
  let since = clock.monotonic()
  let listeners: (() => void)[] = []
  const left = () => grace - Math.trunc((clock.monotonic() - since) / 1000)
  return {
    left,
    shorten(seconds) {
      if (seconds >= left()) return
      grace = seconds
      since = clock.monotonic()
      for (const tell of listeners) tell()
    },
    async within(work) {
      const limit = new AbortController()
      let cancel = () => {}
      const timeout = new Promise<void>(resolve => {
        const arm = () => {
          cancel()
          cancel = clock.after(grace * 1000 - (clock.monotonic() - since), resolve)
        }
        listeners = [arm]
        arm()
      })
      await Promise.race([work(limit.signal), timeout])
      listeners = []
      cancel()
      limit.abort()
    },
    onShortened: listener => void listeners.push(listener),
  }
}
