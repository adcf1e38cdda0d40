import type { KubeObject } from '../../api/transport.ts'
import type { Resource } from '../resources.ts'
import type { Describer } from './around.ts'
import { describeAutoscaler } from './autoscaler.ts'
import { describeCertificateRequest } from './certificate-request.ts'
import { describeConfigMap } from './config-map.ts'
import { describeDeployment } from './deployment.ts'
import { describeDisruptionBudget } from './disruption-budget.ts'
import { describeEndpointSlice, describeEndpoints } from './endpoints.ts'
import { describeAnything } from './generic.ts'
import { describeCronJob, describeJob } from './job.ts'
import { describeNamespace } from './namespace.ts'
import { describeIngress, describeIngressClass, describeIpAddress, describeServiceCidr } from './network.ts'
import { describeNetworkPolicy } from './network-policy.ts'
import { describeNode } from './node.ts'
import { describeVolume } from './persistent-volume.ts'
import { describeClaim } from './persistent-volume-claim.ts'
import { describePod } from './pod.ts'
import { describePriorityClass } from './priority-class.ts'
import { describeLimitRange, describeQuota } from './quota.ts'
import { describeReplicaSet } from './replica-set.ts'
import { describeBinding, describeRole } from './role.ts'
import { describeSecret } from './secret.ts'
import { describeService } from './service.ts'
import { describeServiceAccount } from './service-account.ts'
import { describeCsiNode, describeVolumeAttributesClass } from './storage.ts'
import { describeStorageClass } from './storage-class.ts'
import { describeDaemonSet, describeReplicationController, describeStatefulSet } from './workloads.ts'

/** By kind and group. */
const describers: Readonly<Record<string, Describer<never>>> = {
  ConfigMap: describeConfigMap,
  Endpoints: describeEndpoints,
  LimitRange: describeLimitRange,
  Namespace: describeNamespace,
  Node: describeNode,
  PersistentVolume: describeVolume,
  PersistentVolumeClaim: describeClaim,
  Pod: describePod,
  ReplicationController: describeReplicationController,
  ResourceQuota: describeQuota,
  Secret: describeSecret,
  Service: describeService,
  ServiceAccount: describeServiceAccount,
  'DaemonSet.apps': describeDaemonSet,
  'Deployment.apps': describeDeployment,
  'ReplicaSet.apps': describeReplicaSet,
  'StatefulSet.apps': describeStatefulSet,
  'Job.batch': describeJob,
  'CronJob.batch': describeCronJob,
  'HorizontalPodAutoscaler.autoscaling': describeAutoscaler,
  'PodDisruptionBudget.policy': describeDisruptionBudget,
  'EndpointSlice.discovery.k8s.io': describeEndpointSlice,
  'Ingress.networking.k8s.io': describeIngress,
  'IngressClass.networking.k8s.io': describeIngressClass,
  'IPAddress.networking.k8s.io': describeIpAddress,
  'NetworkPolicy.networking.k8s.io': describeNetworkPolicy,
  'ServiceCIDR.networking.k8s.io': describeServiceCidr,
  'CertificateSigningRequest.certificates.k8s.io': describeCertificateRequest,
  'CSINode.storage.k8s.io': describeCsiNode,
  'Role.rbac.authorization.k8s.io': describeRole,
  'ClusterRole.rbac.authorization.k8s.io': describeRole,
  'RoleBinding.rbac.authorization.k8s.io': describeBinding,
  'ClusterRoleBinding.rbac.authorization.k8s.io': describeBinding,
  'PriorityClass.scheduling.k8s.io': describePriorityClass,
  'StorageClass.storage.k8s.io': describeStorageClass,
  'VolumeAttributesClass.storage.k8s.io': describeVolumeAttributesClass,
}

/** The describer of a resource's objects; one for all where there is none of its own. */
export function describerOf({ kind, group }: Pick<Resource, 'kind' | 'group'>): Describer<KubeObject> {
  return (describers[group ? `${kind}.${group}` : kind] ?? describeAnything) as Describer<KubeObject>
}
