import { type Clock, systemClock } from '../../lib/clock.ts'

export interface CountedClock extends Clock {
  /** The timers that are set, each as where in the code that was done. */
  pending(): string[]
}

/** The real clock, which knows what it still has to do. */
export function countedClock(): CountedClock {
  const timers = new Map<symbol, string>()
  const clock: CountedClock = {
    ...systemClock,
    pending: () => [...timers.values()],
    after(ms, callback) {
      const timer = Symbol('timer')
      timers.set(timer, `${ms} ms${new Error('set').stack?.split('\n').slice(2, 6).join('')}`)
      const cancel = systemClock.after(ms, () => {
        timers.delete(timer)
        callback()
      })
      return () => {
        timers.delete(timer)
        cancel()
      }
    },
    sleep: (ms, signal) =>
      new Promise(resolve => {
        if (signal?.aborted) return resolve()
        const done = () => {
          cancel()
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const cancel = clock.after(ms, done)
        signal?.addEventListener('abort', done, { once: true })
      }),
  }
  return clock
}
