import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from '../quantity.ts'

/** Quantities by resource name. */
export type Amounts = Readonly<Record<string, Quantity>>
type Written = Readonly<Record<string, string>> | undefined

/** As objects carry them, read. */
export const readAmounts = (written: Written): Record<string, Quantity> =>
  Object.fromEntries(Object.entries(written ?? {}).map(([name, text]) => [name, parseQuantity(text)]))

/** As objects carry them. */
export const writeAmounts = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatQuantity(amount)]))

/** `a=1,b=2`, in the order of the names. */
export const describeAmounts = (amounts: Amounts): string =>
  Object.keys(amounts)
    .sort()
    .map(name => `${name}=${formatQuantity(amounts[name] ?? zero)}`)
    .join(',')

/** Nothing of anything. */
export const zero: Quantity = { nano: 0n, format: 'DecimalSI' }

/** The sum; changes `to`. */
export function addTo(to: Record<string, Quantity>, more: Amounts): void {
  for (const name in more) {
    const amount = more[name] ?? zero
    const before = to[name]
    to[name] = before ? addQuantities(before, amount) : amount
  }
}

/** At least as much; changes `to`. */
export function raiseTo(to: Record<string, Quantity>, atLeast: Amounts): void {
  for (const name in atLeast) {
    const amount = atLeast[name] ?? zero
    const before = to[name]
    if (!before || compareQuantities(amount, before) > 0) to[name] = amount
  }
}

/** How much more it is than before, of what is more. */
export function increase(now: Amounts, before: Amounts): Amounts {
  const more: Record<string, Quantity> = {}
  for (const name in now) {
    const amount = now[name] ?? zero
    const difference = before[name] ? subtractQuantities(amount, before[name] ?? zero) : amount
    if (difference.nano > 0n) more[name] = difference
  }
  return more
}

/** Whether both are the same in all. */
export const sameAmounts = (a: Amounts, b: Amounts): boolean =>
  a === b || [...Object.keys(a), ...Object.keys(b)].every(name => a[name]?.nano === b[name]?.nano)

/** Only those with one of these names. */
export const only = (amounts: Amounts, isMeant: (name: string) => boolean): Record<string, Quantity> =>
  Object.fromEntries(Object.entries(amounts).filter(([name]) => isMeant(name)))
