import { controllerRoles } from './controller-roles.ts'
import { eventsRule, type PolicyRule, rule, type Subject } from './rules.ts'

/**
 * The roles and bindings that every cluster starts with (plugin/pkg/auth/authorizer/rbac/bootstrappolicy). They are written
 * when absent; rules that were taken away from one of them come back at the next start unless its annotation says otherwise.
 */
const group = 'rbac.authorization.k8s.io'
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' }

const read = 'get list watch'
const write = 'create delete deletecollection patch update'

const urls = (verbs: string, paths: string): PolicyRule => ({ verbs: verbs.split(' '), nonResourceURLs: paths.split(' ') })

const viewRules = [
  rule(
    read,
    '',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers ' +
      'replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    read,
    '',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule(read, '', 'namespaces'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(
    read,
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets ' +
      'replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
]

const editRules = [
  rule(read, '', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
  rule('impersonate', '', 'serviceaccounts'),
  rule(write, '', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  rule('create', '', 'pods/eviction'),
  rule(
    write,
    '',
    'configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
  ),
  rule('create', '', 'serviceaccounts/token'),
  rule(
    write,
    'apps',
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ),
  rule(write, 'autoscaling', 'horizontalpodautoscalers'),
  rule(write, 'batch', 'cronjobs jobs'),
  rule(write, 'policy', 'poddisruptionbudgets'),
  rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
  rule(`${read} ${write}`, 'coordination.k8s.io', 'leases'),
  rule(write, '', 'events'),
]

const adminRules = [
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule(`${read} ${write}`, group, 'rolebindings roles'),
]

/** What a kubelet holds beside what the node authorizer decides by looking at its pods. */
export const nodeRules: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews localsubjectaccessreviews'),
  rule(read, '', 'services'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule('create get list watch update patch', '', 'nodes'),
  rule('update patch', '', 'nodes/status'),
  eventsRule,
  rule('create get list watch delete', '', 'pods'),
  rule('update patch', '', 'pods/status'),
  rule('create', '', 'pods/eviction'),
  rule(read, '', 'secrets configmaps'),
  rule('get', '', 'persistentvolumeclaims persistentvolumes'),
  rule('get', 'storage.k8s.io', 'volumeattachments'),
  rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
  rule('get create update patch delete', 'coordination.k8s.io', 'leases'),
  rule('create', '', 'serviceaccounts/token'),
  rule(read, 'storage.k8s.io', 'csidrivers'),
  rule('get create update patch delete', 'storage.k8s.io', 'csinodes'),
  rule(read, 'node.k8s.io', 'runtimeclasses'),
]

const schedulerRules = [
  eventsRule,
  rule('create list watch', 'coordination.k8s.io', 'leases'),
  rule('get update patch', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
  rule(read, '', 'nodes namespaces'),
  rule('get list watch delete', '', 'pods'),
  rule('create', '', 'bindings pods/binding'),
  rule('patch update', '', 'pods/status'),
  rule(read, '', 'replicationcontrollers services'),
  rule(read, 'apps', 'replicasets statefulsets deployments'),
  rule(read, 'policy', 'poddisruptionbudgets'),
  rule(`${read} patch update`, '', 'persistentvolumeclaims persistentvolumes'),
  rule(read, 'storage.k8s.io', 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments'),
  rule(read, 'scheduling.k8s.io', 'priorityclasses'),
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
]

const controllerManagerRules = [
  eventsRule,
  rule(`${read} create update patch`, 'coordination.k8s.io', 'leases'),
  rule('create', '', 'secrets serviceaccounts serviceaccounts/token'),
  rule('get update', '', 'namespaces secrets serviceaccounts configmaps'),
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  rule('list watch', '*', '*'),
]

interface DefaultRole {
  readonly apiVersion: string
  readonly kind: 'ClusterRole'
  readonly metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> }
  readonly rules: readonly PolicyRule[]
  readonly aggregationRule?: { clusterRoleSelectors: { matchLabels: Record<string, string> }[] }
}

const aggregate = (to: string) => `${group}/aggregate-to-${to}`

function role(name: string, rules: readonly PolicyRule[], aggregateTo: readonly string[] = []): DefaultRole {
  const extra = Object.fromEntries(aggregateTo.map(to => [aggregate(to), 'true']))
  return {
    apiVersion: `${group}/v1`,
    kind: 'ClusterRole',
    metadata: { name, labels: { ...labels, ...extra }, annotations },
    rules,
  }
}

/** A role that is the sum of the roles labelled for it; `rules` is what that sum is at the start. */
function sum(name: string, rules: readonly PolicyRule[], aggregateTo: readonly string[] = []): DefaultRole {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [aggregate(name)]: 'true' } }] }
  return { ...role(name, rules, aggregateTo), aggregationRule }
}

const discoveryPaths = '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'

/** The default ClusterRoles, ready to be written. */
export const defaultClusterRoles: readonly DefaultRole[] = [
  role('cluster-admin', [rule('*', '*', '*'), urls('*', '*')]),
  role('system:discovery', [urls('get', discoveryPaths)]),
  role('system:public-info-viewer', [urls('get', '/healthz /livez /readyz /version /version/')]),
  role('system:monitoring', [urls('get', '/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')]),
  role('system:basic-user', [
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ]),
  role('system:service-account-issuer-discovery', [urls('get', '/.well-known/openid-configuration /openid/v1/jwks')]),
  sum('admin', [...adminRules, ...editRules, ...viewRules]),
  sum('edit', [...editRules, ...viewRules], ['admin']),
  sum('view', viewRules, ['edit']),
  role('system:aggregate-to-admin', adminRules, ['admin']),
  role('system:aggregate-to-edit', editRules, ['edit']),
  role('system:aggregate-to-view', viewRules, ['view']),
  role('system:heapster', [rule(read, '', 'events namespaces nodes pods')]),
  role('system:node', nodeRules),
  role('system:node-problem-detector', [rule('get', '', 'nodes'), rule('patch', '', 'nodes/status'), eventsRule]),
  role('system:node-proxier', [
    rule('list watch', '', 'services endpoints'),
    rule(read, '', 'nodes'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
    eventsRule,
  ]),
  role('system:auth-delegator', [
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  ]),
  role('system:persistent-volume-provisioner', [
    rule('get list watch create delete', '', 'persistentvolumes'),
    rule('get list watch update', '', 'persistentvolumeclaims'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule('watch', '', 'events'),
    eventsRule,
  ]),
  role('system:coredns', [
    rule('list watch', '', 'endpoints services pods namespaces'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  role('system:kube-scheduler', schedulerRules),
  role('system:kube-controller-manager', controllerManagerRules),
  ...controllerRoles.map(({ name, rules }) => role(`system:controller:${name}`, rules)),
]

interface DefaultBinding {
  readonly apiVersion: string
  readonly kind: 'ClusterRoleBinding'
  readonly metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> }
  readonly roleRef: { apiGroup: string; kind: 'ClusterRole'; name: string }
  readonly subjects: readonly Subject[]
}

const toGroup = (name: string): Subject => ({ apiGroup: group, kind: 'Group', name })
const toUser = (name: string): Subject => ({ apiGroup: group, kind: 'User', name })
const toServiceAccount = (name: string): Subject => ({ kind: 'ServiceAccount', namespace: 'kube-system', name })

function binding(name: string, ...subjects: Subject[]): DefaultBinding {
  return {
    apiVersion: `${group}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels, annotations },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name },
    subjects,
  }
}

/**
 * The default ClusterRoleBindings, ready to be written. The controllers run under one user, so beside its own service account
 * each controller role is bound to `system:kube-controller-manager` too.
 */
export const defaultClusterRoleBindings: readonly DefaultBinding[] = [
  binding('cluster-admin', toGroup('system:masters')),
  binding('system:discovery', toGroup('system:authenticated')),
  binding('system:basic-user', toGroup('system:authenticated')),
  binding('system:public-info-viewer', toGroup('system:authenticated'), toGroup('system:unauthenticated')),
  binding('system:monitoring', toGroup('system:monitoring')),
  binding('system:service-account-issuer-discovery', toGroup('system:serviceaccounts')),
  binding('system:node-proxier', toUser('system:kube-proxy')),
  binding('system:kube-scheduler', toUser('system:kube-scheduler')),
  binding('system:kube-controller-manager', toUser('system:kube-controller-manager')),
  ...controllerRoles.map(({ name }) =>
    binding(`system:controller:${name}`, toServiceAccount(name), toUser('system:kube-controller-manager')),
  ),
]
