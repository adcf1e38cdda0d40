import { systemClock } from '../../lib/clock.ts'

export interface EventuallyOptions {
  /** Real milliseconds; default 20 s. */
  readonly timeoutInMs?: number
  readonly everyMs?: number
}

/** Tries until the assertion holds, and answers what it answers. In the end throws what the last try threw. */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutInMs = 20_000, everyMs = 25 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = systemClock.monotonic() + timeoutInMs
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (systemClock.monotonic() >= deadline) throw error
    }
    await systemClock.sleep(everyMs)
  }
}
