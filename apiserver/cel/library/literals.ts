import type { Optional as OptionalValue } from '@marcbachmann/cel-js'
import { addFunctions, addNamespace, CelError, type Library } from './library.ts'

type Fields = Record<string, unknown>

/** What message-literals.ts writes in the place of literals, and the patch library (k8s.io/apiserver/pkg/cel/library/jsonpatch.go). */
export const literals: Library = (env, { Optional }) => {
  const present = (isOptional: unknown, value: unknown): readonly unknown[] => {
    if (isOptional !== true) return [value]
    if (!(value instanceof Optional)) throw new CelError('no such overload')
    return (value as OptionalValue).hasValue() ? [value.value()] : []
  }
  const namespace = addNamespace(env, 'jsonpatch')
  addFunctions(env, {
    'newObject(string, map): dyn': (_type: string, fields: Fields) => fields,
    'optionalMap(list<list<dyn>>): map': (entries: readonly (readonly unknown[])[]) =>
      Object.fromEntries(
        entries.flatMap(([isOptional, key, value]) => present(isOptional, value).map(field => [String(key), field])),
      ),
    'optionalList(list<list<dyn>>): list': (entries: readonly (readonly unknown[])[]) =>
      entries.flatMap(([isOptional, value]) => present(isOptional, value)),
    [`${namespace}.escapeKey(string): string`]: (_: unknown, key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'),
  })
}
