import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../lib/clock.ts'

/** Longest stretch of work that other requests have to wait for. */
const sliceInMs = 5

/** Visits everything, letting the event loop turn in between when it takes long. */
export async function visitInSlices<T>(items: Iterable<T>, clock: Clock, visit: (item: T) => void): Promise<void> {
  let started = clock.monotonic()
  let count = 0
  for (const item of items) {
    visit(item)
    if (++count % 32 === 0 && clock.monotonic() - started > sliceInMs) {
      await setImmediate()
      started = clock.monotonic()
    }
  }
}
