import { type FieldError, fieldError } from './field-errors.ts'
import { nonNegative } from './validation.ts'

/** A number of pods, or a share of them (k8s.io/kubernetes/pkg/apis/apps/validation ValidatePositiveIntOrPercent and its kin). */
export type IntOrPercent = number | string

const percentRule =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"

/** Not negative, and a percentage if it is text. */
export function validateIntOrPercent(field: string, share: IntOrPercent): FieldError[] {
  if (typeof share === 'number') return nonNegative(field, share)
  return isPercent(share) ? [] : [fieldError.invalid(field, share, percentRule)]
}

/** A percentage of at most 100. */
export function notMoreThanAll(field: string, share: IntOrPercent): FieldError[] {
  const isMore = typeof share === 'string' && isPercent(share) && amountOf(share) > 100
  return isMore ? [fieldError.invalid(field, share, 'must not be greater than 100%')] : []
}

const isPercent = (text: string) => /^[0-9]+%$/.test(text)

/** The number in front of the percent sign, or the number itself; what is neither counts as 0. */
export function amountOf(share: IntOrPercent): number {
  if (typeof share === 'number') return share
  return /^[+-]?\d+%?$/.test(share) ? Number.parseInt(share, 10) : 0
}
