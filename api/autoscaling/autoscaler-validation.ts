import { validateContainerResource } from '../core/resource-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName, pathSegmentName } from '../names.ts'
import { parseQuantity } from '../quantity.ts'
import { invalidWhen, nonNegativeFields, notNegative, requiredName, supported } from '../validation.ts'
import type { AutoscalerSpec, AutoscalerStatus } from './autoscaler-spec.ts'
import type { CrossVersionObjectReference, MetricSpec, MetricTarget } from './metric-spec.ts'

interface AutoscalerObject {
  readonly spec: AutoscalerSpec
}

/** An autoscaler (pkg/apis/autoscaling/validation ValidateHorizontalPodAutoscaler and its Update). */
export function validateAutoscaler({ spec }: AutoscalerObject, old?: AutoscalerObject): FieldError[] {
  const { minReplicas, maxReplicas, scaleTargetRef: target, metrics = [], behavior = {} } = spec
  const errors: FieldError[] = []
  const fewest = old?.spec.minReplicas === 0 ? 0 : 1
  if (minReplicas < fewest) {
    errors.push(fieldError.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${fewest}`))
  }
  if (maxReplicas < 1) errors.push(fieldError.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (maxReplicas < minReplicas) {
    errors.push(fieldError.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  const before = old?.spec.scaleTargetRef
  const isSameTarget = before?.apiVersion === target.apiVersion && before?.kind === target.kind
  const needs = isSameTarget ? 'nothing' : target.kind === 'ReplicationController' ? 'version' : 'group'
  errors.push(...validateReference(target, 'spec.scaleTargetRef', needs))
  for (const [i, metric] of metrics.entries()) errors.push(...validateMetric(metric, `spec.metrics[${i}]`))
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const why = 'must specify at least one Object or External metric to support scaling to zero replicas'
    errors.push(fieldError.forbidden('spec.metrics', why))
  }
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const rules = behavior[direction]
    if (rules) errors.push(...validateRules(rules, `spec.behavior.${direction}`))
  }
  return errors
}

/** ValidateHorizontalPodAutoscalerStatusUpdate. */
export const validateAutoscalerStatus = ({ status }: { status: AutoscalerStatus }): FieldError[] =>
  nonNegativeFields('status', status, ['currentReplicas', 'desiredReplicas'])

/** What a reference's apiVersion must have. */
type Needs = 'nothing' | 'version' | 'group'

function validateReference({ kind, name, apiVersion = '' }: CrossVersionObjectReference, at: string, needs: Needs): FieldError[] {
  const errors = requiredName(`${at}.kind`, kind, pathSegmentName)
  errors.push(...requiredName(`${at}.name`, name, pathSegmentName))
  if (needs === 'nothing') return errors
  const parts = apiVersion.split('/')
  const field = `${at}.apiVersion`
  if (parts.length > 2) errors.push(fieldError.invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  else if (needs === 'group' && (parts.length === 1 || parts[0] === '')) {
    errors.push(fieldError.invalid(field, apiVersion, 'apiVersion must specify API group'))
  }
  return errors
}

type Rules = NonNullable<NonNullable<AutoscalerSpec['behavior']>['scaleUp']>
const longest = { window: 3600, period: 1800 }

function validateRules(
  { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance }: Rules,
  at: string,
): FieldError[] {
  const errors: FieldError[] = []
  const windowAt = `${at}.stabilizationWindowSeconds`
  if (window !== undefined && window < 0) {
    errors.push(fieldError.invalid(windowAt, window, 'must be greater than or equal to zero'))
  }
  if (window !== undefined && window > longest.window) {
    errors.push(fieldError.invalid(windowAt, window, `must be less than or equal to ${longest.window}`))
  }
  errors.push(...supported(`${at}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min']))
  if (policies.length === 0) errors.push(fieldError.required(`${at}.policies`, 'must specify at least one Policy'))
  for (const [i, { type, value, periodSeconds }] of policies.entries()) {
    const field = `${at}.policies[${i}]`
    errors.push(...supported(`${field}.type`, type, ['Percent', 'Pods']))
    if (value <= 0) errors.push(fieldError.invalid(`${field}.value`, value, 'must be greater than zero'))
    if (periodSeconds <= 0) errors.push(fieldError.invalid(`${field}.periodSeconds`, periodSeconds, 'must be greater than zero'))
    if (periodSeconds > longest.period) {
      errors.push(fieldError.invalid(`${field}.periodSeconds`, periodSeconds, `must be less than or equal to ${longest.period}`))
    }
  }
  if (tolerance !== undefined && parseQuantity(tolerance).nano < 0n) {
    errors.push(fieldError.invalid(`${at}.tolerance`, tolerance, notNegative))
  }
  return errors
}

const fieldOf = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
} as const
const types = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']

/** One source, and the one that its type says. */
function validateMetric(metric: MetricSpec, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (!metric.type) errors.push(fieldError.required(`${at}.type`, 'must specify a metric source type'))
  errors.push(...supported(`${at}.type`, metric.type, types))
  const [first, ...more] = Object.values(fieldOf).filter(field => metric[field] !== undefined)
  if (first) errors.push(...validateSource(metric, first, `${at}.${first}`))
  const expected = Object.hasOwn(fieldOf, metric.type) ? fieldOf[metric.type] : undefined
  if (expected && !metric[expected]) {
    errors.push(fieldError.required(`${at}.${expected}`, 'must populate information for the given metric source'))
  } else if (!expected) errors.push(...supported(`${at}.type`, metric.type, types))
  const surplus = more.length > 0 && first ? [first, ...more].filter(field => field !== expected) : []
  for (const field of surplus) {
    errors.push(fieldError.forbidden(`${at}.${field}`, 'must populate the given metric source only'))
  }
  return errors
}

function validateSource(metric: MetricSpec, source: (typeof fieldOf)[keyof typeof fieldOf], at: string): FieldError[] {
  const { object, external, pods, resource, containerResource } = metric
  const identifier = (name: string) =>
    name === ''
      ? [fieldError.required(`${at}.metric.name`, 'must specify a metric name')]
      : invalidWhen(`${at}.metric.name`, name, pathSegmentName(name))
  const needsOne = (field: string, isThere: boolean, why: string) =>
    isThere ? [] : [fieldError.required(`${at}.target.${field}`, why)]
  if (source === 'object' && object) {
    const { describedObject, target } = object
    return [
      ...validateReference(describedObject, `${at}.describedObject`, 'version'),
      ...identifier(object.metric.name),
      ...validateTarget(target, `${at}.target`),
      ...needsOne('averageValue', !!target.value || !!target.averageValue, 'must set either a target value or averageValue'),
    ]
  }
  if (source === 'external' && external) {
    const { target } = external
    const why = 'must set either a target value for metric or a per-pod target'
    const both = 'may not set both a target value for metric and a per-pod target'
    return [
      ...identifier(external.metric.name),
      ...validateTarget(target, `${at}.target`),
      ...needsOne('averageValue', !!target.value || !!target.averageValue, why),
      ...(target.value && target.averageValue ? [fieldError.forbidden(`${at}.target.value`, both)] : []),
    ]
  }
  if (source === 'pods' && pods) {
    return [
      ...identifier(pods.metric.name),
      ...validateTarget(pods.target, `${at}.target`),
      ...needsOne('averageValue', !!pods.target.averageValue, 'must specify a positive target averageValue'),
    ]
  }
  const used = source === 'containerResource' ? containerResource : resource
  if (!used) return []
  const errors = used.name === '' ? [fieldError.required(`${at}.name`, 'must specify a resource name')] : []
  if (source === 'containerResource' && containerResource) {
    const { name, container } = containerResource
    if (name !== '') errors.push(...validateContainerResource(name, `${at}.name`))
    if (container === '') errors.push(fieldError.required(`${at}.container`, 'must specify a container'))
    else errors.push(...invalidWhen(`${at}.container`, container, labelName(container)))
  }
  return [...errors, ...validateUsageTarget(used.target, `${at}.target`)]
}

function validateUsageTarget(target: MetricTarget, at: string): FieldError[] {
  const { averageUtilization, averageValue } = target
  const errors = validateTarget(target, at)
  if (averageUtilization === undefined && averageValue === undefined) {
    errors.push(fieldError.required(`${at}.averageUtilization`, 'must set either a target raw value or a target utilization'))
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.push(fieldError.forbidden(`${at}.averageValue`, 'may not set both a target raw value and a target utilization'))
  }
  return errors
}

function validateTarget({ type, value, averageValue, averageUtilization }: MetricTarget, at: string): FieldError[] {
  const errors = type ? [] : [fieldError.required(`${at}.type`, 'must specify a metric target type')]
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(fieldError.invalid(`${at}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  }
  for (const [field, amount] of Object.entries({ value, averageValue })) {
    if (amount === undefined || parseQuantity(amount).nano > 0n) continue
    errors.push(fieldError.invalid(`${at}.${field}`, amount, 'must be positive'))
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(fieldError.invalid(`${at}.averageUtilization`, averageUtilization, 'must be greater than 0'))
  }
  return errors
}
