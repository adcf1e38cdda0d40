import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from '../../../api/quantity.ts'
import { addFunctions, CelError, type Library } from './library.ts'

/** The library tells types apart by their constructor. */
class QuantityValue {
  readonly quantity: Quantity
  constructor(quantity: Quantity) {
    this.quantity = quantity
  }
}

const nanos = 1_000_000_000n
const wrap = (quantity: Quantity) => new QuantityValue(quantity)
const ofInteger = (units: bigint): Quantity => ({ nano: units * nanos, format: 'DecimalSI' })
const compare = (a: QuantityValue, b: QuantityValue) => compareQuantities(a.quantity, b.quantity)
const isInteger = ({ quantity: { nano } }: QuantityValue) =>
  nano % nanos === 0n && BigInt.asIntN(64, nano / nanos) === nano / nanos

/** `quantity('1.5Gi')` and what can be done with it. */
export const quantities: Library = env => {
  const type = 'kubernetes.Quantity'
  env.registerType(type, { ctor: QuantityValue, fields: {} })
  env.registerOperator(`${type} == ${type}`, (a: QuantityValue, b: QuantityValue) => compare(a, b) === 0)
  addFunctions(env, {
    [`quantity(string): ${type}`](text: string) {
      const canonical = canonicalQuantity(text)
      if (!canonical.ok) throw new CelError(canonical.error)
      return wrap(parseQuantity(text))
    },
    'isQuantity(string): bool': (text: string) => canonicalQuantity(text).ok,
    [`${type}.isInteger(): bool`]: isInteger,
    [`${type}.asInteger(): int`](value: QuantityValue) {
      if (!isInteger(value)) throw new CelError('cannot convert value to integer')
      return value.quantity.nano / nanos
    },
    [`${type}.asApproximateFloat(): double`]: ({ quantity: { nano } }: QuantityValue) => Number(nano) / 1e9,
    [`${type}.sign(): int`]: ({ quantity: { nano } }: QuantityValue) => (nano > 0n ? 1n : nano < 0n ? -1n : 0n),
    [`${type}.add(${type}): ${type}`]: (a: QuantityValue, b: QuantityValue) => wrap(addQuantities(a.quantity, b.quantity)),
    [`${type}.add(int): ${type}`]: (a: QuantityValue, b: bigint) => wrap(addQuantities(a.quantity, ofInteger(b))),
    [`${type}.sub(${type}): ${type}`]: (a: QuantityValue, b: QuantityValue) => wrap(subtractQuantities(a.quantity, b.quantity)),
    [`${type}.sub(int): ${type}`]: (a: QuantityValue, b: bigint) => wrap(subtractQuantities(a.quantity, ofInteger(b))),
    [`${type}.isLessThan(${type}): bool`]: (a: QuantityValue, b: QuantityValue) => compare(a, b) < 0,
    [`${type}.isGreaterThan(${type}): bool`]: (a: QuantityValue, b: QuantityValue) => compare(a, b) > 0,
    [`${type}.compareTo(${type}): int`]: (a: QuantityValue, b: QuantityValue) => BigInt(compare(a, b)),
    [`string(${type}): string`]: ({ quantity }: QuantityValue) => formatQuantity(quantity),
  })
}
