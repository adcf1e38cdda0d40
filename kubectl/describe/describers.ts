import type { KubeObject } from '../../api/transport.ts'
import type { Resource } from '../resources.ts'
import type { Describer } from './around.ts'
import { describeConfigMap } from './config-map.ts'
import { describeDeployment } from './deployment.ts'
import { describeAnything } from './generic.ts'
import { describeNamespace } from './namespace.ts'
import { describeNode } from './node.ts'
import { describeClaim } from './persistent-volume-claim.ts'
import { describeVolume } from './persistent-volume.ts'
import { describePod } from './pod.ts'
import { describePriorityClass } from './priority-class.ts'
import { describeReplicaSet } from './replica-set.ts'
import { describeBinding, describeRole } from './role.ts'
import { describeSecret } from './secret.ts'
import { describeServiceAccount } from './service-account.ts'
import { describeService } from './service.ts'
import { describeStorageClass } from './storage-class.ts'

/** By kind and group. */
const describers: Readonly<Record<string, Describer<never>>> = {
  ConfigMap: describeConfigMap,
  Namespace: describeNamespace,
  Node: describeNode,
  PersistentVolume: describeVolume,
  PersistentVolumeClaim: describeClaim,
  Pod: describePod,
  Secret: describeSecret,
  Service: describeService,
  ServiceAccount: describeServiceAccount,
  'Deployment.apps': describeDeployment,
  'ReplicaSet.apps': describeReplicaSet,
  'Role.rbac.authorization.k8s.io': describeRole,
  'ClusterRole.rbac.authorization.k8s.io': describeRole,
  'RoleBinding.rbac.authorization.k8s.io': describeBinding,
  'ClusterRoleBinding.rbac.authorization.k8s.io': describeBinding,
  'PriorityClass.scheduling.k8s.io': describePriorityClass,
  'StorageClass.storage.k8s.io': describeStorageClass,
}

/** The describer of a resource's objects; one for all where there is none of its own. */
export function describerOf({ kind, group }: Pick<Resource, 'kind' | 'group'>): Describer<KubeObject> {
  return (describers[group ? `${kind}.${group}` : kind] ?? describeAnything) as Describer<KubeObject>
}
