import { type FieldError, fieldError } from '../field-errors.ts'
import { validId } from '../names.ts'
import { invalidWhen, supported } from '../validation.ts'
import type { PodSpec } from './pod-spec.ts'
import type { SecurityContext } from './security-context.ts'

type Common = Pick<SecurityContext, 'runAsUser' | 'runAsGroup' | 'seccompProfile' | 'appArmorProfile'>

/** A container's privileges (pkg/apis/core/validation ValidateSecurityContext). */
export function validateSecurityContext(
  context: SecurityContext,
  { hostUsers = true }: Pick<PodSpec, 'hostUsers'>,
  field: string,
): FieldError[] {
  const errors = validateCommon(context, field)
  errors.push(...supported(`${field}.procMount`, context.procMount, ['Default', 'Unmasked']))
  if (hostUsers && context.procMount === 'Unmasked') {
    errors.push(fieldError.invalid(`${field}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  if (context.allowPrivilegeEscalation !== false) return errors
  if (context.privileged) {
    const why = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'
    errors.push(fieldError.invalid(field, context, why))
  }
  if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
    const why = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'
    errors.push(fieldError.invalid(field, context, why))
  }
  return errors
}

const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/
const sysctlRule =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'

/** The privileges of a whole pod. */
export function validatePodSecurityContext(spec: PodSpec, field: string): FieldError[] {
  const { securityContext: context, hostPID, shareProcessNamespace } = spec
  const errors = validateCommon(context, field)
  if (context.fsGroup !== undefined) errors.push(...invalidWhen(`${field}.fsGroup`, context.fsGroup, validId(context.fsGroup)))
  for (const [i, group] of (context.supplementalGroups ?? []).entries()) {
    errors.push(...invalidWhen(`${field}.supplementalGroups[${i}]`, group, validId(group)))
  }
  if (shareProcessNamespace && hostPID) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled'
    errors.push(fieldError.invalid(`${field}.shareProcessNamespace`, true, why))
  }
  errors.push(...supported(`${field}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']))
  errors.push(...supported(`${field}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']))
  const names = new Set<string>()
  for (const [i, { name }] of (context.sysctls ?? []).entries()) {
    const at = `${field}.sysctls[${i}].name`
    if (name === '') errors.push(fieldError.required(at))
    else if (name.length > 253 || !sysctlName.test(name)) errors.push(fieldError.invalid(at, name, sysctlRule))
    else if (names.has(name)) errors.push(fieldError.duplicate(at, name))
    if (spec.hostNetwork && name.startsWith('net.')) {
      errors.push(fieldError.invalid(at, name, "may not be specified when 'hostNetwork' is true"))
    } else if (spec.hostIPC && isOfIpc(name)) {
      errors.push(fieldError.invalid(at, name, "may not be specified when 'hostIPC' is true"))
    }
    names.add(name)
  }
  errors.push(...supported(`${field}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']))
  return errors
}

/** Kernel parameters that belong to a namespace of interprocess communication (component-helpers/node/util/sysctl). */
const isOfIpc = (name: string) => /^(kernel\.(sem|shm(all|max|mni|_rmid_forced)?|msg(max|mnb|mni)?)$|fs\.mqueue\.)/.test(name)

/** A pod with user IDs of its own shares nothing else with the node (pkg/apis/core/validation validateHostUsers). */
export function validateHostUsers(spec: PodSpec, field: string): FieldError[] {
  if (spec.hostUsers !== false) return []
  const forbidden = (at: string) => fieldError.forbidden(`${field}.${at}`, 'when `hostUsers` is false')
  const errors: FieldError[] = []
  if (spec.hostNetwork) errors.push(forbidden('hostNetwork'))
  if (spec.hostPID) errors.push(forbidden('HostPID'))
  if (spec.hostIPC) errors.push(forbidden('HostIPC'))
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [i, { volumeDevices = [] }] of (spec[list] ?? []).entries()) {
      if (volumeDevices.length > 0) errors.push(forbidden(`${list}[${i}].volumeDevices`))
    }
  }
  return errors
}

function validateCommon(context: Common, field: string): FieldError[] {
  const { runAsUser, runAsGroup } = context
  const errors: FieldError[] = []
  if (runAsUser !== undefined) errors.push(...invalidWhen(`${field}.runAsUser`, runAsUser, validId(runAsUser)))
  if (runAsGroup !== undefined) errors.push(...invalidWhen(`${field}.runAsGroup`, runAsGroup, validId(runAsGroup)))
  errors.push(...validateProfile(context.seccompProfile, `${field}.seccompProfile`, 'seccomp type'))
  errors.push(...validateProfile(context.appArmorProfile, `${field}.appArmorProfile`, 'AppArmor type'))
  const path = context.seccompProfile?.type === 'Localhost' ? context.seccompProfile.localhostProfile : undefined
  if (path !== undefined) errors.push(...validateDescendingPath(path, `${field}.seccompProfile.localhostProfile`))
  const name = context.appArmorProfile?.type === 'Localhost' ? context.appArmorProfile.localhostProfile : undefined
  if (name !== undefined) errors.push(...validateProfileName(name, `${field}.appArmorProfile.localhostProfile`))
  return errors
}

function validateDescendingPath(path: string, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (path.startsWith('/')) errors.push(fieldError.invalid(field, path, 'must be a relative path'))
  if (path.split('/').includes('..')) errors.push(fieldError.invalid(field, path, "must not contain '..'"))
  return errors
}

const longestPath = 4095

function validateProfileName(name: string, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (name.trim() !== name) errors.push(fieldError.invalid(field, name, 'must not be padded with whitespace'))
  if (Buffer.byteLength(name) > longestPath) errors.push(fieldError.tooLong(field, longestPath))
  return errors
}

function validateProfile(profile: Common['seccompProfile'], field: string, what: string): FieldError[] {
  if (!profile) return []
  const { type, localhostProfile } = profile
  if (!type) {
    const name = what.startsWith('seccomp') ? 'seccompProfile' : 'appArmorProfile'
    return [fieldError.required(`${field}.type`, `type is required when ${name} is set`)]
  }
  const at = `${field}.localhostProfile`
  if (type === 'Localhost') return localhostProfile ? [] : [fieldError.required(at, `must be set when ${what} is Localhost`)]
  const errors = supported(`${field}.type`, type, ['Localhost', 'RuntimeDefault', 'Unconfined'])
  if (localhostProfile !== undefined) {
    errors.push(fieldError.invalid(at, localhostProfile, `can only be set when ${what} is Localhost`))
  }
  return errors
}

const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/'

/**
 * AppArmor profiles in the old annotations: of containers that there are, in a form that makes sense, and the same as in the fields
 * (pkg/apis/core/validation ValidateAppArmorPodAnnotations, validateAppArmorAnnotationsAndFieldsMatchOnCreate).
 */
export function validateAppArmorAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  spec: PodSpec,
  isNew: boolean,
): FieldError[] {
  const errors: FieldError[] = []
  for (const [key, profile] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(appArmorAnnotation)) continue
    const field = `metadata.annotations[${key}]`
    const name = key.slice(appArmorAnnotation.length)
    const found = findContainer(spec, name)
    if (!found) errors.push(fieldError.invalid(field, name, 'container not found'))
    if (!/^(|runtime\/default|unconfined|localhost\/[^]*)$/.test(profile)) {
      errors.push(fieldError.invalid(field, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`))
    }
    if (found && isNew && spec.os?.name !== 'windows') errors.push(...contradictions(found, spec, profile))
  }
  return errors
}

interface Found {
  readonly context: SecurityContext | undefined
  readonly at: string
}

function findContainer(spec: PodSpec, name: string): Found | undefined {
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [i, each] of (spec[list] ?? []).entries()) {
      if (each.name === name) return { context: each.securityContext, at: `spec.${list}[${i}].securityContext.appArmorProfile` }
    }
  }
  return undefined
}

function contradictions({ context, at }: Found, { securityContext }: PodSpec, annotation: string): FieldError[] {
  const { type, localhostProfile } = context?.appArmorProfile ?? securityContext.appArmorProfile ?? {}
  const otherType = [fieldError.forbidden(`${at}.type`, 'apparmor type in annotation and field must match')]
  if (type === 'Unconfined') return annotation === 'unconfined' ? [] : otherType
  if (type === 'RuntimeDefault') return annotation === 'runtime/default' ? [] : otherType
  if (type !== 'Localhost' || annotation === `localhost/${localhostProfile}`) return []
  if (!annotation.startsWith('localhost/')) return otherType
  return [fieldError.forbidden(`${at}.localhostProfile`, 'apparmor profile in annotation and field must match')]
}
