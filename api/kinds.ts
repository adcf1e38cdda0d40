import { Deployment } from './apps/deployment.ts'
import { ReplicaSet } from './apps/replica-set.ts'
import { TokenRequest } from './authentication/token-request.ts'
import { Scale } from './autoscaling/scale.ts'
import { Lease } from './coordination/lease.ts'
import { Binding } from './core/binding.ts'
import { ConfigMap } from './core/config-map.ts'
import { Event } from './core/event.ts'
import { Namespace } from './core/namespace.ts'
import { Node } from './core/node.ts'
import { PersistentVolume } from './core/persistent-volume.ts'
import { PersistentVolumeClaim } from './core/persistent-volume-claim.ts'
import { Pod } from './core/pod.ts'
import { Secret } from './core/secret.ts'
import { Service } from './core/service.ts'
import { ServiceAccount } from './core/service-account.ts'
import type { AnyKind } from './kind.ts'
import { Eviction } from './policy/eviction.ts'
import { ClusterRole } from './rbac/cluster-role.ts'
import { ClusterRoleBinding } from './rbac/cluster-role-binding.ts'
import { Role } from './rbac/role.ts'
import { RoleBinding } from './rbac/role-binding.ts'
import { PriorityClass } from './scheduling/priority-class.ts'
import { StorageClass } from './storage/storage-class.ts'

/** Every kind that is served, in the order in which discovery lists them. */
export const kinds: readonly AnyKind[] = [
  ConfigMap,
  Event,
  Namespace,
  Node,
  PersistentVolumeClaim,
  PersistentVolume,
  Pod,
  Secret,
  ServiceAccount,
  Service,
  Deployment,
  ReplicaSet,
  Lease,
  ClusterRoleBinding,
  ClusterRole,
  RoleBinding,
  Role,
  PriorityClass,
  StorageClass,
]

/** Kinds that only ever are the body of a subresource: decoded and described, never stored or listed. */
export const bodyKinds: readonly AnyKind[] = [Binding, Eviction, Scale, TokenRequest]
