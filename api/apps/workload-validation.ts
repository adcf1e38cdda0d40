import type { PodTemplateSpec } from '../core/pod-spec.ts'
import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { amountOf, notMoreThanAll, validateIntOrPercent } from '../int-or-percent.ts'
import type { LabelSelector } from '../meta.ts'
import { fromLabelSelector, matchesLabels } from '../selectors.ts'
import { nonNegative, supported, unchanged, validateLabelSelector } from '../validation.ts'
import type { DeploymentSpec } from './deployment.ts'
import type { ReplicaSetSpec } from './replica-set.ts'

/** Which pods a ReplicaSet keeps (pkg/apis/apps/validation ValidateReplicaSet). */
export function validateReplicaSetSpec(spec: ReplicaSetSpec, old?: ReplicaSetSpec): FieldError[] {
  const errors = nonNegative('spec.replicas', spec.replicas)
  errors.push(...nonNegative('spec.minReadySeconds', spec.minReadySeconds))
  errors.push(...validateSelection(spec))
  return old ? [...errors, ...unchanged('spec.selector', spec.selector, old.selector)] : errors
}

/** Which pods a Deployment keeps, and how it gets there (pkg/apis/apps/validation ValidateDeployment). */
export function validateDeploymentSpec(spec: DeploymentSpec, old?: DeploymentSpec): FieldError[] {
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec
  const errors = nonNegative('spec.replicas', spec.replicas)
  errors.push(...validateSelection(spec), ...validateStrategy(spec))
  errors.push(...nonNegative('spec.minReadySeconds', spec.minReadySeconds))
  errors.push(...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit))
  errors.push(...nonNegative('spec.progressDeadlineSeconds', deadline))
  if (deadline <= minReadySeconds) {
    errors.push(fieldError.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  }
  return old ? [...errors, ...unchanged('spec.selector', spec.selector, old.selector)] : errors
}

interface Selection {
  readonly selector: LabelSelector | undefined
  readonly template: PodTemplateSpec
}

/** A selector that selects what the template makes, and a template for pods that keep running. */
function validateSelection({ selector, template }: Selection): FieldError[] {
  const errors: FieldError[] = []
  if (!selector) errors.push(fieldError.required('spec.selector'))
  else {
    errors.push(...validateLabelSelector(selector, 'spec.selector'))
    if (isEmpty(selector)) {
      errors.push(fieldError.invalid('spec.selector', selector, 'empty selector is invalid for deployment'))
    }
  }
  const { labels } = template.metadata
  const selects = selectionOf(selector)
  if (selects === undefined) errors.push(fieldError.invalid('spec.selector', selector, 'invalid label selector'))
  else if (!matchesLabels(selects, labels)) {
    errors.push(
      fieldError.invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'),
    )
  }
  errors.push(...validatePodTemplate(template, 'spec.template'))
  errors.push(...supported('spec.template.spec.restartPolicy', template.spec.restartPolicy, ['Always']))
  if (template.spec.activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in ReplicaSet is not Supported'
    errors.push(fieldError.forbidden('spec.template.spec.activeDeadlineSeconds', why))
  }
  return errors
}

/** A selector that would select everything. */
export const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector) =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0

/** What a selector selects; undefined if it makes no sense. */
export function selectionOf(selector: LabelSelector | undefined) {
  try {
    return fromLabelSelector(selector)
  } catch {
    return undefined
  }
}

function validateStrategy({ strategy }: DeploymentSpec): FieldError[] {
  const { type, rollingUpdate } = strategy
  const at = 'spec.strategy'
  if (type === 'Recreate') {
    const why = "may not be specified when strategy `type` is 'Recreate'"
    return rollingUpdate ? [fieldError.forbidden(`${at}.rollingUpdate`, why)] : []
  }
  if (type !== 'RollingUpdate') return [fieldError.notSupported(`${at}.type`, type, ['Recreate', 'RollingUpdate'])]
  if (!rollingUpdate) return [fieldError.required(`${at}.rollingUpdate`, 'this should be defaulted and never be nil')]
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate
  const errors = validateIntOrPercent(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable)
  errors.push(...validateIntOrPercent(`${at}.rollingUpdate.maxSurge`, maxSurge))
  if (amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0) {
    const why = 'may not be 0 when `maxSurge` is 0'
    errors.push(fieldError.invalid(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable, why))
  }
  errors.push(...notMoreThanAll(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable))
  return errors
}
