import { certificateConditions, certificateRequester, certificateSubjectRestriction } from './admission/certificate-requests.ts'
import { defaultIngressClass } from './admission/default-ingress-class.ts'
import { defaultStorageClass } from './admission/default-storage-class.ts'
import { defaultTolerationSeconds } from './admission/default-toleration-seconds.ts'
import { limitRanger, limitRangerForClaims, limitRangerOnResize } from './admission/limit-ranger.ts'
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts'
import { persistentVolumeClaimResize } from './admission/persistent-volume-claim-resize.ts'
import type { PodSecurityConfiguration } from './admission/pod-security/configuration.ts'
import { podSecuritySteps } from './admission/pod-security/pod-security.ts'
import { priority, singleDefaultPriority } from './admission/priority.ts'
import { resourceQuota } from './admission/resource-quota.ts'
import { runtimeClass } from './admission/runtime-class.ts'
import { serviceAccount } from './admission/service-account.ts'
import { claimProtection, volumeProtection } from './admission/storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './admission/taint-nodes-by-condition.ts'
import type { AdmissionStep } from './admission.ts'
import { customResourceFinalizers, customResourceRules } from './custom/admission.ts'
import { serviceAddresses } from './service-addresses.ts'

/** Every admission step, in upstream's order (k8s.io/kubernetes/pkg/kubeapiserver/options/plugins.go). */
export const admissionStepsWith = (podSecurity?: PodSecurityConfiguration): readonly AdmissionStep[] => [
  namespaceLifecycle,
  serviceAddresses,
  limitRanger,
  limitRangerOnResize,
  limitRangerForClaims,
  serviceAccount,
  taintNodesByCondition,
  ...podSecuritySteps(podSecurity),
  priority,
  singleDefaultPriority,
  defaultTolerationSeconds,
  runtimeClass,
  defaultStorageClass,
  persistentVolumeClaimResize,
  certificateRequester,
  certificateConditions,
  certificateSubjectRestriction,
  defaultIngressClass,
  claimProtection,
  volumeProtection,
  customResourceRules,
  customResourceFinalizers,
  resourceQuota,
]

/** With nothing configured. */
export const admissionSteps = admissionStepsWith()
