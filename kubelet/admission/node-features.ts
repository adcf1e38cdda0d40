import type { Pod } from '../../api/core/pod.ts'
import type { NodeRefusal } from '../../api/placement/admit.ts'
import type { RuntimeFeatures } from '../runtime/runtime.ts'
import { needsAppArmor } from '../sync/security.ts'

/** Whether a pod asks for something that depends on the runtime: only then need anybody find out what that can do. */
export const needsFeatures = (pod: Pod): boolean =>
  pod.spec.securityContext.supplementalGroupsPolicy === 'Strict' || needsAppArmor(pod)

interface Input {
  readonly pod: Pod
  /** Absent: nothing special. */
  readonly features?: RuntimeFeatures | undefined
}

/** Whether a pod needs what this node does not have (pkg/kubelet/lifecycle/predicate.go, pkg/security/apparmor/validate.go). */
export function refusedForFeatures({ pod, features }: Input): NodeRefusal | undefined {
  if (pod.spec.securityContext.supplementalGroupsPolicy === 'Strict' && !features?.supplementalGroupsPolicy) {
    const message = 'SupplementalGroupsPolicy=Strict is not supported in this node'
    return { reason: 'SupplementalGroupsPolicyNotSupported', message }
  }
  if (features?.appArmor || !needsAppArmor(pod)) return undefined
  return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' }
}
