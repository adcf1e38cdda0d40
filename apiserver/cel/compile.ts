import type * as celJs from '@marcbachmann/cel-js'
import type { Environment } from '@marcbachmann/cel-js'
import type * as evaluatorJs from '@marcbachmann/cel-js/evaluator'
import { type Budget, spend, within } from './budget.ts'
import { compileError, evaluationError, type Fault } from './compile-errors.ts'
import { authorizers } from './library/authorizer.ts'
import { comprehensions } from './library/comprehensions.ts'
import { conversions } from './library/conversions.ts'
import { textFormats } from './library/format.ts'
import { lists } from './library/lists.ts'
import { literals } from './library/literals.ts'
import { networks } from './library/network.ts'
import { optionals } from './library/optionals.ts'
import { quantities } from './library/quantity.ts'
import { regexes } from './library/regex.ts'
import { semvers } from './library/semver.ts'
import { sets } from './library/sets.ts'
import { strings } from './library/strings.ts'
import { urls } from './library/url.ts'
import { expandLiterals } from './message-literals.ts'
import { type Node, visitNodes } from './syntax.ts'
import type { CelType, ValueSchema } from './types.ts'
import { fromCel, toCel, type ValueMakers } from './values.ts'

/** The variables that an expression may use, and their types. One object for many expressions makes compiling them cheaper. */
export type Variables = Readonly<Record<string, CelType>>

/** What an expression may speak of. */
export interface CompileOptions {
  readonly variables: Variables
}

/** A program, or what is wrong with the expression. */
export type Compiled = { readonly ok: true; readonly program: Program } | { readonly ok: false; readonly error: string }

/** A value, or what went wrong. */
export type Evaluated = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string }

/** An expression that is ready to be evaluated, as often as one likes. */
export interface Program {
  readonly expression: string
  /** The type of what comes out: `bool`, `string`, `list<int>`; `dyn` where that is only known then. */
  readonly type: string
  /** The values are those of expressions (`Cel.toCel`), and so is the answer. Never throws; ends early when it costs too much. */
  evaluate(variables: Readonly<Record<string, unknown>>, budget?: Budget): Evaluated
}

/** The Common Expression Language as Kubernetes speaks it. */
export interface Cel {
  /** Checks an expression; the error is the text that cel-go gives (`ERROR: <input>:1:5: undefined field 'x'` and the place). */
  compile(expression: string, options: CompileOptions): Compiled
  /** JSON as expressions see it, by a schema if there is one (values.ts). */
  toCel(value: unknown, schema?: ValueSchema): unknown
  /** What an expression gave, as JSON. */
  fromCel(value: unknown): unknown
  /** What may be missing: `optional.of(value)`, or `optional.none()` for undefined. */
  optional(value: unknown): unknown
}

/** As in cel-go (parser/options.go, expressionSizeCodePointLimit). */
const longestExpression = 100_000
const tooLong = (length: number) =>
  `ERROR: <input>:-1:0: expression code point size exceeds limit: size: ${length}, limit ${longestExpression}`

const libraries = [
  conversions,
  strings,
  regexes,
  lists,
  sets,
  comprehensions,
  optionals,
  quantities,
  urls,
  networks,
  textFormats,
  semvers,
  authorizers,
  literals,
]

type CelJs = typeof celJs & Pick<typeof evaluatorJs, 'Duration' | 'UnsignedInt'>

/** Puts the library and Kubernetes' functions together. Use `loadCel`. */
export function createCel({ Environment, Optional, Duration, UnsignedInt }: CelJs): Cel {
  const parser = new Environment()
  const makers: ValueMakers = {
    Optional,
    Duration,
    UnsignedInt,
    parseDuration(text) {
      try {
        return parser.evaluate('duration(text)', { text }) as InstanceType<typeof Duration>
      } catch {
        return undefined
      }
    },
  }
  const base = new Environment({ enableOptionalTypes: true, limits: { maxAstNodes: 20_000 } })
  for (const library of libraries) library(base, makers)
  const functions = new Set(base.getDefinitions().functions.map(({ name }) => name))
  const environments = new WeakMap<Variables, Environments>()

  function environmentsOf(variables: Variables): Environments {
    let found = environments.get(variables)
    if (!found) environments.set(variables, (found = declare(base, variables)))
    return found
  }

  function compile(expression: string, { variables }: CompileOptions): Compiled {
    if (expression.length > longestExpression) return { ok: false, error: tooLong(expression.length) }
    const { typed, dynamic } = environmentsOf(variables)
    const text = expandLiterals(expression)
    try {
      const type = check(typed, text)
      return { ok: true, program: programOf(expression, text, type, dynamic) }
    } catch (error) {
      return { ok: false, error: compileError(expression, error as Fault, name => functions.has(name)) }
    }
  }

  return {
    compile,
    toCel: (value, schema) => toCel(makers, value, schema),
    fromCel: value => fromCel(makers, value),
    optional: value => (value === undefined ? Optional.none() : Optional.of(value)),
  }
}

interface Environments {
  /** Knows the types: expressions are checked in it. */
  readonly typed: Environment
  /** Knows the names: expressions are evaluated in it, over plain values. */
  readonly dynamic: Environment
}

function declare(base: Environment, variables: Variables): Environments {
  const typed = base.clone()
  const dynamic = base.clone()
  let objects = 0
  const nameOf = (type: CelType): string => {
    if (typeof type === 'string') return scalarNames[type] ?? type
    if ('list' in type) return `list<${nameOf(type.list)}>`
    if ('map' in type) return `map<string, ${nameOf(type.map)}>`
    if ('optional' in type) return `optional<${nameOf(type.optional)}>`
    const name = `Object.t${objects++}`
    const fields = Object.fromEntries(Object.entries(type.object).map(([field, inner]) => [field, nameOf(inner)]))
    typed.registerType(name, { fields, ctor: class {} })
    return name
  }
  for (const [name, type] of Object.entries(variables)) {
    typed.registerVariable(name, nameOf(type))
    dynamic.registerVariable(name, 'dyn')
  }
  return { typed, dynamic }
}

const scalarNames: Readonly<Record<string, string>> = {
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  authorizer: 'kubernetes.authorization.Authorizer',
}

/** Functions that the library has, but not as Kubernetes has them: ours are called in their place. */
const replaced: Readonly<Record<string, string>> = { matches: 're2matches', lowerAscii: 'asciiLower', upperAscii: 'asciiUpper' }

/** Parses, with our functions in place of the library's. */
function parse(env: Environment, text: string) {
  const parsed = env.parse(text)
  const root = parsed.ast as Node
  visitNodes(root, ({ op, args }) => {
    if (op !== 'call' && op !== 'rcall') return
    const call = args as [string, ...unknown[]]
    call[0] = replaced[call[0]] ?? call[0]
    if (op === 'rcall' && call[0] === 'format') loosen(env, call[2] as Node[])
  })
  return { parsed, root }
}

/** `'%s %d'.format(['a', 1])`: this list alone may mix types. */
function loosen(env: Environment, args: Node[]): void {
  const items = args[0]?.op === 'list' ? (args[0].args as Node[]) : []
  const template = env.parse('dyn(1)').ast as Node
  const { check, evaluate } = template.meta as unknown as { check: unknown; evaluate: unknown }
  for (const [at, item] of items.entries()) items[at] = item.clone({ name: 'call', check, evaluate }, ['dyn', [item]])
}

function check(env: Environment, text: string): string {
  const { parsed } = parse(env, text)
  const { valid, type, error } = parsed.check()
  if (!valid || type === undefined) throw error
  return type
}

function programOf(expression: string, text: string, type: string, env: Environment): Program {
  const { parsed, root } = parse(env, text)
  let isCounted = false
  return {
    expression,
    type,
    evaluate(variables, budget) {
      try {
        if (!isCounted) {
          const result = parsed.check()
          if (!result.valid) throw result.error
          countCost(root)
          isCounted = true
        }
        return { ok: true, value: within(budget, () => parsed(variables as Record<string, unknown>)) }
      } catch (error) {
        return { ok: false, error: evaluationError(error as Fault) }
      }
    },
  }
}

interface Comprehension {
  readonly step: Node
}

/** Makes the steps of comprehensions, and joining lists and texts, count what they do. The expression has been checked. */
function countCost(root: Node): void {
  visitNodes(root, node => {
    if ((node.op as string) === 'comprehension') {
      const { step } = node.args as unknown as Comprehension
      let size = 0
      visitNodes(step, () => size++)
      countEvery(step, () => size)
      countEvery(node, () => 1)
    }
    if (node.op === '+') countEvery(node, sizeOf)
  })
}

function countEvery(node: Node, costOf: (result: unknown) => number): void {
  const { evaluate } = node.meta
  node.setMeta('evaluate', (evaluator: never, ast: never, scope: never) => {
    spend(0)
    const result: unknown = evaluate(evaluator, ast, scope)
    spend(costOf(result))
    return result
  })
}

const sizeOf = (value: unknown) => (typeof value === 'string' ? value.length / 10 : Array.isArray(value) ? value.length : 1)
