import { isDeeperThan } from '../lib/json.ts'

/**
 * How deep values may be nested in a body. Upstream has 10,000 levels (sigs.k8s.io/json, maxNestingDepth), on stacks that grow. Ours do
 * not, and everything that looks at a value calls itself several times per level. Running out of stack is worse than an error: if V8
 * happens to compile a regular expression just then, the process ends. No kind needs more than some dozens of levels.
 */
export const deepestBody = 250

/**
 * How many values a body may hold. Each costs microseconds on its way through decoding, validation and managed fields, and nobody else
 * is answered meanwhile. Objects that people write hold some thousands, the largest definitions of custom resources some ten thousands.
 */
export const mostValues = 100_000

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/** What of a body is beyond its limits. */
export type Excess = 'depth' | 'values'

/** What is too much about JSON text: known before it is parsed, which takes long then. */
export function excessOfText(bytes: Uint8Array): Excess | undefined {
  const { length } = bytes
  // Whoever opens must close.
  if (length <= 2 * deepestBody) return undefined
  let depth = 0
  let commas = 0
  for (let at = 0; at < length; at++) {
    const byte = bytes[at]
    if (byte === quote) {
      for (at++; at < length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++
      continue
    }
    const letter = (byte as number) | 0x20 // `[` and `{`, and `]` and `}`, differ by this bit
    if (letter === 0x7b) {
      if (++depth > deepestBody) return 'depth'
    } else if (letter === 0x7d) depth--
    else if (byte === comma && ++commas > mostValues) return 'values'
  }
  return undefined
}

/** The same of a value. */
export function excessOf(value: unknown): Excess | undefined {
  if (isTooDeep(value)) return 'depth'
  return count(value, 0) > mostValues ? 'values' : undefined
}

/** Whether arrays and objects are nested deeper than anybody needs. */
export const isTooDeep = (value: unknown): boolean => isDeeperThan(value, deepestBody)

/** How many values there are, `sum` included; stops when it is too many. */
function count(value: unknown, sum: number): number {
  if (typeof value !== 'object' || value === null) return sum + 1
  let total = sum + 1
  for (const key in value) {
    total = count((value as Record<string, unknown>)[key], total)
    if (total > mostValues) break
  }
  return total
}
