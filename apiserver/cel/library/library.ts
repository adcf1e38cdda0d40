import type { Environment } from '@marcbachmann/cel-js'
import type { ValueMakers } from '../values.ts'

/** Adds functions to an environment. Their names, types and errors are upstream's (k8s.io/apiserver/pkg/cel/library). */
export type Library = (env: Environment, makers: ValueMakers) => void

/** Signature -> what answers it. */
export type Functions = Readonly<Record<string, (...args: never[]) => unknown>>

/** None of ours waits for anything: that is said, because the library looks for promises otherwise. */
export function addFunctions(env: Environment, functions: Functions): void {
  for (const [signature, handler] of Object.entries(functions)) {
    env.registerFunction(signature, handler as (...args: unknown[]) => unknown, { async: false } as never)
  }
}

/** A name that functions hang on: `sets` in `sets.contains(a, b)`. Answers the type that their signatures start with. */
export function addNamespace(env: Environment, name: string): string {
  const ctor = class {}
  const type = `${name}.Namespace`
  env.registerType(type, { ctor, fields: {} })
  env.registerConstant(name, type, new ctor())
  return type
}

/** What an expression is told instead of a value. */
export class CelError extends Error {}
