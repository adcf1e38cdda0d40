import { randomUUID } from 'node:crypto'

/** Chance is an argument, so a run can be repeated from its seed. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A whole number in [0, below). */
  below(below: number): number
  /** Letters and digits that cannot spell words (k8s.io/apimachinery/pkg/util/rand). */
  suffix(length: number): string
  /** A version 4 UUID. */
  uuid(): string
}

const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

function randomFrom(next: () => number): Random {
  const below = (limit: number) => Math.floor(next() * limit)
  const hex = (length: number) => Array.from({ length }, () => below(16).toString(16)).join('')
  return {
    next,
    below,
    suffix(length) {
      let text = ''
      for (let i = 0; i < length; i++) text += safeAlphabet[below(safeAlphabet.length)]
      return text
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[below(4)]}${hex(3)}-${hex(12)}`,
  }
}

export const systemRandom: Random = { ...randomFrom(Math.random), uuid: () => randomUUID() }

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return randomFrom(() => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  })
}
