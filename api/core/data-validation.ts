import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { configKeyName, sizeInBytes } from '../names.ts'
import { invalidWhen } from '../validation.ts'

type Data = Readonly<Record<string, string>> | undefined

const largestInBytes = 1024 * 1024

/** Keys of ConfigMaps and Secrets, and their size in all, which `sizeField` is blamed for. */
export function validateData(
  { data, binaryData }: { readonly data?: Data; readonly binaryData?: Data },
  sizeField: string,
): FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  // A Secret's data is base64, as all binary data is.
  const isBinary = sizeField === 'data'
  for (const key in data) {
    errors.push(...invalidWhen(`data[${key}]`, key, configKeyName(key)))
    if (binaryData && Object.hasOwn(binaryData, key)) {
      errors.push(fieldError.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
    }
    size += isBinary ? decodedLength(data[key] ?? '') : sizeInBytes({ '': data[key] ?? '' })
  }
  for (const key in binaryData) {
    errors.push(...invalidWhen(`binaryData[${key}]`, key, configKeyName(key)))
    size += decodedLength(binaryData[key] ?? '')
  }
  if (size > largestInBytes) errors.push(fieldError.tooLong(sizeField, largestInBytes))
  return errors
}

const decodedLength = (base64: string) => Buffer.byteLength(base64, 'base64')

/** What may not change once `immutable` is set, itself included. */
export function validateFrozen<T extends { readonly immutable?: boolean }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  const why = 'field is immutable when `immutable` is set'
  const errors = object.immutable ? [] : [fieldError.forbidden('immutable', why)]
  for (const field of fields) if (!deepEqual(object[field], old[field])) errors.push(fieldError.forbidden(field, why))
  return errors
}
