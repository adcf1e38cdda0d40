import type { UserInfo } from '../../api/user.ts'
import type { Authorizer } from './authorizer.ts'
import { type PolicyRule, pathRuleMatches, type RoleLike, ruleMatches } from './rules.ts'

/**
 * Nobody grants what they do not hold. These answer the reason to refuse a write of a role or a binding, to be put into a 403 on
 * that object, or `undefined` (pkg/registry/rbac/{role,rolebinding}/policybased/storage.go).
 */
export function refuseRole(
  authorizer: Authorizer,
  user: UserInfo,
  role: RoleLike,
  { isCluster, old }: { readonly isCluster: boolean; readonly old?: RoleLike | undefined },
): string | undefined {
  const { namespace, name } = role.metadata
  const resource = isCluster ? 'clusterroles' : 'roles'
  if (holdsVerb(authorizer, user, 'escalate', resource, namespace, name)) return undefined
  const why = refuseRules(authorizer, user, role.rules ?? [], namespace)
  if (why) return why
  // What is gathered changes with the labels of others: only who may do everything may have it gathered.
  const isSum = [role, old].some(each => (each?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0)
  if (!isSum || missingRules(authorizer.rulesFor(user), everything).length === 0) return undefined
  return 'must have cluster-admin privileges to use the aggregationRule'
}

/** As `refuseRole`: who binds a role must hold its rules in the binding's scope, or the verb `bind` on it. */
export function refuseBinding(
  authorizer: Authorizer,
  user: UserInfo,
  { metadata, roleRef }: { metadata: { namespace?: string | undefined }; roleRef: { kind: string; name: string } },
): { readonly refusal: string } | 'no such role' | undefined {
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
  if (holdsVerb(authorizer, user, 'bind', resource, metadata.namespace, roleRef.name)) return undefined
  const rules = authorizer.rulesOf(roleRef, metadata.namespace)
  if (!rules) return 'no such role'
  const refusal = refuseRules(authorizer, user, rules, metadata.namespace)
  return refusal === undefined ? undefined : { refusal }
}

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

function holdsVerb(a: Authorizer, user: UserInfo, verb: string, resource: string, namespace?: string, name?: string): boolean {
  return a.authorize(user, { verb, group: 'rbac.authorization.k8s.io', resource, namespace, name }).allowed
}

function refuseRules(
  authorizer: Authorizer,
  user: UserInfo,
  rules: readonly PolicyRule[],
  namespace?: string,
): string | undefined {
  const missing = missingRules(authorizer.rulesFor(user, namespace), rules)
  if (missing.length === 0) return undefined
  const groups = user.groups.map(group => JSON.stringify(group)).join(' ')
  const lines = [...new Set(compact(missing).map(ruleText))].sort()
  return `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`
}

/** The parts of the wanted rules, each of one verb on one thing, that no held rule covers. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(singleRules).filter(single => !held.some(rule => covers(rule, single)))
}

function singleRules({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): PolicyRule[] {
  const singles: PolicyRule[] = []
  for (const verb of verbs) {
    for (const url of nonResourceURLs) singles.push({ verbs: [verb], nonResourceURLs: [url] })
    for (const group of apiGroups) {
      for (const resource of resources) {
        const single = { verbs: [verb], apiGroups: [group], resources: [resource] }
        if (resourceNames.length === 0) singles.push(single)
        for (const name of resourceNames) singles.push({ ...single, resourceNames: [name] })
      }
    }
  }
  return singles
}

function covers(rule: PolicyRule, single: PolicyRule): boolean {
  const [verb = ''] = single.verbs
  const [url] = single.nonResourceURLs ?? []
  if (url !== undefined) return pathRuleMatches(rule, verb, url)
  const [group = ''] = single.apiGroups ?? []
  const [name] = single.resourceNames ?? []
  const [resource = '', subresource] = (single.resources?.[0] ?? '').split('/')
  if (!ruleMatches(rule, { verb, group, resource, subresource })) return false
  const names = rule.resourceNames ?? []
  return names.length === 0 || (name !== undefined && names.includes(name))
}

/** Joins single rules that differ in their verbs only. */
function compact(rules: readonly PolicyRule[]): PolicyRule[] {
  const byTarget = new Map<string, { rule: PolicyRule; verbs: string[] }>()
  for (const rule of rules) {
    const { verbs, ...target } = rule
    const key = JSON.stringify(target)
    const known = byTarget.get(key)
    if (known) known.verbs.push(...verbs)
    else byTarget.set(key, { rule, verbs: [...verbs] })
  }
  return [...byTarget.values()].map(({ rule, verbs }) => ({ ...rule, verbs }))
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}` */
function ruleText(rule: PolicyRule): string {
  const parts = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ] as const
  const told = parts.filter(([, values]) => values && values.length > 0)
  return `{${told.map(([name, values]) => `${name}:[${values?.map(value => JSON.stringify(value)).join(', ')}]`).join(', ')}}`
}
