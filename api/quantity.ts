/**
 * Amounts of resources: `500m` of a CPU, `1.5Gi` of memory. Parsing, canonical text and arithmetic follow
 * k8s.io/apimachinery/pkg/api/resource/quantity.go (semantics E3): exact down to a billionth, rounded away from zero below that.
 */
export interface Quantity {
  /** Billionths. */
  readonly nano: bigint
  readonly format: QuantityFormat
  /** The text as it was written, where upstream keeps it; arithmetic drops it. */
  readonly text?: string
}

/** Which family of suffixes a quantity is written with: `k M G`, `Ki Mi Gi` or `e3 e6`. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

export const quantityErrors = {
  format: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  suffix: "unable to parse quantity's suffix",
  numeric: 'unable to parse numeric part of quantity',
} as const

/** No part can begin with what the one before it may end with: long text is read once. */
const grammar = /^([+-]?)(\d*)(?:\.(\d*))?((?:(?:[eEinumkKMGTP]+[-+]?|[-+])\d*)?)$/
const decimalExponents: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]))
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

const nanos = 1_000_000_000n
const largest = 2n ** 63n - 1n
/** Beyond these nobody means it, and computing it would take for ever. */
const largestExponent = 1000
const longestText = 256

interface Suffix {
  base: 2 | 10
  exponent: number
  format: QuantityFormat
}

function readSuffix(suffix: string): Suffix | undefined {
  const decimal = Object.hasOwn(decimalExponents, suffix) ? decimalExponents[suffix] : undefined
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' }
  const binary = binarySuffixes.indexOf(suffix)
  if (binary > 0) return { base: 2, exponent: binary * 10, format: 'BinarySI' }
  if (!/^[eE][-+]?\d+$/.test(suffix)) return undefined
  const exponent = Number(suffix.slice(1))
  return Math.abs(exponent) <= largestExponent ? { base: 10, exponent, format: 'DecimalExponent' } : undefined
}

const roundAwayFromZero = (value: bigint, divisor: bigint): bigint => {
  const quotient = value / divisor
  if (quotient * divisor === value) return quotient
  return value < 0n ? quotient - 1n : quotient + 1n
}

/** Upstream keeps the text of what its fast path can read and what looks canonical; that is why `1.500` stays and `1.5` does not. */
function keepsText(digits: string, fraction: string, mantissa: bigint, { base, exponent }: Suffix): boolean {
  if (base === 2) {
    const isFast = fraction === '' && 15 - digits.length - Math.trunc((exponent * 3) / 10) - 1 >= 0
    return isFast && mantissa % 8n !== 0n
  }
  const scale = exponent - fraction.length
  const shifted = digits + fraction
  return shifted.length <= 18 && scale >= -9 && scale % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0')
}

function read(given: string): Quantity | string {
  const match = grammar.exec(given)
  if (!match || given === '') return quantityErrors.format
  if (given.length > longestText) return quantityErrors.numeric
  const [, sign = '', integer = '', fraction = '', suffixText = ''] = match
  const suffix = readSuffix(suffixText)
  if (!suffix) return quantityErrors.suffix
  const digits = integer.replace(/^0+/, '') || '0'
  const mantissa = BigInt(digits + fraction)
  // Exact arithmetic on nano * 10^fraction, rounded once at the end.
  const scaled =
    suffix.base === 2
      ? mantissa * 2n ** BigInt(suffix.exponent) * nanos
      : suffix.exponent >= 0
        ? mantissa * 10n ** BigInt(suffix.exponent) * nanos
        : mantissa * nanos
  const divisor = 10n ** BigInt(fraction.length + (suffix.base === 10 && suffix.exponent < 0 ? -suffix.exponent : 0))
  let nano = roundAwayFromZero(scaled, divisor)
  let { format } = suffix
  if (format === 'BinarySI' && nano > largest * nanos) nano = largest * nanos
  if (format === 'BinarySI' && nano > 0n && nano < nanos) format = 'DecimalSI'
  const value = sign === '-' ? -nano : nano
  return keepsText(digits, fraction, mantissa, suffix) ? { nano: value, format, text: given } : { nano: value, format }
}

interface Cached {
  quantity: Quantity
  text: string
  milli: number
  value: number
}

/** The same few amounts come again and again: each text is read once. */
const cache = new Map<string, Cached>()
const cacheSize = 4096

function lookUp(given: string): Cached | string {
  const known = cache.get(given)
  if (known) return known
  const quantity = read(given)
  if (typeof quantity === 'string') return quantity
  if (cache.size >= cacheSize) cache.clear()
  const entry = {
    quantity,
    text: formatQuantity(quantity),
    milli: Number(roundAwayFromZero(quantity.nano, 1_000_000n)),
    value: Number(roundAwayFromZero(quantity.nano, nanos)),
  }
  cache.set(given, entry)
  return entry
}

function demand(given: string): Cached {
  const entry = lookUp(given)
  if (typeof entry === 'string') throw new Error(entry)
  return entry
}

/** Reads a quantity; throws an Error with upstream's text when it is none. */
export const parseQuantity = (given: string): Quantity => demand(given).quantity
/** In thousandths, rounded away from zero; throws when the text is no quantity. */
export const milliValue = (given: string): number => demand(given).milli
/** In whole units, rounded away from zero; throws when the text is no quantity. */
export const value = (given: string): number => demand(given).value

/** The canonical text of what was written, or upstream's text of what is wrong with it. Spaces around it are dropped. */
export function canonicalQuantity(given: string): { ok: true; text: string } | { ok: false; error: string } {
  const entry = lookUp(given.trim())
  return typeof entry === 'string' ? { ok: false, error: entry } : { ok: true, text: entry.text }
}

/** The canonical text: the family of suffixes it came with, the largest of them that leaves a whole number. */
export function formatQuantity({ nano, format, text }: Quantity): string {
  if (text !== undefined) return text
  if (nano === 0n) return '0'
  const isWhole = nano % nanos === 0n
  const magnitude = nano < 0n ? -nano : nano
  if (format === 'BinarySI' && isWhole && magnitude >= 1024n * nanos) return formatBinary(nano / nanos)
  return formatDecimal(nano, format === 'DecimalExponent' ? format : 'DecimalSI')
}

function formatBinary(units: bigint): string {
  let power = 0
  let mantissa = units
  while (mantissa % 1024n === 0n && power < binarySuffixes.length - 1) {
    mantissa /= 1024n
    power++
  }
  return `${mantissa}${binarySuffixes[power]}`
}

function formatDecimal(nano: bigint, format: 'DecimalSI' | 'DecimalExponent'): string {
  let exponent = -9
  let mantissa = nano
  while (mantissa % 1000n === 0n) {
    mantissa /= 1000n
    exponent += 3
  }
  const suffix = format === 'DecimalSI' ? decimalSuffixes.get(exponent) : undefined
  return `${mantissa}${suffix ?? (exponent === 0 ? '' : `e${exponent}`)}`
}

const formatOf = (a: Quantity, b: Quantity) => (a.nano === 0n ? b.format : a.format)
/** The sum; it is written like the first summand, or like the second if the first is zero. */
export const addQuantities = (a: Quantity, b: Quantity): Quantity => ({ nano: a.nano + b.nano, format: formatOf(a, b) })
/** The difference; written as a sum would be. */
export const subtractQuantities = (a: Quantity, b: Quantity): Quantity => ({ nano: a.nano - b.nano, format: formatOf(a, b) })
/** Negative, zero or positive, as a is less than, equal to or greater than b. */
export const compareQuantities = (a: Quantity, b: Quantity): number => (a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0)
/** Thousandths as a quantity; whole numbers only. */
export const quantityOfMilli = (milli: number, format: QuantityFormat = 'DecimalSI'): Quantity => ({
  nano: BigInt(milli) * 1_000_000n,
  format,
})
/** Units (bytes, pods) as a quantity; whole numbers only. */
export const quantityOf = (units: number, format: QuantityFormat = 'DecimalSI'): Quantity => ({
  nano: BigInt(units) * nanos,
  format,
})

/** The text of a quantity with what is finer than a thousandth rounded away from zero. */
export function roundUpToMilli(given: string): string {
  const { quantity, text } = demand(given)
  if (quantity.nano % 1_000_000n === 0n) return text
  return formatQuantity({ nano: roundAwayFromZero(quantity.nano, 1_000_000n) * 1_000_000n, format: quantity.format })
}
