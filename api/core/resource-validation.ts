import { ownValue } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { qualifiedName } from '../names.ts'
import { compareQuantities, parseQuantity } from '../quantity.ts'
import { invalidWhen, notNegative } from '../validation.ts'

interface Needs {
  readonly limits?: Readonly<Record<string, string>>
  readonly requests?: Readonly<Record<string, string>>
}

const containerResources = ['cpu', 'memory', 'ephemeral-storage']
const isHugePages = (name: string) => name.startsWith('hugepages-')
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/')
/** Resources that someone else manages: `example.com/gpu`. */
export const isExtended = (name: string): boolean => !isNative(name) && !name.startsWith('requests.')
const isOvercommittable = (name: string) => isNative(name) && !isHugePages(name)

/** The name of something a container can ask for: standard, or of someone else (`example.com/gpu`). */
export function validateContainerResource(name: string, field: string): FieldError[] {
  const errors = invalidWhen(field, name, qualifiedName(name))
  if (errors.length > 0 || name.includes('/')) return errors
  const isStandard = containerResources.includes(name) || isHugePages(name)
  return isStandard ? [] : [fieldError.invalid(field, name, 'must be a standard resource for containers')]
}

/** Not negative, and whole where only whole amounts exist. */
export function validateAmount(name: string, amount: string, field: string): FieldError[] {
  const { nano } = parseQuantity(amount)
  const errors: FieldError[] = []
  if (nano < 0n) errors.push(fieldError.invalid(field, amount, notNegative))
  const mustBeWhole = isExtended(name) || isHugePages(name) || name === 'pods'
  if (mustBeWhole && nano % 1_000_000_000n !== 0n) errors.push(fieldError.invalid(field, amount, 'must be an integer'))
  return errors
}

/** Requests and limits of a container, or of a whole pod (pkg/apis/core/validation validateResourceRequirements). */
export function validateResources({ limits = {}, requests = {} }: Needs, field: string): FieldError[] {
  const errors: FieldError[] = []
  for (const name in limits) {
    const at = `${field}.limits[${name}]`
    errors.push(...validateContainerResource(name, at), ...validateAmount(name, limits[name] ?? '0', at))
  }
  for (const name in requests) {
    const at = `${field}.requests[${name}]`
    const request = requests[name] ?? '0'
    errors.push(...validateContainerResource(name, at), ...validateAmount(name, request, at))
    const limit = ownValue(limits, name)
    if (limit === undefined) {
      if (!isOvercommittable(name)) {
        errors.push(fieldError.required(`${field}.limits`, 'Limit must be set for non overcommitable resources'))
      }
      continue
    }
    const order = compareQuantities(parseQuantity(request), parseQuantity(limit))
    if (!isOvercommittable(name) && order !== 0) {
      errors.push(fieldError.invalid(`${field}.requests`, request, `must be equal to ${name} limit of ${limit}`))
    } else if (order > 0) {
      errors.push(fieldError.invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`))
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)]
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(fieldError.forbidden(field, 'HugePages require cpu or memory'))
  }
  return errors
}
