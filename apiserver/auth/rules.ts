/** The parts of the RBAC kinds that evaluation reads (k8s.io/api/rbac/v1); the objects of api/rbac/ fit these shapes. */
export interface PolicyRule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[] | undefined
  readonly resources?: readonly string[] | undefined
  readonly resourceNames?: readonly string[] | undefined
  readonly nonResourceURLs?: readonly string[] | undefined
}

export interface Subject {
  readonly kind: string
  readonly name: string
  readonly namespace?: string | undefined
  readonly apiGroup?: string | undefined
}

export interface RoleLike {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string | undefined
    readonly labels?: Readonly<Record<string, string>> | undefined
  }
  readonly rules?: readonly PolicyRule[] | null | undefined
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelectorLike[] | undefined } | undefined
}

export interface BindingLike {
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined }
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly Subject[] | null | undefined
}

interface LabelSelectorLike {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[]
    | undefined
}

/** Where roles and bindings are read from, without waiting: the watch caches of the four RBAC kinds. */
export interface RbacSource {
  clusterRoles(): readonly RoleLike[]
  clusterRoleBindings(): readonly BindingLike[]
  roles(): readonly RoleLike[]
  roleBindings(): readonly BindingLike[]
  /** Changes whenever one of the lists does. */
  version(): number
}

/** What a request wants to do to a resource. */
export interface ResourceAttributes {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly fieldSelector?: string | undefined
}

/** `rule('get list', 'apps', 'deployments replicasets')`; the core group is '' alone and `core` among others. */
export function rule(verbs: string, groups: string, resources: string, resourceNames?: string): PolicyRule {
  return {
    verbs: verbs.split(' '),
    apiGroups: groups.split(' ').map(name => (name === 'core' ? '' : name)),
    resources: resources.split(' '),
    ...(resourceNames && { resourceNames: resourceNames.split(' ') }),
  }
}

/** Everybody who acts on his own may tell of it. */
export const eventsRule = rule('create patch update', 'core events.k8s.io', 'events')

const has = (list: readonly string[] | undefined, value: string) =>
  list !== undefined && (list.includes(value) || list.includes('*'))

/** Whether a rule covers verb, group and resource, whatever the name. */
export function ruleMatches(rule: PolicyRule, { verb, group, resource, subresource }: ResourceAttributes): boolean {
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group) || !rule.resources) return false
  if (!subresource) return has(rule.resources, resource)
  return has(rule.resources, `${resource}/${subresource}`) || rule.resources.includes(`*/${subresource}`)
}

/** Whether a rule covers verb and path: exactly, by `*`, or by a trailing `*`. */
export function pathRuleMatches(rule: PolicyRule, verb: string, path: string): boolean {
  if (!rule.nonResourceURLs || !has(rule.verbs, verb)) return false
  return rule.nonResourceURLs.some(url => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))))
}

/** A ClusterRole's rules together with those of the roles that its aggregation rule selects, and theirs. */
export function aggregatedRules(role: RoleLike, all: readonly RoleLike[], seen = new Set<RoleLike>()): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? []
  if (selectors.length === 0) return role.rules ?? []
  seen.add(role)
  const rules = new Map<string, PolicyRule>()
  const add = (rule: PolicyRule) => rules.set(JSON.stringify(rule), rule)
  for (const rule of role.rules ?? []) add(rule)
  for (const other of all) {
    if (seen.has(other) || !selectors.some(selector => selects(selector, other.metadata.labels ?? {}))) continue
    for (const rule of aggregatedRules(other, all, seen)) add(rule)
  }
  return [...rules.values()]
}

function selects(
  { matchLabels = {}, matchExpressions = [] }: LabelSelectorLike,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const key in matchLabels) if (labels[key] !== matchLabels[key]) return false
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key]
    if (operator === 'Exists') return value !== undefined
    if (operator === 'DoesNotExist') return value === undefined
    if (operator === 'In') return value !== undefined && values.includes(value)
    return operator === 'NotIn' && (value === undefined || !values.includes(value))
  })
}
