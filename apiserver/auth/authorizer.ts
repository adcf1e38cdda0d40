import { ApiError, qualifiedResource } from '../../api/errors.ts'
import type { UserInfo } from '../../api/user.ts'
import type { NodeAuthorizer } from './node-authorizer.ts'
import { type PolicyIndex, policyIndex, type UserPolicy } from './policy-index.ts'
import { type PolicyRule, pathRuleMatches, type RbacSource, type ResourceAttributes, ruleMatches } from './rules.ts'

/** The outcome and, when allowed, by what; a refusal has a reason only if a role could not be found. */
export interface Decision {
  readonly allowed: boolean
  readonly reason: string
}

/** Who may do what (RBAC, nodes, and system:masters, who may do anything). Never waits: it is on the path of every request. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: ResourceAttributes): Decision
  authorizePath(user: UserInfo, verb: string, path: string): Decision
  /** Everything RBAC grants a user in a namespace (cluster-wide grants included); for rules reviews and escalation checks. */
  rulesFor(user: UserInfo, namespace?: string): readonly PolicyRule[]
  /** The rules of the role that a binding refers to, aggregated; `undefined` when there is no such role. */
  rulesOf(roleRef: { kind: string; name: string }, namespace?: string): readonly PolicyRule[] | undefined
}

const masters: Decision = { allowed: true, reason: '' }
export const mastersGroup = 'system:masters'

export function createAuthorizer({ source, nodes }: { source: RbacSource; nodes?: NodeAuthorizer }): Authorizer {
  let index: PolicyIndex | undefined
  let version = Number.NaN
  const current = (): PolicyIndex => {
    const now = source.version()
    if (!index || now !== version) index = policyIndex(source)
    version = now
    return index
  }
  return {
    authorize(user, attributes) {
      if (user.groups.includes(mastersGroup)) return masters
      if (nodes?.concerns(user)) {
        const decision = nodes.authorize(user, attributes)
        if (decision.allowed) return decision
      }
      return decide(current().policyOf(user), attributes)
    },
    authorizePath(user, verb, path) {
      if (user.groups.includes(mastersGroup)) return masters
      const policy = current().policyOf(user)
      for (const { rule, reason } of policy.clusterWide) if (pathRuleMatches(rule, verb, path)) return { allowed: true, reason }
      return policy.refusal('')
    },
    rulesFor: (user, namespace) =>
      current()
        .policyOf(user)
        .rulesIn(namespace)
        .map(({ rule }) => rule),
    rulesOf: (roleRef, namespace) => current().rulesOf(roleRef, namespace),
  }
}

/** Looks up what verb, group, resource and namespace come to for this user; only grants for single objects look at the name. */
function decide(policy: UserPolicy, attributes: ResourceAttributes): Decision {
  const { verb, group, resource, subresource = '', name } = attributes
  const namespace = scopeOf(attributes)
  const key = `${verb} ${group}/${resource}/${subresource} ${namespace}`
  let verdict = policy.verdicts.get(key)
  if (!verdict) {
    verdict = { named: [], otherwise: policy.refusal(namespace) }
    for (const { rule, reason } of policy.rulesIn(namespace)) {
      if (!ruleMatches(rule, attributes)) continue
      if (rule.resourceNames && rule.resourceNames.length > 0) {
        verdict.named.push({ names: new Set(rule.resourceNames), decision: { allowed: true, reason } })
        continue
      }
      verdict.otherwise = { allowed: true, reason }
      break
    }
    policy.remember(key, verdict)
  }
  if (name !== undefined) for (const { names, decision } of verdict.named) if (names.has(name)) return decision
  return verdict.otherwise
}

/** A Namespace object counts as being inside itself (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go). */
function scopeOf({ group, resource, namespace, name }: ResourceAttributes): string {
  return namespace ?? (resource === 'namespaces' && group === '' ? (name ?? '') : '')
}

/** The authorizer as the pipeline asks it: throws Forbidden. Questions about paths carry a `path`. */
export function authorizeOrThrow(authorizer: Authorizer) {
  return (request: ResourceAttributes & { readonly user: UserInfo; readonly path?: string | undefined }): void => {
    const { user, verb, path } = request
    if (path === undefined) {
      const decision = authorizer.authorize(user, request)
      if (!decision.allowed) throw forbiddenResource(user, request, decision)
    } else {
      const decision = authorizer.authorizePath(user, verb, path)
      if (!decision.allowed) throw forbiddenPath(user, verb, path, decision)
    }
  }
}

/** The 403 for a refused resource request, in the words of E5. */
export function forbiddenResource(user: UserInfo, attributes: ResourceAttributes, { reason }: Decision): ApiError {
  const { verb, group, resource, subresource, name = '' } = attributes
  const namespace = scopeOf(attributes)
  const full = subresource ? `${resource}/${subresource}` : resource
  const scope = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope'
  const qualified = qualifiedResource({ group, plural: resource })
  const message =
    `${name ? `${qualified} "${name}"` : qualified} is forbidden: User "${user.name}" cannot ${verb} resource "${full}" ` +
    `in API group "${group}" ${scope}${reason ? `: ${reason}` : ''}`
  return new ApiError('Forbidden', message, { details: { ...(name && { name }), ...(group && { group }), kind: resource } })
}

/** The 403 for a refused path that is no resource. */
export function forbiddenPath(user: UserInfo, verb: string, path: string, { reason }: Decision): ApiError {
  const message = `forbidden: User "${user.name}" cannot ${verb} path "${path}"${reason ? `: ${reason}` : ''}`
  return new ApiError('Forbidden', message, { details: {} })
}
