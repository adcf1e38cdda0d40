import { join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import { podLabel } from '../names.ts'
import type { AnyContainer } from '../pod-types.ts'
import type { SecurityConfig } from '../runtime/runtime.ts'
import { SyncError } from './sync-error.ts'

export interface SecurityOptions {
  /** What KubeletConfig.seccompDefault says. */
  readonly seccompDefault: boolean
  /** The folder that seccomp profiles of the node are in. */
  readonly seccompRoot: string
}

/**
 * What a container may do: its own securityContext over the pod's. Throws SyncError when runAsNonRoot cannot be kept or a profile lies
 * outside of its folder (pkg/kubelet/kuberuntime/security_context.go). `imageUser`: as the image's metadata have it.
 */
export function securityConfig(pod: Pod, container: AnyContainer, imageUser: string, options: SecurityOptions): SecurityConfig {
  const ofPod = pod.spec.securityContext
  const own = container.securityContext ?? {}
  const runAsUser = own.runAsUser ?? ofPod.runAsUser
  const runAsGroup = own.runAsGroup ?? ofPod.runAsGroup
  const ofImage = userOfImage(imageUser)
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) demandNonRoot(pod, container, runAsUser, ofImage)
  const appArmorProfile = appArmorProfileOf(pod, container)
  const seLinuxOptions = own.seLinuxOptions ?? ofPod.seLinuxOptions
  const { fsGroup, supplementalGroupsPolicy } = ofPod
  return {
    ...(runAsUser === undefined ? ofImage : { runAsUser }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    supplementalGroups: [...new Set([...(ofPod.supplementalGroups ?? []), ...(fsGroup === undefined ? [] : [fsGroup])])],
    ...(supplementalGroupsPolicy && { supplementalGroupsPolicy }),
    privileged: own.privileged ?? false,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    allowPrivilegeEscalation: own.allowPrivilegeEscalation ?? true,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    seccompProfile: seccompProfileOf(pod, container, options),
    ...(appArmorProfile !== undefined && { appArmorProfile }),
    ...(own.procMount === 'Unmasked' && { unmasksProc: true }),
    ...(seLinuxOptions && { seLinuxOptions }),
  }
}

type ImageUser = Pick<SecurityConfig, 'runAsUser' | 'runAsUsername'>

/**
 * Whom an image wants to run as: an ID or a name, never both. Its group does not count: the user's own one in the image does
 * (containerd's getUserFromImage, which all of Kubernetes goes by).
 */
export function userOfImage(text: string): ImageUser {
  const [user = ''] = text.split(':')
  if (user === '') return {}
  return /^[+-]?\d{1,15}$/.test(user) ? { runAsUser: Number(user) } : { runAsUsername: user }
}

function demandNonRoot(
  pod: Pod,
  container: AnyContainer,
  asked: number | undefined,
  { runAsUser = 0, runAsUsername }: ImageUser,
): void {
  const subject = `(pod: "${podLabel(pod)}", container: ${container.name})`
  const refuse = (message: string) => new SyncError('CreateContainerConfigError', `${message} ${subject}`)
  if (asked === 0) throw refuse("container's runAsUser breaks non-root policy")
  if (asked !== undefined) return
  if (runAsUsername !== undefined) {
    const user = `non-numeric user (${runAsUsername})`
    throw refuse(`container has runAsNonRoot and image has ${user}, cannot verify user is non-root`)
  }
  if (runAsUser === 0) throw refuse('container has runAsNonRoot and image will run as root')
}

/** pkg/kubelet/kuberuntime/helpers.go getSeccompProfile. */
function seccompProfileOf(pod: Pod, container: AnyContainer, { seccompDefault, seccompRoot }: SecurityOptions): string {
  const profile = container.securityContext?.seccompProfile ?? pod.spec.securityContext.seccompProfile
  if (!profile) return seccompDefault ? 'RuntimeDefault' : 'Unconfined'
  if (profile.type !== 'Localhost') return profile.type
  const { localhostProfile: path = '' } = profile
  // The API server says so too, but not every pod comes from there.
  const isInside = path !== '' && !path.startsWith('/') && !path.split('/').includes('..')
  if (!isInside) throw new SyncError('CreateContainerConfigError', `seccomp profile "${path}" is not below ${seccompRoot}`)
  return `localhost/${join(seccompRoot, path)}`
}

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/'

/**
 * The AppArmor profile that is asked for: in the container's fields, in the old annotation, in the pod's fields
 * (pkg/security/apparmor/helpers.go). `RuntimeDefault`, `Unconfined`, `localhost/<name>`; `undefined`: nobody has asked.
 */
export function appArmorProfileOf({ metadata, spec }: Pod, container: AnyContainer): string | undefined {
  const own = container.securityContext?.appArmorProfile
  const annotation = own ? undefined : metadata.annotations?.[appArmorAnnotation + container.name]
  if (annotation === 'runtime/default') return 'RuntimeDefault'
  if (annotation === 'unconfined') return 'Unconfined'
  if (annotation?.startsWith('localhost/')) return annotation
  const profile = own ?? spec.securityContext.appArmorProfile
  return profile?.type === 'Localhost' ? `localhost/${profile.localhostProfile ?? ''}` : profile?.type
}

/** Whether a pod cannot do without AppArmor: anything but `unconfined` is asked for. */
export function needsAppArmor({ metadata, spec }: Pod): boolean {
  const isConfined = (context: { appArmorProfile?: { type: string } | undefined } | undefined) =>
    context?.appArmorProfile !== undefined && context.appArmorProfile.type !== 'Unconfined'
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  if (isConfined(spec.securityContext) || containers.some(({ securityContext }) => isConfined(securityContext))) return true
  const annotations = Object.entries(metadata.annotations ?? {})
  return annotations.some(([key, profile]) => key.startsWith(appArmorAnnotation) && profile !== 'unconfined')
}
