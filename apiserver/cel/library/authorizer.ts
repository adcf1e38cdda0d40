import { addFunctions, CelError, type Library } from './library.ts'

/** What an expression asks the authorizer. */
export interface AuthorizerCheck {
  readonly verb: string
  readonly path?: string
  readonly group?: string
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
  /** Instead of the user whose request it is. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string }
}

/** What an authorizer answers an expression. */
export interface AuthorizerDecision {
  readonly allowed: boolean
  readonly reason: string
  readonly error?: string
}

/** Answers at once: everything that decisions depend on is at hand. */
export type AskAuthorizer = (check: AuthorizerCheck) => AuthorizerDecision

/** The variable `authorizer`, and what its functions hand on. */
class AuthorizerValue {
  readonly ask: AskAuthorizer
  readonly check: Omit<AuthorizerCheck, 'verb'>
  /** What the request itself is about. */
  readonly requestResource: unknown
  constructor(ask: AskAuthorizer, check: Omit<AuthorizerCheck, 'verb'> = {}, request?: Omit<AuthorizerCheck, 'verb'>) {
    this.ask = ask
    this.check = check
    this.requestResource = request && new ResourceCheckValue(ask, request)
  }
}
class PathCheckValue extends AuthorizerValue {}
class GroupCheckValue extends AuthorizerValue {}
class ResourceCheckValue extends AuthorizerValue {}
class DecisionValue {
  readonly decision: AuthorizerDecision
  constructor(decision: AuthorizerDecision) {
    this.decision = decision
  }
}

/** The variable that expressions know as `authorizer`; `request`: what `authorizer.requestResource` is about. */
export const authorizerValue = (ask: AskAuthorizer, request: Omit<AuthorizerCheck, 'verb'>): unknown =>
  new AuthorizerValue(ask, {}, request)

const decide = ({ ask, check }: AuthorizerValue, verb: string) => new DecisionValue(ask({ ...check, verb }))
const narrowed = (field: keyof AuthorizerCheck) => (value: AuthorizerValue, given: string) =>
  new ResourceCheckValue(value.ask, { ...value.check, [field]: given })

/** k8s.io/apiserver/pkg/cel/library/authz.go. */
export const authorizers: Library = env => {
  const types = {
    authorizer: 'kubernetes.authorization.Authorizer',
    path: 'kubernetes.authorization.PathCheck',
    group: 'kubernetes.authorization.GroupCheck',
    resource: 'kubernetes.authorization.ResourceCheck',
    decision: 'kubernetes.authorization.Decision',
  }
  env.registerType(types.path, { ctor: PathCheckValue, fields: {} })
  env.registerType(types.group, { ctor: GroupCheckValue, fields: {} })
  env.registerType(types.resource, { ctor: ResourceCheckValue, fields: {} })
  env.registerType(types.decision, { ctor: DecisionValue, fields: {} })
  env.registerType(types.authorizer, { ctor: AuthorizerValue, fields: { requestResource: types.resource } })
  addFunctions(env, {
    [`${types.authorizer}.path(string): ${types.path}`]({ ask, check }: AuthorizerValue, path: string) {
      if (path === '') throw new CelError('path must not be empty')
      return new PathCheckValue(ask, { ...check, path })
    },
    [`${types.authorizer}.group(string): ${types.group}`]: ({ ask, check }: AuthorizerValue, group: string) =>
      new GroupCheckValue(ask, { ...check, group }),
    [`${types.authorizer}.serviceAccount(string, string): ${types.authorizer}`]: (
      { ask, check }: AuthorizerValue,
      namespace: string,
      name: string,
    ) => new AuthorizerValue(ask, { ...check, serviceAccount: { namespace, name } }),
    [`${types.group}.resource(string): ${types.resource}`]({ ask, check }: AuthorizerValue, resource: string) {
      if (resource === '') throw new CelError('resource must not be empty')
      return new ResourceCheckValue(ask, { ...check, resource })
    },
    [`${types.resource}.subresource(string): ${types.resource}`]: narrowed('subresource'),
    [`${types.resource}.namespace(string): ${types.resource}`]: narrowed('namespace'),
    [`${types.resource}.name(string): ${types.resource}`]: narrowed('name'),
    [`${types.resource}.fieldSelector(string): ${types.resource}`]: narrowed('fieldSelector'),
    [`${types.resource}.labelSelector(string): ${types.resource}`]: narrowed('labelSelector'),
    [`${types.resource}.check(string): ${types.decision}`]: decide,
    [`${types.path}.check(string): ${types.decision}`]: decide,
    [`${types.decision}.allowed(): bool`]: ({ decision }: DecisionValue) => decision.allowed,
    [`${types.decision}.reason(): string`]: ({ decision }: DecisionValue) => decision.reason,
    [`${types.decision}.errored(): bool`]: ({ decision }: DecisionValue) => decision.error !== undefined,
    [`${types.decision}.error(): string`]: ({ decision }: DecisionValue) => decision.error ?? '',
  })
}
