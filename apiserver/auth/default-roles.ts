import { controllerRoles } from './controller-roles.ts'
import { namespacedRoleRules, roleRules } from './default-role-rules.ts'
import type { PolicyRule, Subject } from './rules.ts'

/**
 * The roles and bindings that every cluster starts with (plugin/pkg/auth/authorizer/rbac/bootstrappolicy). They are written
 * when absent; rules that were taken away from one of them come back at the next start unless its annotation says otherwise.
 */
const group = 'rbac.authorization.k8s.io'
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' }
const apiVersion = `${group}/v1`

const rulesOf = (name: string): readonly PolicyRule[] => roleRules[name] ?? []

/** What a kubelet holds beside what the node authorizer decides by looking at its pods. */
export const nodeRules: readonly PolicyRule[] = rulesOf('system:node')

interface DefaultMeta {
  readonly name: string
  readonly namespace?: string
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
}

interface DefaultRole {
  readonly apiVersion: string
  readonly kind: 'ClusterRole' | 'Role'
  readonly metadata: DefaultMeta
  readonly rules: readonly PolicyRule[]
  readonly aggregationRule?: { clusterRoleSelectors: { matchLabels: Record<string, string> }[] }
}

const aggregate = (to: string) => `${group}/aggregate-to-${to}`

function role(name: string, rules: readonly PolicyRule[], aggregateTo: readonly string[] = []): DefaultRole {
  const extra = Object.fromEntries(aggregateTo.map(to => [aggregate(to), 'true']))
  return { apiVersion, kind: 'ClusterRole', metadata: { name, labels: { ...labels, ...extra }, annotations }, rules }
}

/** A role that is the sum of the roles labelled for it; `rules` is what that sum is at the start. */
function sum(name: string, rules: readonly PolicyRule[], aggregateTo: readonly string[] = []): DefaultRole {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [aggregate(name)]: 'true' } }] }
  return { ...role(name, rules, aggregateTo), aggregationRule }
}

// In the order of the names of the roles that they are gathered from, as the controller gathers them, each rule once.
const metricsRules = rulesOf('system:aggregated-metrics-reader')
const viewRules = [...rulesOf('system:aggregate-to-view'), ...metricsRules]
const editRules = [...rulesOf('system:aggregate-to-edit'), ...metricsRules, ...rulesOf('system:aggregate-to-view')]
const aggregatedTo: Readonly<Record<string, readonly string[]>> = {
  'system:aggregate-to-admin': ['admin'],
  'system:aggregate-to-edit': ['edit'],
  'system:aggregate-to-view': ['view'],
  'system:aggregated-metrics-reader': ['view', 'edit', 'admin'],
}

/** The default ClusterRoles, ready to be written. */
export const defaultClusterRoles: readonly DefaultRole[] = [
  role('cluster-admin', [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ]),
  sum('admin', [...editRules, ...rulesOf('system:aggregate-to-admin')]),
  sum('edit', editRules, ['admin']),
  sum('view', viewRules, ['edit']),
  ...Object.entries(roleRules).map(([name, rules]) => role(name, rules, aggregatedTo[name])),
  ...controllerRoles.map(({ name, rules }) => role(`system:controller:${name}`, rules)),
]

interface DefaultBinding {
  readonly apiVersion: string
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding'
  readonly metadata: DefaultMeta
  readonly roleRef: { apiGroup: string; kind: 'ClusterRole' | 'Role'; name: string }
  readonly subjects: readonly Subject[]
}

const toGroup = (name: string): Subject => ({ apiGroup: group, kind: 'Group', name })
const toUser = (name: string): Subject => ({ apiGroup: group, kind: 'User', name })
const toServiceAccount = (name: string): Subject => ({ kind: 'ServiceAccount', namespace: 'kube-system', name })

function binding(name: string, ...subjects: Subject[]): DefaultBinding {
  return {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels, annotations },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name },
    subjects,
  }
}

/**
 * The default ClusterRoleBindings, ready to be written. The controllers run under one user, so beside its own service account
 * each controller role is bound to `system:kube-controller-manager` too. system:node is bound to nobody: the node authorizer
 * knows its rules.
 */
export const defaultClusterRoleBindings: readonly DefaultBinding[] = [
  binding('cluster-admin', toGroup('system:masters')),
  binding('system:discovery', toGroup('system:authenticated')),
  binding('system:basic-user', toGroup('system:authenticated')),
  binding('system:public-info-viewer', toGroup('system:authenticated'), toGroup('system:unauthenticated')),
  binding('system:monitoring', toGroup('system:monitoring')),
  binding('system:service-account-issuer-discovery', toGroup('system:serviceaccounts')),
  binding('system:node'),
  binding('system:node-proxier', toUser('system:kube-proxy')),
  binding('system:kube-dns', toServiceAccount('kube-dns')),
  binding('system:kube-scheduler', toUser('system:kube-scheduler')),
  binding('system:volume-scheduler', toUser('system:kube-scheduler')),
  binding('system:kube-controller-manager', toUser('system:kube-controller-manager')),
  // Ours: upstream has nobody who approves these by itself.
  binding('system:certificates.k8s.io:kubelet-serving-approver', toUser('system:kube-controller-manager')),
  // Ours: upstream's network plugins run in pods, with service accounts of their own.
  binding('wherry:pod-network', toUser('system:wherry:pod-network')),
  ...controllerRoles.map(({ name }) =>
    binding(`system:controller:${name}`, toServiceAccount(name), toUser('system:kube-controller-manager')),
  ),
]

const placeOf = (key: string) => {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}

/** Roles in namespaces of the system. */
export const defaultRoles: readonly DefaultRole[] = Object.entries(namespacedRoleRules).map(([key, rules]) => ({
  apiVersion,
  kind: 'Role',
  metadata: { ...placeOf(key), labels, annotations },
  rules,
}))

const holders: Readonly<Record<string, { name: string; subjects: Subject[] }>> = {
  'extension-apiserver-authentication-reader': {
    name: 'system::extension-apiserver-authentication-reader',
    subjects: [toUser('system:kube-controller-manager'), toUser('system:kube-scheduler')],
  },
  'system::leader-locking-kube-controller-manager': {
    name: 'system::leader-locking-kube-controller-manager',
    subjects: [
      toUser('system:kube-controller-manager'),
      toServiceAccount('kube-controller-manager'),
      toServiceAccount('leader-election-controller'),
    ],
  },
  'system::leader-locking-kube-scheduler': {
    name: 'system::leader-locking-kube-scheduler',
    subjects: [toUser('system:kube-scheduler'), toServiceAccount('kube-scheduler')],
  },
}

/** And who holds them: the components, or the service account that the role is named after. */
export const defaultRoleBindings: readonly DefaultBinding[] = Object.keys(namespacedRoleRules).map(key => {
  const { namespace, name: roleName } = placeOf(key)
  const account = roleName.slice('system:controller:'.length)
  const { name, subjects } = holders[roleName] ?? { name: roleName, subjects: [toServiceAccount(account)] }
  return {
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name, namespace, labels, annotations },
    roleRef: { apiGroup: group, kind: 'Role', name: roleName },
    subjects,
  }
})
