/** Whether two values of expressions are equal; 1 and 1.0 are. */
export function celEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  // An int and a double of the same value are equal.
  if (isNumber(a) && isNumber(b)) return typeof a !== typeof b && Number(a) === Number(b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || a.constructor !== b.constructor) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => celEqual(item, b[at]))
  if (a.constructor !== Object) return String(a) === String(b)
  const [left, right] = [Object.entries(a), b as Record<string, unknown>]
  return left.length === Object.keys(right).length && left.every(([key, value]) => key in right && celEqual(value, right[key]))
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

/** Numbers, text, booleans, times: negative, zero or positive. */
export function celCompare(a: unknown, b: unknown): number {
  const [left, right] = [a, b] as [number, number]
  return left < right ? -1 : left > right ? 1 : 0
}
