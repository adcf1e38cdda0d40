import type { Environment, TypeDeclaration } from '@marcbachmann/cel-js'
import { spend } from '../budget.ts'
import { type Checker, type Evaluator, identifierOf, type Macro, type MacroCall, type Node, type Scope } from '../syntax.ts'
import { CelError, type Library } from './library.ts'

type Entry = readonly [key: unknown, value: unknown]

/** A macro over keys (of a map) or positions (of a list) and values. */
interface Comprehension {
  readonly signature: string
  readonly result: (checker: Checker, body: readonly TypeDeclaration[]) => TypeDeclaration
  /** `run` evaluates the n-th expression after the variables for one entry. */
  readonly evaluate: (entries: readonly Entry[], run: (at: number, entry: Entry) => unknown, bodies: number) => unknown
}

const bool = (checker: Checker) => checker.getType('bool')

/** Goes on past errors as long as another entry may settle it. */
function quantifier(decisive: boolean): Comprehension['evaluate'] {
  return (entries, run) => {
    let failure: unknown
    for (const entry of entries) {
      try {
        const verdict = asBool(run(0, entry))
        if (verdict === decisive) return decisive
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
    return !decisive
  }
}

function asBool(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new CelError('no such overload')
  return value
}

const count: Comprehension['evaluate'] = (entries, run) => entries.filter(entry => asBool(run(0, entry))).length === 1

/** With two expressions the first is a filter. */
const chosen = (entries: readonly Entry[], run: Parameters<Comprehension['evaluate']>[1], bodies: number) =>
  bodies === 1 ? entries : entries.filter(entry => asBool(run(0, entry)))

const transformList: Comprehension['evaluate'] = (entries, run, bodies) =>
  chosen(entries, run, bodies).map(entry => run(bodies - 1, entry))

const transformMap: Comprehension['evaluate'] = (entries, run, bodies) =>
  Object.fromEntries(chosen(entries, run, bodies).map(entry => [String(entry[0]), run(bodies - 1, entry)]))

const transformMapEntry: Comprehension['evaluate'] = (entries, run, bodies) => {
  const result: Record<string, unknown> = {}
  for (const entry of chosen(entries, run, bodies)) {
    for (const [key, value] of Object.entries(run(bodies - 1, entry) as object)) {
      if (Object.hasOwn(result, key)) throw new CelError(`insert failed: key ${key} already exists`)
      result[key] = value
    }
  }
  return result
}

const dynamicList = (checker: Checker) => checker.getType('list<dyn>')
const dynamicMap = (checker: Checker) => checker.getType('map<dyn, dyn>')

/** cel-go ext.TwoVarComprehensions. */
const overTwo: readonly Comprehension[] = [
  { signature: 'list.all(ast, ast, ast): bool', result: bool, evaluate: quantifier(false) },
  { signature: 'list.exists(ast, ast, ast): bool', result: bool, evaluate: quantifier(true) },
  { signature: 'list.existsOne(ast, ast, ast): bool', result: bool, evaluate: count },
  { signature: 'list.exists_one(ast, ast, ast): bool', result: bool, evaluate: count },
  { signature: 'list.transformList(ast, ast, ast): list<dyn>', result: dynamicList, evaluate: transformList },
  { signature: 'list.transformList(ast, ast, ast, ast): list<dyn>', result: dynamicList, evaluate: transformList },
  { signature: 'list.transformMap(ast, ast, ast): map<dyn, dyn>', result: dynamicMap, evaluate: transformMap },
  { signature: 'list.transformMap(ast, ast, ast, ast): map<dyn, dyn>', result: dynamicMap, evaluate: transformMap },
  { signature: 'list.transformMapEntry(ast, ast, ast): map<dyn, dyn>', result: dynamicMap, evaluate: transformMapEntry },
  { signature: 'list.transformMapEntry(ast, ast, ast, ast): map<dyn, dyn>', result: dynamicMap, evaluate: transformMapEntry },
]

function addComprehension(env: Environment, { signature, result, evaluate }: Comprehension): void {
  env.registerFunction(signature, ({ args, receiver }: MacroCall): Macro => {
    const [keyName, valueName, ...bodies] = [identifierOf(args[0]), identifierOf(args[1]), ...args.slice(2)] as const
    if (keyName === undefined || valueName === undefined) throw new CelError('argument must be a simple name')
    const nodes = bodies as readonly Node[]
    let keys: Scope
    let values: Scope
    return {
      async: false,
      typeCheck(checker, _macro, scope) {
        const [key, value] = entryTypes(checker, checker.check(receiver, scope), receiver)
        keys = scope.forkWithVariable(keyName, key)
        values = keys.forkWithVariable(valueName, value)
        return result(
          checker,
          nodes.map(node => checker.check(node, values)),
        )
      },
      evaluate(evaluator, _macro, scope) {
        const entries = entriesOf(evaluator.run(receiver, scope))
        const run = (at: number, [key, value]: Entry) => {
          spend(5)
          const outer = keys.reuse(scope).setIterValue(key, evaluator)
          return evaluator.run(nodes[at] as Node, values.reuse(outer).setIterValue(value, evaluator))
        }
        return evaluate(entries, run, nodes.length)
      },
    }
  })
}

function entryTypes(checker: Checker, type: TypeDeclaration, node: Node): readonly [TypeDeclaration, TypeDeclaration] {
  const dyn = checker.getType('dyn')
  if (type.kind === 'list') return [checker.getType('int'), type.valueType ?? dyn]
  if (type.kind === 'map') return [type.keyType ?? dyn, type.valueType ?? dyn]
  if (type.kind === 'dyn') return [dyn, dyn]
  const why = `Expression of type '${type.name}' cannot be range of a comprehension (must be list, map, or dynamic).`
  throw checker.createError('invalid_comprehension_range', why, node)
}

function entriesOf(range: unknown): readonly Entry[] {
  if (Array.isArray(range)) return range.map((value, at) => [BigInt(at), value])
  if (range instanceof Map) return [...range]
  if (typeof range === 'object' && range !== null && range.constructor === Object) return Object.entries(range)
  throw new CelError('no such overload')
}

/** `existsOne` and `sortBy` over one variable; sorting is by the values that the expression gives. */
function addSingles(env: Environment): void {
  const single =
    (
      type: (checker: Checker, range: TypeDeclaration) => TypeDeclaration,
      evaluate: (items: readonly unknown[], run: (item: unknown) => unknown) => unknown,
    ) =>
    ({ args: [variable, body], receiver }: MacroCall): Macro => {
      const name = identifierOf(variable)
      if (name === undefined || !body) throw new CelError('argument must be a simple name')
      let inner: Scope
      return {
        async: false,
        typeCheck(checker, _macro, scope) {
          const range = checker.check(receiver, scope)
          inner = scope.forkWithVariable(name, range.valueType ?? checker.getType('dyn'))
          checker.check(body, inner)
          return type(checker, range)
        },
        evaluate(evaluator: Evaluator, _macro, scope) {
          const items = entriesOf(evaluator.run(receiver, scope)).map(([, item]) => item)
          return evaluate(items, item => {
            spend(5)
            return evaluator.run(body, inner.reuse(scope).setIterValue(item, evaluator))
          })
        },
      }
    }
  const one = single(bool, (items, run) => items.filter(item => asBool(run(item))).length === 1)
  const sortBy = single(
    (_checker, range) => range,
    (items, run) => {
      const keyed = items.map(item => ({ item, key: run(item) as number }))
      return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ item }) => item)
    },
  )
  env.registerFunction('list.existsOne(ast, ast): bool', one)
  env.registerFunction('list.sortBy(ast, ast): list<dyn>', sortBy)
}

/** Macros over lists and maps that the library does not have, or has otherwise (cel-go ext/comprehensions.go). */
export const comprehensions: Library = env => {
  for (const comprehension of overTwo) addComprehension(env, comprehension)
  addSingles(env)
}
