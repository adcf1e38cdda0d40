import { type FieldError, fieldError } from '../field-errors.ts'
import { validId } from '../names.ts'
import { invalidWhen, supported } from '../validation.ts'
import type { PodSpec } from './pod-spec.ts'
import type { SecurityContext } from './security-context.ts'

type Common = Pick<SecurityContext, 'runAsUser' | 'runAsGroup' | 'seccompProfile' | 'appArmorProfile'>

/** A container's privileges (pkg/apis/core/validation ValidateSecurityContext). */
export function validateSecurityContext(context: SecurityContext, field: string): FieldError[] {
  const errors = validateCommon(context, field)
  errors.push(...supported(`${field}.procMount`, context.procMount, ['Default', 'Unmasked']))
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
    names.add(name)
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
  return errors
}

function validateProfile(profile: Common['seccompProfile'], field: string, what: string): FieldError[] {
  if (!profile) return []
  const { type, localhostProfile } = profile
  if (!type) return [fieldError.required(`${field}.type`)]
  const at = `${field}.localhostProfile`
  if (type === 'Localhost') return localhostProfile ? [] : [fieldError.required(at, `must be set when ${what} is Localhost`)]
  const errors = supported(`${field}.type`, type, ['Localhost', 'RuntimeDefault', 'Unconfined'])
  if (localhostProfile !== undefined) {
    errors.push(fieldError.invalid(at, localhostProfile, `can only be set when ${what} is Localhost`))
  }
  return errors
}
