import { deepEqual } from '../../lib/json.ts'
import { validateClaimSpec } from '../core/claim-validation.ts'
import type { PodTemplateSpec } from '../core/pod-spec.ts'
import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { amountOf, notMoreThanAll, validateIntOrPercent } from '../int-or-percent.ts'
import { labelName } from '../names.ts'
import { matchesLabels } from '../selectors.ts'
import { invalidWhen, nonNegative, nonNegativeFields, notDecremented, supported, validateLabelSelector } from '../validation.ts'
import type { StatefulSetSpec, StatefulSetStatus } from './stateful-set.ts'
import { isEmpty, selectionOf } from './workload-validation.ts'

interface StatefulSetObject {
  readonly metadata: { readonly name: string }
  readonly spec: StatefulSetSpec
}

const mayChange = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const
const fixedSpec =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

/** Pods with identities (pkg/apis/apps/validation ValidateStatefulSet and ValidateStatefulSetUpdate). */
export function validateStatefulSet({ metadata, spec }: StatefulSetObject, old?: StatefulSetObject): FieldError[] {
  if (!old) {
    // Its pods are called after it: stricter than other workloads, but only for new ones.
    return [...invalidWhen('metadata.name', metadata.name, labelName(metadata.name)), ...validateSpec(spec, {})]
  }
  const wasInvalid = validateSpec(old.spec, { isOld: true }).length > 0
  const errors = validateSpec(spec, { isOld: true, skipsTemplate: wasInvalid })
  const kept = Object.fromEntries(mayChange.map(field => [field, undefined]))
  if (!deepEqual({ ...spec, ...kept }, { ...old.spec, ...kept })) errors.push(fieldError.forbidden('spec', fixedSpec))
  return errors
}

interface Leniency {
  /** What can no longer be changed need not be right. */
  readonly isOld?: boolean
  readonly skipsTemplate?: boolean
}

function validateSpec(spec: StatefulSetSpec, { isOld = false, skipsTemplate = false }: Leniency): FieldError[] {
  const { podManagementPolicy, serviceName, template, persistentVolumeClaimRetentionPolicy: retained } = spec
  const errors: FieldError[] = []
  if (podManagementPolicy !== 'OrderedReady' && podManagementPolicy !== 'Parallel') {
    const why = "must be 'OrderedReady' or 'Parallel'"
    errors.push(fieldError.invalid('spec.podManagementPolicy', podManagementPolicy, why))
  }
  errors.push(...validateStrategy(spec))
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    errors.push(...supported(`spec.persistentVolumeClaimRetentionPolicy.${when}`, retained[when], ['Retain', 'Delete']))
  }
  if (!isOld) {
    for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
      errors.push(...validateClaimSpec(claim.spec, `spec.volumeClaimTemplates[${i}].spec`))
    }
  }
  errors.push(...nonNegativeFields('spec', spec, ['replicas', 'minReadySeconds']))
  errors.push(...nonNegative('spec.ordinals.start', spec.ordinals?.start))
  if (!isOld && serviceName) errors.push(...invalidWhen('spec.serviceName', serviceName, labelName(serviceName)))
  errors.push(...validateSelection(spec, skipsTemplate))
  errors.push(...supported('spec.template.spec.restartPolicy', template.spec.restartPolicy, ['Always']))
  if (template.spec.activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in StatefulSet is not Supported'
    errors.push(fieldError.forbidden('spec.template.spec.activeDeadlineSeconds', why))
  }
  return errors
}

function validateStrategy({ updateStrategy }: StatefulSetSpec): FieldError[] {
  const { type, rollingUpdate } = updateStrategy
  const at = 'spec.updateStrategy'
  if (type !== 'OnDelete' && type !== 'RollingUpdate') {
    return [fieldError.invalid(at, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'")]
  }
  if (!rollingUpdate) return []
  if (type === 'OnDelete') {
    const why = "only allowed for updateStrategy 'RollingUpdate'"
    return [fieldError.invalid(`${at}.rollingUpdate`, rollingUpdate, why)]
  }
  const { partition, maxUnavailable } = rollingUpdate
  const errors = nonNegative(`${at}.rollingUpdate.partition`, partition)
  if (maxUnavailable === undefined) return errors
  const field = `${at}.rollingUpdate.maxUnavailable`
  errors.push(...validateIntOrPercent(field, maxUnavailable))
  if (amountOf(maxUnavailable) === 0) errors.push(fieldError.invalid(field, maxUnavailable, 'cannot be 0'))
  return [...errors, ...notMoreThanAll(field, maxUnavailable)]
}

function validateSelection(spec: StatefulSetSpec, skipsTemplate: boolean): FieldError[] {
  const { selector, template } = spec
  const errors: FieldError[] = []
  if (!selector) errors.push(fieldError.required('spec.selector'))
  else {
    errors.push(...validateLabelSelector(selector, 'spec.selector'))
    if (isEmpty(selector)) {
      errors.push(fieldError.invalid('spec.selector', selector, 'empty selector is invalid for statefulset'))
    }
  }
  const selects = selectionOf(selector)
  if (selects === undefined) return [...errors, fieldError.invalid('spec.selector', selector, '')]
  if (!matchesLabels(selects, template.metadata.labels)) {
    const why = '`selector` does not match template `labels`'
    errors.push(fieldError.invalid('spec.template.metadata.labels', template.metadata.labels ?? null, why))
  }
  if (!skipsTemplate) errors.push(...validatePodTemplate(asMade(spec), 'spec.template'))
  return errors
}

/** The template as pods will have it: with the volumes of their claims, and names that the controller gives. */
function asMade({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const { hostname: _hostname, subdomain: _subdomain, ...spec } = template.spec
  if (volumeClaimTemplates.length === 0) return { ...template, spec }
  const names = volumeClaimTemplates.map(({ metadata }) => metadata.name ?? '')
  const claims = [...new Set(names)].map(name => ({ name, persistentVolumeClaim: { claimName: name } }))
  const others = (spec.volumes ?? []).filter(({ name }) => !names.includes(name))
  return { ...template, spec: { ...spec, volumes: [...claims, ...others] } }
}

const counters = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const

/** Counters that can be true (ValidateStatefulSetStatusUpdate). */
export function validateStatefulSetStatus(status: StatefulSetStatus, old: StatefulSetStatus): FieldError[] {
  const errors = nonNegativeFields('status', status, ['replicas', ...counters, 'observedGeneration', 'collisionCount'])
  for (const name of counters) {
    const count = status[name] ?? 0
    if (count > status.replicas)
      errors.push(fieldError.invalid(`status.${name}`, count, 'cannot be greater than status.replicas'))
  }
  if (status.availableReplicas > (status.readyReplicas ?? 0)) {
    const why = 'cannot be greater than status.readyReplicas'
    errors.push(fieldError.invalid('status.availableReplicas', status.availableReplicas, why))
  }
  return [...errors, ...notDecremented('status.collisionCount', status.collisionCount, old.collisionCount)]
}
