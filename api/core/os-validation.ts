import { type FieldError, fieldError } from '../field-errors.ts'
import type { PodSpec } from './pod-spec.ts'

const ofPod = [
  ...(['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls', 'runAsUser'] as const),
  ...(['runAsGroup', 'supplementalGroups', 'supplementalGroupsPolicy', 'seLinuxChangePolicy'] as const),
]
const ofContainer = [
  ...(['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged'] as const),
  ...(['allowPrivilegeEscalation', 'procMount', 'runAsUser', 'runAsGroup'] as const),
]

/** What a pod may not have that says for which system it is (pkg/apis/core/validation validateLinux, validateWindows). */
export function validateOs(spec: PodSpec, at: string): FieldError[] {
  if (spec.os?.name === 'linux') return forLinux(spec, at)
  return spec.os?.name === 'windows' ? forWindows(spec, at) : []
}

/** Every securityContext of a container, and where it is. */
function contexts(spec: PodSpec, at: string) {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap(list =>
    (spec[list] ?? []).flatMap(({ securityContext: context }, i) =>
      context ? [{ context, field: `${at}.${list}[${i}].securityContext` }] : [],
    ),
  )
}

function forLinux(spec: PodSpec, at: string): FieldError[] {
  const all = [{ context: spec.securityContext, field: `${at}.securityContext` }, ...contexts(spec, at)]
  return all
    .filter(({ context }) => context.windowsOptions)
    .map(({ field }) => fieldError.forbidden(`${field}.windowsOptions`, 'windows options cannot be set for a linux pod'))
}

function forWindows(spec: PodSpec, at: string): FieldError[] {
  const fields: string[] = []
  for (const name of ofPod) {
    const value = spec.securityContext[name]
    if (value !== undefined && !(name === 'sysctls' && spec.securityContext.sysctls?.length === 0)) {
      fields.push(`${at}.securityContext.${name}`)
    }
  }
  if (spec.hostUsers !== undefined) fields.push(`${at}.hostUsers`)
  for (const name of ['hostPID', 'hostIPC', 'shareProcessNamespace'] as const) if (spec[name]) fields.push(`${at}.${name}`)
  for (const { context, field } of contexts(spec, at)) {
    for (const name of ofContainer) if (context[name] !== undefined) fields.push(`${field}.${name}`)
  }
  return fields.map(field => fieldError.forbidden(field, 'cannot be set for a windows pod'))
}
