import type { Io } from '../kubectl/io.ts'
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import { whatIf } from '../scheduler/what-if.ts'

/** Where pods would go, for those who ask through a connection of their own. */
export const askScheduler: NonNullable<Io['whatIf']> = (transport, pods) =>
  whatIf({ transport, clock: systemClock, random: systemRandom }, pods)
