import { celEqual } from './equality.ts'
import { addFunctions, addNamespace, type Library } from './library.ts'

type List = readonly unknown[]
const has = (list: List, wanted: unknown) => list.some(item => celEqual(item, wanted))
const contains = (list: List, all: List) => all.every(item => has(list, item))

/** Lists taken as sets (cel-go ext.Sets). */
export const sets: Library = env => {
  const namespace = addNamespace(env, 'sets')
  addFunctions(env, {
    [`${namespace}.contains(list<T>, list<T>): bool`]: (_: unknown, list: List, all: List) => contains(list, all),
    [`${namespace}.equivalent(list<T>, list<T>): bool`]: (_: unknown, a: List, b: List) => contains(a, b) && contains(b, a),
    [`${namespace}.intersects(list<T>, list<T>): bool`]: (_: unknown, a: List, b: List) => a.some(item => has(b, item)),
  })
}
