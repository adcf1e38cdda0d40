import { eventsRule, type PolicyRule, rule } from './rules.ts'

/** What each controller needs to do its work; `system:controller:<name>` is made of it (bootstrappolicy/controller_policy.go). */
export const controllerRoles: readonly { readonly name: string; readonly rules: readonly PolicyRule[] }[] = table({
  'attachdetach-controller': [
    ['get list watch', 'core', 'persistentvolumes persistentvolumeclaims nodes pods'],
    ['patch update', 'core', 'nodes/status'],
    ['get create delete list watch', 'storage.k8s.io', 'volumeattachments'],
    ['get list watch', 'storage.k8s.io', 'csidrivers csinodes'],
  ],
  'clusterrole-aggregation-controller': [['escalate get list watch update patch', 'rbac.authorization.k8s.io', 'clusterroles']],
  'cronjob-controller': [
    ['get list watch update', 'batch', 'cronjobs'],
    ['get list watch create update delete patch', 'batch', 'jobs'],
    ['update patch', 'batch', 'cronjobs/status cronjobs/finalizers'],
    ['list watch delete', 'core', 'pods'],
  ],
  'daemon-set-controller': [
    ['get list watch', 'apps', 'daemonsets'],
    ['update patch', 'apps', 'daemonsets/status daemonsets/finalizers'],
    ['list watch', 'core', 'nodes'],
    ['get list watch create delete patch', 'core', 'pods'],
    ['create', 'core', 'pods/binding'],
    ['get list watch create delete update patch', 'apps', 'controllerrevisions'],
  ],
  'deployment-controller': [
    ['get list watch update patch', 'apps', 'deployments'],
    ['update patch', 'apps', 'deployments/status deployments/finalizers'],
    ['get list watch create update patch delete', 'apps', 'replicasets'],
    ['get list watch update', 'core', 'pods'],
  ],
  'disruption-controller': [
    ['get list watch', 'apps', 'deployments replicasets statefulsets'],
    ['get list watch', 'core', 'replicationcontrollers pods'],
    ['get list watch', 'policy', 'poddisruptionbudgets'],
    ['update patch', 'policy', 'poddisruptionbudgets/status'],
    ['patch update', 'core', 'pods/status'],
    ['get', '*', '*/scale'],
  ],
  'endpoint-controller': [
    ['get list watch', 'core', 'services pods'],
    ['get list watch create update delete', 'core', 'endpoints'],
    ['create', 'core', 'endpoints/restricted'],
  ],
  'endpointslice-controller': [
    ['get list watch', 'core', 'services pods nodes'],
    ['update', 'core', 'services/finalizers'],
    ['get list watch create update delete', 'discovery.k8s.io', 'endpointslices'],
  ],
  'ephemeral-volume-controller': [
    ['get list watch', 'core', 'pods'],
    ['update', 'core', 'pods/finalizers'],
    ['get list watch create', 'core', 'persistentvolumeclaims'],
  ],
  'generic-garbage-collector': [['get list watch patch update delete', '*', '*']],
  'horizontal-pod-autoscaler': [
    ['get list watch', 'autoscaling', 'horizontalpodautoscalers'],
    ['update patch', 'autoscaling', 'horizontalpodautoscalers/status'],
    ['get update patch', '*', '*/scale'],
    ['list watch', 'core', 'pods'],
    ['list', 'metrics.k8s.io', 'pods'],
  ],
  'job-controller': [
    ['get list watch update patch', 'batch', 'jobs'],
    ['update patch', 'batch', 'jobs/status jobs/finalizers'],
    ['get list watch create delete patch update', 'core', 'pods'],
  ],
  'namespace-controller': [
    ['get list watch delete', 'core', 'namespaces'],
    ['update', 'core', 'namespaces/finalize namespaces/status'],
    ['get list delete deletecollection', '*', '*'],
  ],
  'node-controller': [
    ['get list watch update delete patch', 'core', 'nodes'],
    ['patch update', 'core', 'nodes/status'],
    ['patch update', 'core', 'pods/status'],
    ['get list watch delete', 'core', 'pods'],
    ['get list watch create update patch', 'coordination.k8s.io', 'leases'],
  ],
  'persistent-volume-binder': [
    ['get list watch update create delete patch', 'core', 'persistentvolumes'],
    ['update patch', 'core', 'persistentvolumes/status'],
    ['get list watch update patch', 'core', 'persistentvolumeclaims'],
    ['update patch', 'core', 'persistentvolumeclaims/status'],
    ['get list watch create delete', 'core', 'pods'],
    ['get list watch', 'storage.k8s.io', 'storageclasses'],
    ['get list watch', 'core', 'nodes'],
  ],
  'pod-garbage-collector': [
    ['get list watch delete', 'core', 'pods'],
    ['get list watch', 'core', 'nodes'],
    ['patch update', 'core', 'pods/status'],
  ],
  'pv-protection-controller': [['get list watch update patch', 'core', 'persistentvolumes']],
  'pvc-protection-controller': [
    ['get list watch update patch', 'core', 'persistentvolumeclaims'],
    ['get list watch', 'core', 'pods'],
  ],
  'replicaset-controller': [
    ['get list watch update patch', 'apps', 'replicasets'],
    ['update patch', 'apps', 'replicasets/status replicasets/finalizers'],
    ['get list watch create delete patch', 'core', 'pods'],
  ],
  'replication-controller': [
    ['get list watch update patch', 'core', 'replicationcontrollers'],
    ['update patch', 'core', 'replicationcontrollers/status replicationcontrollers/finalizers'],
    ['get list watch create delete patch', 'core', 'pods'],
  ],
  'resourcequota-controller': [
    ['list watch', '*', '*'],
    ['update patch', 'core', 'resourcequotas/status'],
  ],
  'root-ca-cert-publisher': [['get list watch create update patch', 'core', 'configmaps']],
  'service-account-controller': [['get list watch create', 'core', 'serviceaccounts']],
  'statefulset-controller': [
    ['get list watch', 'apps', 'statefulsets'],
    ['update patch', 'apps', 'statefulsets/status statefulsets/finalizers'],
    ['get list watch create delete update patch', 'apps', 'controllerrevisions'],
    ['get list watch create delete update patch', 'core', 'pods'],
    ['get list watch create delete update patch', 'core', 'persistentvolumeclaims'],
  ],
  'ttl-after-finished-controller': [['get list watch delete', 'batch', 'jobs']],
})

type Row = readonly [verbs: string, group: string, resources: string]

function table(roles: Record<string, readonly Row[]>): { name: string; rules: PolicyRule[] }[] {
  return Object.entries(roles).map(([name, rows]) => ({
    name,
    rules: [...rows.map(row => rule(...row)), eventsRule],
  }))
}
