import { celCompare, celEqual } from './equality.ts'
import { addFunctions, addNamespace, CelError, type Functions, type Library } from './library.ts'

type List = readonly unknown[]

const comparable = ['int', 'uint', 'double', 'bool', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'string', 'bytes']

/** The first that no other goes before. */
const extreme = (name: 'min' | 'max') => (list: List) => {
  if (list.length === 0) throw new CelError(`${name} called on empty list`)
  const sign = name === 'min' ? 1 : -1
  return list.reduce((best, item) => (celCompare(item, best) * sign < 0 ? item : best))
}

const isSorted = (list: List) => list.every((item, at) => at === 0 || celCompare(list[at - 1], item) <= 0)
const indexOf = (list: List, wanted: unknown) => BigInt(list.findIndex(item => celEqual(item, wanted)))
const lastIndexOf = (list: List, wanted: unknown) => BigInt(list.findLastIndex(item => celEqual(item, wanted)))

function distinct(list: List): List {
  const result: unknown[] = []
  for (const item of list) if (!result.some(other => celEqual(other, item))) result.push(item)
  return result
}

function flatten(list: List, depth = 1n): List {
  if (depth < 0n) throw new CelError('level must be non-negative')
  return list.flat(Number(depth > 1000n ? 1000n : depth))
}

function slice(list: List, start: bigint, end: bigint): List {
  if (start < 0n || end < 0n) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`)
  if (start > end) throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`)
  if (end > BigInt(list.length)) throw new CelError(`cannot slice(${start}, ${end}), list is length ${list.length}`)
  return list.slice(Number(start), Number(end))
}

function sort(list: List): List {
  const types = new Set(list.map(item => typeof item))
  if (types.size > 1) throw new CelError('list elements must have the same type')
  return [...list].sort(celCompare)
}

const longestRange = 1_000_000n
function range(to: bigint): List {
  if (to > longestRange) throw new CelError('operation cancelled: actual cost limit exceeded')
  return Array.from({ length: Number(to < 0n ? 0n : to) }, (_, at) => BigInt(at))
}

const sumNumbers = (list: readonly number[]) => list.reduce((total, item) => total + item, 0)
const sumIntegers = (list: readonly bigint[]) => list.reduce((total, item) => total + item, 0n)
/** The list that is summed may be dynamic: what it holds decides then. */
const sum = (list: List) =>
  typeof list[0] === 'number' ? sumNumbers(list as readonly number[]) : sumIntegers(list as readonly bigint[])

/** Kubernetes' lists library and cel-go's ext.Lists, version 3. */
export const lists: Library = (env, { Duration, UnsignedInt }) => {
  const forEvery: Functions = Object.fromEntries(
    comparable.flatMap(type => [
      [`list<${type}>.isSorted(): bool`, isSorted],
      [`list<${type}>.min(): ${type}`, extreme('min')],
      [`list<${type}>.max(): ${type}`, extreme('max')],
      [`list<${type}>.sort(): list<${type}>`, sort],
    ]),
  )
  addFunctions(env, {
    ...forEvery,
    'list<int>.sum(): int': sum,
    'list<double>.sum(): double': sumNumbers,
    'list<uint>.sum(): uint': (list: readonly { valueOf(): bigint }[]) =>
      new UnsignedInt(sumIntegers(list.map(item => item.valueOf()))),
    'list<google.protobuf.Duration>.sum(): google.protobuf.Duration': (list: readonly InstanceType<typeof Duration>[]) =>
      list.reduce((total, item) => total.addDuration(item), new Duration(0n)),
    'list<T>.indexOf(T): int': indexOf,
    'list<T>.lastIndexOf(T): int': lastIndexOf,
    'list<T>.distinct(): list<T>': distinct,
    'list<T>.reverse(): list<T>': (list: List) => list.toReversed(),
    'list<T>.slice(int, int): list<T>': slice,
    'list<dyn>.flatten(): list<dyn>': flatten,
    'list<dyn>.flatten(int): list<dyn>': flatten,
  })
  const namespace = addNamespace(env, 'lists')
  addFunctions(env, { [`${namespace}.range(int): list<int>`]: (_: unknown, to: bigint) => range(to) })
}
