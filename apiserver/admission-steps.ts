import type { AdmissionStep } from './admission.ts'
import { defaultStorageClass } from './admission/default-storage-class.ts'
import { defaultTolerationSeconds } from './admission/default-toleration-seconds.ts'
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts'
import { priority, singleDefaultPriority } from './admission/priority.ts'
import { serviceAccount } from './admission/service-account.ts'
import { claimProtection, volumeProtection } from './admission/storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './admission/taint-nodes-by-condition.ts'

/** Every admission step, in upstream's order (k8s.io/kubernetes/pkg/kubeapiserver/options/plugins.go). */
export const admissionSteps: readonly AdmissionStep[] = [
  namespaceLifecycle,
  serviceAccount,
  taintNodesByCondition,
  priority,
  singleDefaultPriority,
  defaultTolerationSeconds,
  defaultStorageClass,
  claimProtection,
  volumeProtection,
]
