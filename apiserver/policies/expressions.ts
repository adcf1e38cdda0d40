import type { UserInfo } from '../../api/user.ts'
import type { Attempt } from '../admission.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { type Budget, costExceeded, costOfMatchConditions } from '../cel/budget.ts'
import type { Cel, Compiled, Evaluated, Variables } from '../cel/compile.ts'
import { type AskAuthorizer, type AuthorizerCheck, authorizerValue } from '../cel/library/authorizer.ts'
import { loadCel } from '../cel/load.ts'
import type { CelType } from '../cel/types.ts'
import { namespaceOf, type Subject } from '../webhooks/matching.ts'
import { admissionRequest } from '../webhooks/review.ts'

const kindType: CelType = { object: { group: 'string', version: 'string', kind: 'string' } }
const resourceType: CelType = { object: { group: 'string', version: 'string', resource: 'string' } }

/** What every expression about a request may use (k8s.io/apiserver/pkg/admission/plugin/cel/compile.go). */
const everywhere = {
  object: 'dyn',
  oldObject: 'dyn',
  namespaceObject: 'dyn',
  authorizer: 'authorizer',
  request: {
    object: {
      kind: kindType,
      resource: resourceType,
      subResource: 'string',
      requestKind: kindType,
      requestResource: resourceType,
      requestSubResource: 'string',
      name: 'string',
      namespace: 'string',
      operation: 'string',
      userInfo: { object: { username: 'string', uid: 'string', groups: { list: 'string' }, extra: { map: { list: 'string' } } } },
      dryRun: 'bool',
      options: 'dyn',
    },
  },
} satisfies Variables

const withParams = { ...everywhere, params: 'dyn' } satisfies Variables
/** For match conditions of webhooks, and of policies that have no parameters. */
export const requestVariables: Variables = everywhere
/** What the expressions of a policy may speak of. */
export const variablesFor = (hasParams: boolean): Variables => (hasParams ? withParams : everywhere)

/** Expressions with the variables of a policy among them: `variables.<name>`. */
export interface Composition {
  readonly variables: Variables
  readonly compiled: ReadonlyMap<string, Compiled>
}

const scalars = ['bool', 'int', 'uint', 'double', 'string', 'bytes']

/** Compiles the variables of a policy; each may use those before it. */
export function compose(
  cel: Cel,
  base: Variables,
  list: readonly { readonly name: string; readonly expression: string }[],
): Composition {
  const compiled = new Map<string, Compiled>()
  const types: Record<string, CelType> = {}
  let variables: Variables = { ...base, variables: { object: {} } }
  for (const { name, expression } of list) {
    const result = cel.compile(expression, { variables })
    compiled.set(name, result)
    const type = result.ok && scalars.includes(result.program.type) ? (result.program.type as CelType) : 'dyn'
    types[name] = type
    variables = { ...base, variables: { object: { ...types } } }
  }
  return { variables, compiled }
}

/** What the values are made of. */
export interface ActivationOptions {
  readonly cel: Cel
  readonly attempt: Attempt
  readonly subject: Subject
  readonly authorizer: Authorizer | undefined
  readonly namespaceObject?: object | undefined
  readonly params?: object | undefined
  readonly composition?: Composition
  readonly budget: Budget
}

/** The values of variables, made when an expression asks for them. */
export type Activation = Readonly<Record<string, unknown>>

/** The values for one request. */
export function activation(options: ActivationOptions): Activation {
  const { cel, attempt, subject, authorizer, namespaceObject, params } = options
  const once = <T>(make: () => T) => {
    let made: { value: T } | undefined
    return () => (made ??= { value: make() }).value
  }
  const json = (value: object | undefined) => once(() => (value === undefined ? null : cel.toCel(value)))
  const object = json(subject.object)
  const oldObject = json(subject.old)
  const request = once(() => cel.toCel(admissionRequest(attempt, subject.kind)))
  const namespace = json(namespaceObject)
  const parameters = json(params)
  const authorization = once(() => authorizerValue(asker(authorizer, attempt.user), checkOf(attempt)))
  const values: Activation = {
    get object() {
      return object()
    },
    get oldObject() {
      return oldObject()
    },
    get request() {
      return request()
    },
    get namespaceObject() {
      return namespace()
    },
    get params() {
      return parameters()
    },
    get authorizer() {
      return authorization()
    },
    get variables() {
      return variables
    },
  }
  const variables = lazyVariables(options, () => values)
  return values
}

/** A map whose values are evaluated when they are first looked at. */
function lazyVariables({ composition, budget }: ActivationOptions, values: () => Activation): Map<string, unknown> {
  const map = new Map<string, unknown>()
  const known = new Map<string, Evaluated>()
  map.get = name => {
    const compiled = composition?.compiled.get(name)
    if (!compiled) return undefined
    let result = known.get(name)
    if (!result) {
      result = compiled.ok
        ? compiled.program.evaluate(values(), budget)
        : { ok: false, error: `compilation failed: ${compiled.error}` }
      known.set(name, result)
    }
    if (!result.ok) throw new Error(`composited variable ${JSON.stringify(name)} fails to evaluate: ${result.error}`)
    return result.value
  }
  return map
}

const checkOf = (attempt: Attempt): Omit<AuthorizerCheck, 'verb'> => {
  const { kind, name, subresource } = attempt
  const namespace = namespaceOf(attempt)
  return {
    group: kind.group,
    resource: kind.plural,
    ...(subresource && { subresource }),
    ...(namespace && { namespace }),
    ...(name && { name }),
  }
}

/** Questions of expressions, asked of the authorizer that decides about requests. */
function asker(authorizer: Authorizer | undefined, requester: UserInfo): AskAuthorizer {
  return ({ verb, path, group = '', resource = '', serviceAccount, ...rest }) => {
    if (!authorizer) return { allowed: false, reason: '', error: 'no authorizer' }
    const user = serviceAccount ? serviceAccountUser(serviceAccount) : requester
    if (path !== undefined) return authorizer.authorizePath(user, verb, path)
    return authorizer.authorize(user, { verb, group, resource, ...rest })
  }
}

const serviceAccountUser = ({ namespace, name }: { namespace: string; name: string }): UserInfo => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
})

/** Whoever has match conditions. */
export interface Conditional {
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[] | undefined
  readonly failurePolicy: string
}

/**
 * Whether match conditions let a request through to whoever has them. `error`: one could not be evaluated, none was false, and
 * failures are not to be ignored (k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions).
 */
export async function meetsConditions(
  { matchConditions = [], failurePolicy }: Conditional,
  variables: Variables,
  options: Omit<ActivationOptions, 'cel' | 'budget'>,
): Promise<{ readonly matches: boolean; readonly error?: string }> {
  if (matchConditions.length === 0) return { matches: true }
  const cel = await loadCel()
  const budget = { left: costOfMatchConditions }
  const values = activation({ ...options, cel, budget })
  const errors: string[] = []
  for (const { expression } of matchConditions) {
    const result = evaluate(cel, expression, variables, values, budget)
    if (result.ok && result.value === false) return { matches: false }
    if (!result.ok) errors.push(result.error)
    else if (result.value !== true) errors.push(`expression '${expression}' resulted in error: must evaluate to bool`)
  }
  if (errors.length === 0) return { matches: true }
  if (failurePolicy === 'Ignore') return { matches: false }
  return { matches: false, error: errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]` }
}

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** Compiles (once) and evaluates; errors as upstream words them. */
export function evaluate(cel: Cel, expression: string, variables: Variables, values: Activation, budget: Budget): Evaluated {
  if (budget.left <= 0) return { ok: false, error: outOfBudget }
  const compiled = compileOnce(cel, expression, variables)
  if (!compiled.ok) return { ok: false, error: `compilation error: compilation failed: ${compiled.error}` }
  const result = compiled.program.evaluate(values, budget)
  if (result.ok) return result
  if (result.error === costExceeded && budget.left <= 0) return { ok: false, error: outOfBudget }
  return { ok: false, error: `expression '${expression}' resulted in error: ${result.error}` }
}

const programs = new WeakMap<Variables, Map<string, Compiled>>()
const mostPrograms = 1000

function compileOnce(cel: Cel, expression: string, variables: Variables): Compiled {
  let known = programs.get(variables)
  if (!known) programs.set(variables, (known = new Map()))
  let compiled = known.get(expression)
  if (!compiled) {
    if (known.size >= mostPrograms) known.clear()
    known.set(expression, (compiled = cel.compile(expression, { variables })))
  }
  return compiled
}
