import type { Pod } from '../../api/core/pod.ts'
import { podLabel } from '../names.ts'
import type { AnyContainer } from '../pod-types.ts'
import type { SecurityConfig } from '../runtime/runtime.ts'
import { SyncError } from './sync-error.ts'

/**
 * What a container may do: its own securityContext over the pod's. Throws SyncError when runAsNonRoot cannot be kept
 * (pkg/kubelet/kuberuntime/security_context.go). `imageUser`: a number, a name, or empty.
 */
export function securityConfig(pod: Pod, container: AnyContainer, imageUser: string): SecurityConfig {
  const ofPod = pod.spec.securityContext
  const own = container.securityContext ?? {}
  const runAsUser = own.runAsUser ?? ofPod.runAsUser
  const runAsGroup = own.runAsGroup ?? ofPod.runAsGroup
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) demandNonRoot(pod, container, runAsUser, imageUser)
  const seccomp = own.seccompProfile ?? ofPod.seccompProfile
  const { fsGroup } = ofPod
  return {
    ...(runAsUser !== undefined && { runAsUser }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    supplementalGroups: [...new Set([...(ofPod.supplementalGroups ?? []), ...(fsGroup === undefined ? [] : [fsGroup])])],
    privileged: own.privileged ?? false,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    allowPrivilegeEscalation: own.allowPrivilegeEscalation ?? true,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    ...(seccomp && {
      seccompProfile: seccomp.type === 'Localhost' ? `localhost/${seccomp.localhostProfile ?? ''}` : seccomp.type,
    }),
  }
}

function demandNonRoot(pod: Pod, container: AnyContainer, runAsUser: number | undefined, imageUser: string): void {
  const subject = `(pod: "${podLabel(pod)}", container: ${container.name})`
  const refuse = (message: string) => new SyncError('CreateContainerConfigError', message)
  if (runAsUser === 0) throw refuse(`container's runAsUser breaks non-root policy ${subject}`)
  if (runAsUser !== undefined) return
  const user = imageUser.split(':')[0] ?? ''
  if (user === '' || user === '0') throw refuse(`container has runAsNonRoot and image will run as root ${subject}`)
  if (!/^\d+$/.test(user))
    throw refuse(`container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${subject}`)
}
