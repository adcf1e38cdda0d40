import { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from './admissionregistration/mutating-admission-policy.ts'
import {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from './admissionregistration/validating-admission-policy.ts'
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from './admissionregistration/webhook-configuration.ts'
import { CustomResourceDefinition } from './apiextensions/custom-resource-definition.ts'
import { APIService } from './apiregistration/api-service.ts'
import { ControllerRevision } from './apps/controller-revision.ts'
import { DaemonSet } from './apps/daemon-set.ts'
import { Deployment } from './apps/deployment.ts'
import { ReplicaSet } from './apps/replica-set.ts'
import { StatefulSet } from './apps/stateful-set.ts'
import { TokenRequest } from './authentication/token-request.ts'
import { HorizontalPodAutoscaler, HorizontalPodAutoscalerV2Beta2 } from './autoscaling/horizontal-pod-autoscaler.ts'
import { HorizontalPodAutoscalerV1 } from './autoscaling/horizontal-pod-autoscaler-v1.ts'
import { Scale } from './autoscaling/scale.ts'
import { CronJob, CronJobV1Beta1 } from './batch/cron-job.ts'
import { Job } from './batch/job.ts'
import { CertificateSigningRequest } from './certificates/certificate-signing-request.ts'
import { Lease } from './coordination/lease.ts'
import { Binding } from './core/binding.ts'
import { ConfigMap } from './core/config-map.ts'
import { Endpoints } from './core/endpoints.ts'
import { Event } from './core/event.ts'
import { LimitRange } from './core/limit-range.ts'
import { Namespace } from './core/namespace.ts'
import { Node } from './core/node.ts'
import { PersistentVolume } from './core/persistent-volume.ts'
import { PersistentVolumeClaim } from './core/persistent-volume-claim.ts'
import { Pod } from './core/pod.ts'
import { PodTemplate } from './core/pod-template.ts'
import { ReplicationController } from './core/replication-controller.ts'
import { ResourceQuota } from './core/resource-quota.ts'
import { Secret } from './core/secret.ts'
import { Service } from './core/service.ts'
import { ServiceAccount } from './core/service-account.ts'
import { EndpointSlice } from './discovery/endpoint-slice.ts'
import { Event as EventsEvent } from './events/event.ts'
import { FlowSchema } from './flowcontrol/flow-schema.ts'
import { PriorityLevelConfiguration } from './flowcontrol/priority-level-configuration.ts'
import type { AnyKind } from './kind.ts'
import { Ingress } from './networking/ingress.ts'
import { IngressClass } from './networking/ingress-class.ts'
import { IPAddress } from './networking/ip-address.ts'
import { NetworkPolicy } from './networking/network-policy.ts'
import { ServiceCIDR } from './networking/service-cidr.ts'
import { RuntimeClass } from './node/runtime-class.ts'
import { Eviction, EvictionV1Beta1 } from './policy/eviction.ts'
import { PodDisruptionBudget, PodDisruptionBudgetV1Beta1 } from './policy/pod-disruption-budget.ts'
import { ClusterRole } from './rbac/cluster-role.ts'
import { ClusterRoleBinding } from './rbac/cluster-role-binding.ts'
import { Role } from './rbac/role.ts'
import { RoleBinding } from './rbac/role-binding.ts'
import { DeviceClass } from './resource/device-class.ts'
import { ResourceClaim } from './resource/resource-claim.ts'
import { ResourceClaimTemplate } from './resource/resource-claim-template.ts'
import { ResourceSlice } from './resource/resource-slice.ts'
import { PriorityClass } from './scheduling/priority-class.ts'
import { CSIDriver } from './storage/csi-driver.ts'
import { CSINode } from './storage/csi-node.ts'
import { CSIStorageCapacity } from './storage/csi-storage-capacity.ts'
import { StorageClass } from './storage/storage-class.ts'
import { VolumeAttachment } from './storage/volume-attachment.ts'
import { VolumeAttributesClass } from './storage/volume-attributes-class.ts'

/** Every kind that is served, in the order in which discovery lists them. */
export const kinds: readonly AnyKind[] = [
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Namespace,
  Node,
  PersistentVolumeClaim,
  PersistentVolume,
  Pod,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  ServiceAccount,
  Service,
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerV1,
  HorizontalPodAutoscalerV2Beta2,
  CronJob,
  Job,
  CronJobV1Beta1,
  PodDisruptionBudget,
  PodDisruptionBudgetV1Beta1,
  ClusterRoleBinding,
  ClusterRole,
  RoleBinding,
  Role,
  StorageClass,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  CustomResourceDefinition,
  PriorityClass,
  Lease,
  APIService,
  EventsEvent,
  CertificateSigningRequest,
  IngressClass,
  Ingress,
  NetworkPolicy,
  IPAddress,
  ServiceCIDR,
  RuntimeClass,
  EndpointSlice,
  FlowSchema,
  PriorityLevelConfiguration,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  VolumeAttachment,
  VolumeAttributesClass,
  DeviceClass,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
]

/** Kinds that only ever are the body of a subresource: decoded and described, never stored or listed. */
export const bodyKinds: readonly AnyKind[] = [Binding, Eviction, EvictionV1Beta1, Scale, TokenRequest]
