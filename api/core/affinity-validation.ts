import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName, labelValueText, qualifiedName } from '../names.ts'
import { invalidWhen, supported, validateLabelSelector } from '../validation.ts'
import {
  type Affinity,
  type NodeSelector,
  type NodeSelectorRequirement,
  type NodeSelectorTerm,
  type PodAffinityTerm,
  type Toleration,
  type TopologySpreadConstraint,
  taintEffects,
} from './affinity.ts'

const badOperator = 'not a valid selector operator'
const oneToHundred = 'must be in the range 1-100'

/** Terms over the labels and fields of nodes. */
export function validateNodeSelector({ nodeSelectorTerms: terms }: NodeSelector, field: string): FieldError[] {
  const at = `${field}.nodeSelectorTerms`
  if (terms.length === 0) return [fieldError.required(at, 'must have at least one node selector term')]
  return terms.flatMap((term, i) => validateTerm(term, `${at}[${i}]`))
}

function validateTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, field: string): FieldError[] {
  return [
    ...matchExpressions.flatMap((each, i) => validateExpression(each, `${field}.matchExpressions[${i}]`)),
    ...matchFields.flatMap((each, i) => validateFieldMatch(each, `${field}.matchFields[${i}]`)),
  ]
}

function validateExpression({ key, operator, values = [] }: NodeSelectorRequirement, field: string): FieldError[] {
  const errors: FieldError[] = []
  const at = `${field}.values`
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) errors.push(fieldError.required(at, "must be specified when `operator` is 'In' or 'NotIn'"))
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.push(fieldError.forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      }
      break
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.push(fieldError.required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
      }
      break
    default:
      errors.push(fieldError.invalid(`${field}.operator`, operator, badOperator))
  }
  errors.push(...invalidWhen(`${field}.key`, key, qualifiedName(key)))
  for (const [i, value] of values.entries()) errors.push(...invalidWhen(`${at}[${i}]`, value, labelValueText(value)))
  return errors
}

function validateFieldMatch({ key, operator, values = [] }: NodeSelectorRequirement, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(fieldError.invalid(`${field}.operator`, operator, badOperator))
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
    errors.push(fieldError.required(`${field}.values`, why))
  }
  if (key !== 'metadata.name') errors.push(fieldError.invalid(`${field}.key`, key, 'not a valid field selector key'))
  return errors
}

/** Where a pod wants to run (pkg/apis/core/validation validateAffinity). */
export function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (nodeAffinity) {
    const required = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    const at = `${field}.nodeAffinity`
    if (required) errors.push(...validateNodeSelector(required, `${at}.requiredDuringSchedulingIgnoredDuringExecution`))
    for (const [i, { weight, preference }] of (nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const term = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      errors.push(...validateWeight(weight, term), ...validateTerm(preference, `${term}.preference`))
    }
  }
  for (const [name, terms] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    for (const [i, term] of (terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      errors.push(...validatePodTerm(term, `${field}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`))
    }
    for (const [i, { weight, podAffinityTerm }] of (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const at = `${field}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      errors.push(...validateWeight(weight, at), ...validatePodTerm(podAffinityTerm, `${at}.podAffinityTerm`))
    }
  }
  return errors
}

const validateWeight = (weight: number, field: string): FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [fieldError.invalid(`${field}.weight`, weight, oneToHundred)]

function validatePodTerm({ labelSelector, namespaces = [], namespaceSelector, topologyKey }: PodAffinityTerm, field: string) {
  const errors = labelSelector ? validateLabelSelector(labelSelector, `${field}.labelSelector`) : []
  if (namespaceSelector) errors.push(...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`))
  for (const namespace of namespaces) errors.push(...invalidWhen(`${field}.namespaces`, namespace, labelName(namespace)))
  errors.push(...validateTopologyKey(topologyKey, `${field}.topologyKey`))
  return errors
}

const validateTopologyKey = (key: string, field: string): FieldError[] =>
  key === '' ? [fieldError.required(field, 'can not be empty')] : invalidWhen(field, key, qualifiedName(key))

/** Which taints a pod puts up with (semantics E2). */
export function validateTolerations(tolerations: readonly Toleration[], at: string): FieldError[] {
  return tolerations.flatMap(({ key = '', operator = 'Equal', value = '', effect, tolerationSeconds }, i) => {
    const field = `${at}[${i}]`
    const errors = key ? invalidWhen(`${field}.key`, key, qualifiedName(key)) : []
    if (!key && operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
      errors.push(fieldError.invalid(`${field}.operator`, operator, why))
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
      errors.push(fieldError.invalid(`${field}.effect`, effect ?? '', why))
    }
    if (operator === 'Equal') {
      const faults = labelValueText(value)
      if (faults.length > 0) errors.push(fieldError.invalid(`${field}.operator`, value, faults.join(';')))
    } else if (operator === 'Exists') {
      if (value) errors.push(fieldError.invalid(`${field}.operator`, value, "value must be empty when `operator` is 'Exists'"))
    } else errors.push(fieldError.notSupported(`${field}.operator`, operator, ['Equal', 'Exists']))
    errors.push(...supported(`${field}.effect`, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']))
    return errors
  })
}

/** Taints of a node: sound, and each key and effect once. */
export function validateTaints(
  taints: readonly { key: string; value?: string | undefined; effect: string }[],
  at: string,
): FieldError[] {
  const seen = new Set<string>()
  return taints.flatMap(({ key, value = '', effect }, i) => {
    const field = `${at}[${i}]`
    const errors = invalidWhen(`${field}.key`, key, qualifiedName(key))
    const faults = labelValueText(value)
    if (faults.length > 0) errors.push(fieldError.invalid(`${field}.value`, value, faults.join(';')))
    errors.push(...(effect ? supported(`${field}.effect`, effect, taintEffects) : [fieldError.required(`${field}.effect`)]))
    const id = `${key}:${effect}`
    if (seen.has(id)) errors.push({ ...fieldError.duplicate(field, { key, effect }) })
    seen.add(id)
    return errors
  })
}

/** How evenly pods are spread. */
export function validateSpread(constraints: readonly TopologySpreadConstraint[], at: string): FieldError[] {
  const seen = new Set<string>()
  return constraints.flatMap((constraint, i) => {
    const { maxSkew, topologyKey, whenUnsatisfiable: when, minDomains, labelSelector } = constraint
    const field = `${at}[${i}]`
    const errors: FieldError[] = []
    if (maxSkew <= 0) errors.push(fieldError.invalid(`${field}.maxSkew`, maxSkew, 'must be greater than zero'))
    errors.push(...validateTopologyKey(topologyKey, `${field}.topologyKey`))
    errors.push(...supported(`${field}.whenUnsatisfiable`, when, ['DoNotSchedule', 'ScheduleAnyway']))
    const pair = `{${topologyKey}, ${when}}`
    if (seen.has(pair)) errors.push(fieldError.duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, pair))
    seen.add(pair)
    if (minDomains !== undefined && minDomains <= 0) {
      errors.push(fieldError.invalid(`${field}.minDomains`, minDomains, 'must be greater than zero'))
    }
    if (minDomains !== undefined && when !== 'DoNotSchedule') {
      const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${when}`
      errors.push(fieldError.invalid(`${field}.minDomains`, minDomains, why))
    }
    for (const policy of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      errors.push(...supported(`${field}.${policy}`, constraint[policy], ['Honor', 'Ignore']))
    }
    if (labelSelector) errors.push(...validateLabelSelector(labelSelector, `${field}.labelSelector`))
    return errors
  })
}
