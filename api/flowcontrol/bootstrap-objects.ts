/**
 * The priority levels and flow schemas that every API server starts with (figures of
 * k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go). The mandatory ones may not be changed.
 */

const metadata = (name: string) => ({ name, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } })

interface Queuing {
  readonly queues: number
  readonly handSize: number
  readonly queueLengthLimit: number
}

interface Limits {
  readonly shares: number
  readonly lendablePercent: number
  /** Absent: what does not fit is refused. */
  readonly queuing?: Queuing
}

function limited(name: string, { shares, lendablePercent, queuing }: Limits) {
  const limitResponse = queuing ? { type: 'Queue', queuing } : { type: 'Reject' }
  const spec = { type: 'Limited', limited: { nominalConcurrencyShares: shares, lendablePercent, limitResponse } }
  return { metadata: metadata(name), spec }
}

const queues = (queues: number, handSize: number): Queuing => ({ queues, handSize, queueLengthLimit: 50 })

const exemptLevel = {
  metadata: metadata('exempt'),
  spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
}

/** The levels that there always are, exactly so. */
export const mandatoryPriorityLevels = [exemptLevel, limited('catch-all', { shares: 5, lendablePercent: 0 })]

/** The levels that there are until somebody changes them. */
export const suggestedPriorityLevels = [
  limited('system', { shares: 30, lendablePercent: 33, queuing: queues(64, 6) }),
  limited('node-high', { shares: 40, lendablePercent: 25, queuing: queues(64, 6) }),
  limited('leader-election', { shares: 10, lendablePercent: 0, queuing: queues(16, 4) }),
  limited('workload-high', { shares: 40, lendablePercent: 50, queuing: queues(128, 6) }),
  limited('workload-low', { shares: 100, lendablePercent: 90, queuing: queues(128, 6) }),
  limited('global-default', { shares: 20, lendablePercent: 50, queuing: queues(128, 6) }),
]

const groups = (...names: string[]) => names.map(name => ({ kind: 'Group', group: { name } }))
const users = (...names: string[]) => names.map(name => ({ kind: 'User', user: { name } }))
const systemAccounts = [{ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } }]
const everybody = groups('system:unauthenticated', 'system:authenticated')

const resources = (verbs: string[], apiGroup: string, names: string[], clusterScope = false) => ({
  verbs,
  apiGroups: [apiGroup],
  resources: names,
  ...(clusterScope && { clusterScope }),
  namespaces: ['*'],
})
const anything = {
  resourceRules: [resources(['*'], '*', ['*'], true)],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
}

/** By which property of a request its flow is told from others. */
type Distinguisher = 'ByUser' | 'ByNamespace' | undefined

function schema(name: string, level: string, matchingPrecedence: number, distinguisher: Distinguisher, rule: object) {
  const spec = {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(distinguisher && { distinguisherMethod: { type: distinguisher } }),
    rules: [rule],
  }
  return { metadata: metadata(name), spec }
}

const leases = 'coordination.k8s.io'
const controllerManager = 'system:kube-controller-manager'
const scheduler = 'system:kube-scheduler'

/** The schemas that there always are, exactly so. */
export const mandatoryFlowSchemas = [
  schema('exempt', 'exempt', 1, undefined, { subjects: groups('system:masters'), ...anything }),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', { subjects: everybody, ...anything }),
]

/** The schemas that there are until somebody changes them. */
export const suggestedFlowSchemas = [
  schema('probes', 'exempt', 2, undefined, {
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [...users(controllerManager, scheduler), ...systemAccounts],
    resourceRules: [resources(['get', 'create', 'update'], leases, ['leases'])],
  }),
  schema('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: groups('system:nodes'),
    resourceRules: [resources(['*'], '', ['nodes', 'nodes/status'], true), resources(['*'], leases, ['leases'])],
  }),
  schema('system-nodes', 'system', 500, 'ByUser', { subjects: groups('system:nodes'), ...anything }),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', { subjects: users(controllerManager), ...anything }),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', { subjects: users(scheduler), ...anything }),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', { subjects: systemAccounts, ...anything }),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', { subjects: groups('system:serviceaccounts'), ...anything }),
  schema('global-default', 'global-default', 9900, 'ByUser', { subjects: everybody, ...anything }),
]
