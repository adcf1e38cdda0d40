import type { Clock } from './clock.ts'
import { nextTurn } from './turn.ts'

/** Keeps long work from holding up the event loop: `if (breather.isDue()) await breather.rest()`. */
export interface Breather {
  isDue(): boolean
  rest(): Promise<void>
}

/** Due after so many milliseconds of work. */
export function breather(clock: Clock, workInMs = 4): Breather {
  let since = clock.monotonic()
  return {
    isDue: () => clock.monotonic() - since >= workInMs,
    async rest() {
      await nextTurn()
      since = clock.monotonic()
    },
  }
}
