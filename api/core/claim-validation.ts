import { type FieldError, fieldError } from '../field-errors.ts'
import { subdomainName } from '../names.ts'
import { parseQuantity } from '../quantity.ts'
import { invalidWhen, supported, validateLabelSelector } from '../validation.ts'
import type { PersistentVolumeClaimSpec } from './volume.ts'

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

/** How a volume can or must be mountable; ReadWriteOncePod stands alone. */
export function validateAccessModes(modes: readonly string[], field: string): FieldError[] {
  const errors = modes.flatMap(mode => supported(field, mode, accessModes))
  if (modes.includes('ReadWriteOncePod') && modes.some(mode => mode !== 'ReadWriteOncePod')) {
    errors.push(fieldError.forbidden(field, 'may not use ReadWriteOncePod with other access modes'))
  }
  return errors
}

/** What a claim asks for (pkg/apis/core/validation ValidatePersistentVolumeClaimSpec). */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, field: string): FieldError[] {
  const { accessModes: modes = [], selector, resources, storageClassName, volumeMode, volumeAttributesClassName } = spec
  const errors: FieldError[] = []
  if (modes.length === 0) errors.push(fieldError.required(`${field}.accessModes`, 'at least 1 access mode is required'))
  if (selector) errors.push(...validateLabelSelector(selector, `${field}.selector`))
  errors.push(...validateAccessModes(modes, `${field}.accessModes`))
  const storage = resources.requests?.storage
  if (storage === undefined) errors.push(fieldError.required(`${field}.resources[storage]`))
  else if (parseQuantity(storage).nano <= 0n) {
    errors.push(fieldError.invalid(`${field}.resources[storage]`, storage, 'must be greater than zero'))
  }
  for (const [name, value] of [
    ['storageClassName', storageClassName],
    ['volumeAttributesClassName', volumeAttributesClassName],
  ] as const) {
    if (value) errors.push(...invalidWhen(`${field}.${name}`, value, subdomainName(value)))
  }
  errors.push(...supported(`${field}.volumeMode`, volumeMode, ['Block', 'Filesystem']))
  return errors
}
