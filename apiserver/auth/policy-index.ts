import type { UserInfo } from '../../api/user.ts'
import type { Decision } from './authorizer.ts'
import { aggregatedRules, type BindingLike, type PolicyRule, type RbacSource, type RoleLike, type Subject } from './rules.ts'

/** A rule that someone holds, and the sentence that says through what. */
export interface Grant {
  readonly rule: PolicyRule
  readonly reason: string
}

/** What a verb on a resource in a namespace comes to: grants for single names first, then the answer for all others. */
export interface Verdict {
  readonly named: { readonly names: ReadonlySet<string>; readonly decision: Decision }[]
  otherwise: Decision
}

/** Everything one user holds, with the answers found so far. */
export interface UserPolicy {
  readonly clusterWide: readonly Grant[]
  /** Cluster-wide grants and, given a namespace, those inside it. */
  rulesIn(namespace: string | undefined): readonly Grant[]
  refusal(namespace: string): Decision
  readonly verdicts: ReadonlyMap<string, Verdict>
  remember(key: string, verdict: Verdict): void
}

/** One state of all roles and bindings, filed by subject; users are worked out when they first ask. */
export interface PolicyIndex {
  policyOf(user: UserInfo): UserPolicy
  rulesOf(roleRef: { kind: string; name: string }, namespace?: string): readonly PolicyRule[] | undefined
}

interface Held {
  readonly order: number
  readonly namespace: string
  readonly roleRef: BindingLike['roleRef']
  readonly reason: string
}

/** Enough for every resource in a hundred namespaces; who asks for more starts over. */
const mostVerdicts = 10_000

export function policyIndex(source: RbacSource): PolicyIndex {
  const clusterRoles = source.clusterRoles()
  const roleByKey = new Map<string, RoleLike>()
  for (const role of clusterRoles) roleByKey.set(`/${role.metadata.name}`, role)
  for (const role of source.roles()) roleByKey.set(`${role.metadata.namespace}/${role.metadata.name}`, role)
  const bySubject = fileBySubject([...source.clusterRoleBindings(), ...source.roleBindings()])

  const rulesByKey = new Map<string, readonly PolicyRule[]>()
  const rulesOf: PolicyIndex['rulesOf'] = ({ kind, name }, namespace = '') => {
    const key = kind === 'Role' ? `${namespace}/${name}` : `/${name}`
    const known = rulesByKey.get(key)
    if (known) return known
    const role = roleByKey.get(key)
    if (!role) return undefined
    const rules = aggregatedRules(role, clusterRoles)
    rulesByKey.set(key, rules)
    return rules
  }

  const byIdentity = new WeakMap<UserInfo, UserPolicy>()
  const byName = new Map<string, UserPolicy>()
  return {
    rulesOf,
    policyOf(user) {
      const known = byIdentity.get(user)
      if (known) return known
      const key = JSON.stringify([user.name, user.groups])
      let policy = byName.get(key)
      if (!policy) {
        policy = userPolicy(user, bySubject, rulesOf)
        if (byName.size >= mostVerdicts) byName.clear()
        byName.set(key, policy)
      }
      byIdentity.set(user, policy)
      return policy
    },
  }
}

function fileBySubject(bindings: readonly BindingLike[]): Map<string, Held[]> {
  const bySubject = new Map<string, Held[]>()
  let order = 0
  for (const { metadata, roleRef, subjects } of bindings) {
    const { name, namespace = '' } = metadata
    const binding = namespace ? `RoleBinding "${name}/${namespace}"` : `ClusterRoleBinding "${name}"`
    for (const subject of subjects ?? []) {
      const who = subjectKey(subject, namespace)
      const reason = `RBAC: allowed by ${binding} of ${roleRef.kind} "${roleRef.name}" to ${subjectText(subject, namespace)}`
      const held = bySubject.get(who)
      const entry = { order: order++, namespace, roleRef, reason }
      if (held) held.push(entry)
      else bySubject.set(who, [entry])
    }
  }
  return bySubject
}

const subjectKey = ({ kind, name, namespace }: Subject, inNamespace: string) =>
  kind === 'Group'
    ? `group ${name}`
    : `user ${kind === 'ServiceAccount' ? `system:serviceaccount:${namespace || inNamespace}:${name}` : name}`

const subjectText = ({ kind, name, namespace }: Subject, inNamespace: string) =>
  kind === 'ServiceAccount' ? `ServiceAccount "${name}/${namespace || inNamespace}"` : `${kind} "${name}"`

function userPolicy(
  user: UserInfo,
  bySubject: ReadonlyMap<string, readonly Held[]>,
  rulesOf: PolicyIndex['rulesOf'],
): UserPolicy {
  const held = [...(bySubject.get(`user ${user.name}`) ?? [])]
  for (const group of user.groups) held.push(...(bySubject.get(`group ${group}`) ?? []))
  held.sort((a, b) => a.order - b.order)

  const byNamespace = new Map<string, Grant[]>([['', []]])
  const missing = new Map<string, string[]>()
  for (const { namespace, roleRef, reason } of held) {
    const rules = rulesOf(roleRef, namespace)
    if (!rules) push(missing, namespace, `${roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io "${roleRef.name}" not found`)
    for (const rule of rules ?? []) push(byNamespace, namespace, { rule, reason })
  }
  const clusterWide = byNamespace.get('') ?? []
  const together = new Map<string, readonly Grant[]>()
  const verdicts = new Map<string, Verdict>()
  return {
    clusterWide,
    verdicts,
    rulesIn(namespace) {
      const own = namespace ? byNamespace.get(namespace) : undefined
      if (!namespace || !own) return clusterWide
      let grants = together.get(namespace)
      if (!grants) together.set(namespace, (grants = [...clusterWide, ...own]))
      return grants
    },
    refusal(namespace) {
      const faults = [...(missing.get('') ?? []), ...(namespace ? (missing.get(namespace) ?? []) : [])]
      if (faults.length === 0) return refused
      return { allowed: false, reason: `RBAC: ${faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`}` }
    },
    remember(key, verdict) {
      if (verdicts.size >= mostVerdicts) verdicts.clear()
      verdicts.set(key, verdict)
    },
  }
}

const refused: Decision = { allowed: false, reason: '' }

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}
