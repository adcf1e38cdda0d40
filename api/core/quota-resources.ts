import { type FieldError, fieldError } from '../field-errors.ts'
import { qualifiedName } from '../names.ts'
import { parseQuantity } from '../quantity.ts'
import { invalidWhen, notNegative } from '../validation.ts'
import { isExtended } from './resource-validation.ts'

/** What quotas and limits may be about (pkg/apis/core/helper/helpers.go). */
const objects = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]
const amounts = [
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
]
const counted: ReadonlySet<string> = new Set(objects)
const quotaResources: ReadonlySet<string> = new Set([...objects, ...amounts])
const isHugePages = (name: string) => name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')

/** Whether quotas know the resource by this name. */
export const isQuotaResource = (name: string): boolean => quotaResources.has(name) || isHugePages(name)

/** A name that stands for some resource: a standard one, or one with a prefix. */
export function validateResourceName(name: string, field: string): FieldError[] {
  const errors = invalidWhen(field, name, qualifiedName(name))
  if (errors.length > 0 || name.includes('/')) return errors
  const isStandard = name === 'storage' || isQuotaResource(name)
  return isStandard ? [] : [fieldError.invalid(field, name, 'must be a standard resource type or fully qualified')]
}

/** A resource that a quota can limit, and an amount it can be limited to. */
export function validateQuotaAmount(name: string, amount: string, field: string): FieldError[] {
  const errors = validateResourceName(name, field)
  if (!name.includes('/') && !isQuotaResource(name)) {
    errors.push(fieldError.invalid(field, name, 'must be a standard resource for quota'))
  }
  const { nano } = parseQuantity(amount)
  if (nano < 0n) errors.push(fieldError.invalid(field, amount, notNegative))
  if ((counted.has(name) || isExtended(name)) && nano % 1_000_000_000n !== 0n) {
    errors.push(fieldError.invalid(field, amount, 'must be an integer'))
  }
  return errors
}
