import { ownValue } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { qualifiedName } from '../names.ts'
import { compareQuantities, milliValue, parseQuantity } from '../quantity.ts'
import { invalidWhen } from '../validation.ts'
import type { LimitRangeItem } from './limit-range.ts'
import { validateResourceName } from './quota-resources.ts'
import { isExtended, validateContainerResource } from './resource-validation.ts'

const fields = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
const types = ['Pod', 'Container', 'PersistentVolumeClaim']

/** Limits that can be fulfilled (pkg/apis/core/validation ValidateLimitRange). */
export function validateLimitRange(limits: readonly LimitRangeItem[]): FieldError[] {
  const seen = new Set<string>()
  return limits.flatMap((limit, i) => {
    const at = `spec.limits[${i}]`
    const errors = validateType(limit.type, `${at}.type`)
    if (seen.has(limit.type)) errors.push(fieldError.duplicate(`${at}.type`, limit.type))
    seen.add(limit.type)
    return [...errors, ...validateLimit(limit, at)]
  })
}

function validateType(type: string, field: string): FieldError[] {
  const errors = invalidWhen(field, type, qualifiedName(type))
  if (errors.length > 0 || type.includes('/') || types.includes(type)) return errors
  return [fieldError.invalid(field, type, 'must be a standard limit type or fully qualified')]
}

function validateLimit(limit: LimitRangeItem, at: string): FieldError[] {
  const { type, min, max } = limit
  const checkName = type === 'Pod' || type === 'Container' ? validateContainerResource : validateResourceName
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const field of fields) {
    if (field === 'maxLimitRequestRatio' && type === 'PersistentVolumeClaim' && !min?.storage && !max?.storage) {
      const why = 'either minimum or maximum storage value is required, but neither was provided'
      errors.push(fieldError.required(`${at}.limits`, why))
    }
    const given = Object.keys(limit[field] ?? {})
    if (type === 'Pod' && field.startsWith('default')) {
      if (given.length > 0) errors.push(fieldError.forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'"))
      continue
    }
    for (const name of given) {
      errors.push(...checkName(name, `${at}.${field}[${name}]`))
      names.add(name)
    }
  }
  return [...errors, ...[...names].flatMap(name => validateResource(limit, name, at))]
}

const isMore = (a: string, b: string) => compareQuantities(parseQuantity(a), parseQuantity(b)) > 0

/** That least, usual and most of one resource are in that order. */
function validateResource(limit: LimitRangeItem, name: string, at: string): FieldError[] {
  const isPod = limit.type === 'Pod'
  const min = ownValue(limit.min, name)
  const max = ownValue(limit.max, name)
  const usual = isPod ? undefined : ownValue(limit.default, name)
  const request = isPod ? undefined : ownValue(limit.defaultRequest, name)
  const errors: FieldError[] = []
  const ordered = (low: string | undefined, high: string | undefined, field: string, shown: string | undefined, why: string) => {
    if (low === undefined || high === undefined || !isMore(low, high)) return
    errors.push(fieldError.invalid(`${at}.${field}[${name}]`, shown, why))
  }
  ordered(min, max, 'min', min, `min value ${min} is greater than max value ${max}`)
  ordered(min, request, 'defaultRequest', request, `min value ${min} is greater than default request value ${request}`)
  ordered(request, max, 'defaultRequest', request, `default request value ${request} is greater than max value ${max}`)
  const higher = `default request value ${request} is greater than default limit value ${usual}`
  ordered(request, usual, 'defaultRequest', request, higher)
  ordered(min, usual, 'default', min, `min value ${min} is greater than default value ${usual}`)
  ordered(usual, max, 'default', max, `default value ${usual} is greater than max value ${max}`)
  errors.push(...validateRatio(limit, name, `${at}.maxLimitRequestRatio[${name}]`))
  const mayDiffer = !isExtended(name) && !name.startsWith('hugepages-')
  if (!mayDiffer && usual !== undefined && request !== undefined && (isMore(usual, request) || isMore(request, usual))) {
    const why = `default value ${usual} must equal to defaultRequest value ${request} in ${name}`
    errors.push(fieldError.invalid(`${at}.defaultRequest[${name}]`, request, why))
  }
  return errors
}

function validateRatio({ min, max, maxLimitRequestRatio }: LimitRangeItem, name: string, field: string): FieldError[] {
  const ratio = ownValue(maxLimitRequestRatio, name)
  if (ratio === undefined) return []
  const errors = isMore('1', ratio) ? [fieldError.invalid(field, ratio, `ratio ${ratio} is less than 1`)] : []
  const [least, most] = [ownValue(min, name), ownValue(max, name)]
  if (least === undefined || most === undefined) return errors
  const largest = milliValue(most) / milliValue(least)
  if (milliValue(ratio) / 1000 <= largest) return errors
  return [...errors, fieldError.invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${largest.toFixed(6)}`)]
}
