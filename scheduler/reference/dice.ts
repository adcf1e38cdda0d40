import type { Random } from '../../lib/random.ts'

/** Chance, in the words that random clusters are made with. */
export interface Dice {
  /** Once in so many times. */
  once(inTimes: number): boolean
  /** From 0 up to, without the end. */
  below(end: number): number
  /** One of these. */
  of<T>(...choices: readonly T[]): T
  /** Any of these, in their order. */
  some<T>(choices: readonly T[], inTimes?: number): T[]
  /** A list of so many, at most. */
  list<T>(most: number, make: (i: number) => T): T[]
}

export function dice(random: Random): Dice {
  const self: Dice = {
    once: inTimes => random.below(inTimes) === 0,
    below: end => random.below(end),
    of: (...choices) => choices[random.below(choices.length)] as (typeof choices)[number],
    some: (choices, inTimes = 2) => choices.filter(() => self.once(inTimes)),
    list: (most, make) => Array.from({ length: random.below(most + 1) }, (_, i) => make(i)),
  }
  return self
}
