import { copy, deepEqual } from '../../lib/json.ts'
import { changedPaths } from '../changed-paths.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import type { Draft } from '../kind.ts'
import type { Container } from './container.ts'
import type { PodSpec } from './pod-spec.ts'
import { validatePodSpec } from './pod-spec-validation.ts'
import type { PodObject } from './pod-status.ts'
import { validateAppArmorAnnotations } from './security-validation.ts'

/** A pod by itself, and what of it may change (pkg/apis/core/validation ValidatePodUpdate, semantics E4). */
export function validatePod(pod: PodObject, old?: PodObject): FieldError[] {
  const errors = validatePodSpec(pod.spec, 'spec')
  errors.push(...validateAppArmorAnnotations(pod.metadata.annotations, pod.spec, old === undefined))
  if (old) return [...errors, ...validateUpdate(pod.spec, old.spec)]
  if (pod.spec.ephemeralContainers) errors.push(fieldError.forbidden('spec.ephemeralContainers', 'cannot be set on create'))
  if (pod.spec.nodeName && pod.spec.schedulingGates) {
    errors.push(fieldError.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  }
  return errors
}

const fixedSpec =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

function validateUpdate(spec: PodSpec, old: PodSpec): FieldError[] {
  for (const [field, word] of [
    ['containers', 'containers'],
    ['initContainers', 'init containers'],
  ] as const) {
    if ((spec[field]?.length ?? 0) !== (old[field]?.length ?? 0)) {
      return [fieldError.forbidden(`spec.${field}`, `pod updates may not add or remove ${word}`)]
    }
  }
  const errors = [...validateDeadline(spec, old), ...validateTolerationChange(spec, old), ...validateGateChange(spec, old)]
  const comparable = withPermittedChanges(spec, old)
  if (!deepEqual(comparable, old)) {
    const changes = changedPaths(old, comparable, 'spec').map(change => `  ${change}`)
    errors.push(fieldError.forbidden('spec', `${fixedSpec}\n${changes.join('\n')}`))
  }
  return errors
}

/** The new spec with everything that may change put back to what it was. */
function withPermittedChanges(spec: PodSpec, old: PodSpec): PodSpec {
  const comparable: Draft<PodSpec> = copy(spec)
  const restoreImages = (containers: Draft<Container>[] = [], before: readonly Container[] = []) => {
    for (const [i, container] of containers.entries()) container.image = before[i]?.image ?? container.image
  }
  restoreImages(comparable.containers, old.containers)
  restoreImages(comparable.initContainers, old.initContainers)
  restore(comparable, old, 'activeDeadlineSeconds')
  restore(comparable, old, 'tolerations')
  restore(comparable, old, 'schedulingGates')
  if (spec.terminationGracePeriodSeconds === 1 && old.terminationGracePeriodSeconds < 0) {
    comparable.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds
  }
  // While gates hold a pod back, where it may go can still be narrowed down.
  if (old.schedulingGates) {
    restore(comparable, old, 'nodeSelector')
    restore(comparable, old, 'affinity')
  }
  return comparable
}

function restore<Key extends keyof PodSpec>(comparable: Draft<PodSpec>, old: PodSpec, key: Key): void {
  if (old[key] === undefined) delete comparable[key]
  else (comparable as PodSpec)[key] = old[key]
}

function validateDeadline({ activeDeadlineSeconds: now }: PodSpec, { activeDeadlineSeconds: before }: PodSpec): FieldError[] {
  const field = 'spec.activeDeadlineSeconds'
  if (before === undefined || now === before) return []
  if (now === undefined) return [fieldError.invalid(field, null, 'must not update from a positive integer to nil value')]
  return now > before ? [fieldError.invalid(field, now, 'must be less than or equal to previous value')] : []
}

function validateTolerationChange({ tolerations = [] }: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  for (const before of old.tolerations ?? []) {
    const isKept = tolerations.some(each => deepEqual({ ...each, tolerationSeconds: 0 }, { ...before, tolerationSeconds: 0 }))
    if (isKept) continue
    errors.push(fieldError.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
    break
  }
  return errors
}

function validateGateChange({ schedulingGates = [] }: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name))
  return schedulingGates
    .filter(({ name }) => !before.has(name))
    .map(({ name }) =>
      fieldError.forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate '${name}'`),
    )
}
