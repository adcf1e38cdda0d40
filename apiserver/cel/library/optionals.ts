import type { Optional as OptionalValue } from '@marcbachmann/cel-js'
import { identifierOf, type Macro, type MacroCall, type Scope } from '../syntax.ts'
import { addFunctions, CelError, type Library } from './library.ts'

/** Whether a value is the zero of its type. */
function isZero(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0
  return value.constructor === Object && Object.keys(value).length === 0
}

/** What optional types have beside `of`, `none`, `or`, `orValue` and `hasValue` (cel-go cel.OptionalTypes). */
export const optionals: Library = (env, { Optional }) => {
  addFunctions(env, {
    'OptionalNamespace.ofNonZeroValue(A): optional<A>': (_: unknown, value: unknown) =>
      isZero(value) ? Optional.none() : Optional.of(value),
    'OptionalNamespace.unwrap(list<dyn>): list<dyn>': (_: unknown, list: readonly OptionalValue[]) => unwrap(list),
    'list<dyn>.unwrapOpt(): list<dyn>': (list: readonly OptionalValue[]) => unwrap(list),
    'list<T>.first(): optional<T>': (list: readonly unknown[]) => Optional.of(list[0]),
    'list<T>.last(): optional<T>': (list: readonly unknown[]) => Optional.of(list.at(-1)),
  })
  const mapping =
    (isFlat: boolean) =>
    ({ args: [variable, body], receiver }: MacroCall): Macro => {
      const name = identifierOf(variable)
      if (name === undefined || !body) throw new CelError('optMap() variable name must be a simple identifier')
      let inner: Scope
      return {
        async: false,
        typeCheck(checker, _macro, scope) {
          const type = checker.check(receiver, scope)
          inner = scope.forkWithVariable(name, type.valueType ?? checker.getType('dyn'))
          const result = checker.check(body, inner)
          if (isFlat) return result
          return checker.getType(`optional<${result.name}>`)
        },
        evaluate(evaluator, _macro, scope) {
          const value = evaluator.run(receiver, scope)
          if (!(value instanceof Optional)) throw new CelError('no such overload')
          if (!value.hasValue()) return value
          const result = evaluator.run(body, inner.reuse(scope).setIterValue(value.value(), evaluator))
          return isFlat ? result : Optional.of(result)
        },
      }
    }
  env.registerFunction('optional.optMap(ast, ast): optional<dyn>', mapping(false))
  env.registerFunction('optional.optFlatMap(ast, ast): optional<dyn>', mapping(true))
}

const unwrap = (list: readonly OptionalValue[]) => list.filter(item => item.hasValue()).map(item => item.value())
