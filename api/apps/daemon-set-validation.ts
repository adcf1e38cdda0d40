import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { amountOf, notMoreThanAll, validateIntOrPercent } from '../int-or-percent.ts'
import { matchesLabels } from '../selectors.ts'
import { nonNegativeFields, notDecremented, supported, unchanged, validateLabelSelector } from '../validation.ts'
import type { DaemonSetSpec, DaemonSetStatus } from './daemon-set.ts'
import { isEmpty, selectionOf } from './workload-validation.ts'

/** One pod on each node (pkg/apis/apps/validation ValidateDaemonSet and ValidateDaemonSetUpdate). */
export function validateDaemonSetSpec(spec: DaemonSetSpec, old?: DaemonSetSpec): FieldError[] {
  const { selector, template } = spec
  const errors = old ? unchanged('spec.selector', selector, old.selector) : []
  errors.push(...validateLabelSelector(selector, 'spec.selector'))
  const selects = selectionOf(selector)
  if (selects !== undefined && !matchesLabels(selects, template.metadata.labels)) {
    const why = '`selector` does not match template `labels`'
    errors.push(fieldError.invalid('spec.template.metadata.labels', template.metadata.labels ?? null, why))
  }
  if (selector && isEmpty(selector)) {
    errors.push(fieldError.invalid('spec.selector', selector, 'empty selector is invalid for daemonset'))
  }
  errors.push(...validatePodTemplate(template, 'spec.template'))
  errors.push(...supported('spec.template.spec.restartPolicy', template.spec.restartPolicy, ['Always']))
  if (template.spec.activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in DaemonSet is not Supported'
    errors.push(fieldError.forbidden('spec.template.spec.activeDeadlineSeconds', why))
  }
  errors.push(...nonNegativeFields('spec', spec, ['minReadySeconds']), ...validateStrategy(spec))
  return [...errors, ...nonNegativeFields('spec', spec, ['revisionHistoryLimit'])]
}

function validateStrategy({ updateStrategy }: DaemonSetSpec): FieldError[] {
  const { type, rollingUpdate } = updateStrategy
  if (type === 'OnDelete') return []
  if (type !== 'RollingUpdate') {
    return [fieldError.notSupported('spec.updateStrategy', updateStrategy, ['RollingUpdate', 'OnDelete'])]
  }
  const at = 'spec.updateStrategy.rollingUpdate'
  if (!rollingUpdate) return [fieldError.required(at)]
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate
  const errors = validateIntOrPercent(`${at}.maxUnavailable`, maxUnavailable)
  errors.push(...validateIntOrPercent(`${at}.maxSurge`, maxSurge))
  errors.push(...notMoreThanAll(`${at}.maxUnavailable`, maxUnavailable), ...notMoreThanAll(`${at}.maxSurge`, maxSurge))
  const [lacks, surges] = [amountOf(maxUnavailable) !== 0, amountOf(maxSurge) !== 0]
  if (lacks && surges) {
    errors.push(fieldError.invalid(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  } else if (!lacks && !surges) {
    errors.push(fieldError.required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  }
  return errors
}

/** Counters that can be true (ValidateDaemonSetStatusUpdate). */
export function validateDaemonSetStatus(status: DaemonSetStatus, old: DaemonSetStatus): FieldError[] {
  const errors = nonNegativeFields('status', status, [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ])
  return [...errors, ...notDecremented('status.collisionCount', status.collisionCount, old.collisionCount)]
}
