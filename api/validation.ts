import { deepEqual } from '../lib/json.ts'
import { type FieldError, fieldError } from './field-errors.ts'
import { labelValueText, portName, portNumber, qualifiedName, sizeInBytes, subdomainName } from './names.ts'
import type { LabelSelectorObject } from './selectors.ts'
import type { KubeObject, OwnerReference } from './transport.ts'

/** The building blocks of every kind's validation (k8s.io/apimachinery/pkg/api/validation, pkg/apis/core/validation; semantics E2). */

type Metadata = Pick<KubeObject['metadata'], 'namespace' | 'labels' | 'annotations' | 'finalizers' | 'ownerReferences'> & {
  readonly generation?: number
}
type StringMap = Readonly<Record<string, string>> | undefined

/** `Invalid value` for each fault that a check finds. */
export function invalidWhen(field: string, value: unknown, faults: readonly string[]): FieldError[] {
  return faults.length === 0 ? [] : faults.map(fault => fieldError.invalid(field, value, fault))
}

/** Required if empty, otherwise Invalid for each fault. */
export function requiredName(field: string, name: string, check: (name: string) => readonly string[]): FieldError[] {
  return name === '' ? [fieldError.required(field)] : invalidWhen(field, name, check(name))
}

export const notNegative = 'must be greater than or equal to 0'

/** At least zero, if given. */
export function nonNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [fieldError.invalid(field, value, notNegative)] : []
}

/** Every one of these fields is at least zero, if given. */
export function nonNegativeFields<T extends object>(at: string, object: T, fields: readonly (keyof T & string)[]): FieldError[] {
  return fields.flatMap(name => nonNegative(`${at}.${name}`, object[name] as number | undefined))
}

/** A counter that may only rise; absent counts as taken back. */
export function notDecremented(field: string, count: number | undefined, old: number | undefined): FieldError[] {
  const isDecremented = old !== undefined && (count === undefined || count < old)
  return isDecremented ? [fieldError.invalid(field, count ?? 0, 'cannot be decremented')] : []
}

/** One of the supported words. */
export function supported(field: string, value: string | undefined, words: readonly string[]): FieldError[] {
  return value === undefined || words.includes(value) ? [] : [fieldError.notSupported(field, value, words)]
}

export const immutable = 'field is immutable'

/** Invalid if the value has changed. */
export function unchanged(field: string, value: unknown, old: unknown, detail: string = immutable): FieldError[] {
  return deepEqual(value, old) ? [] : [fieldError.invalid(field, value, detail)]
}

const urlPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"

/** `example.com/some/path`: a name that belongs to somebody. */
export function validateDomainPrefixedPath(field: string, text: string): FieldError[] {
  if (text === '') return [fieldError.required(field)]
  const [, host = '', path = ''] = /^([^/]*)\/(.*)$/s.exec(text) ?? []
  if (host === '' || path === '') {
    return [fieldError.invalid(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  }
  const errors = invalidWhen(field, host, subdomainName(host))
  if (new RegExp(`^${urlPath}$`).test(path)) return errors
  return [...errors, fieldError.invalid(field, path, `Invalid path (regex used for validation is '${urlPath}')`)]
}

/** A port's number, or its name. */
export function portNumberOrName(field: string, port: number | string): FieldError[] {
  return invalidWhen(field, port, typeof port === 'number' ? portNumber(port) : portName(port))
}

export function validateLabels(labels: StringMap, field: string): FieldError[] {
  const errors: FieldError[] = []
  for (const key in labels) {
    errors.push(...invalidWhen(field, key, qualifiedName(key)))
    errors.push(...invalidWhen(field, labels[key], labelValueText(labels[key] ?? '')))
  }
  return errors
}

const largestAnnotations = 256 * 1024

export function validateAnnotations(annotations: StringMap, field: string): FieldError[] {
  const errors: FieldError[] = []
  for (const key in annotations) errors.push(...invalidWhen(field, key, qualifiedName(key.toLowerCase())))
  if (annotations && sizeInBytes(annotations) > largestAnnotations) errors.push(fieldError.tooLong(field, largestAnnotations))
  return errors
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist']

export function validateLabelSelector(selector: LabelSelectorObject | undefined, field: string): FieldError[] {
  const errors = validateLabels(selector?.matchLabels, `${field}.matchLabels`)
  for (const [i, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${i}]`
    if (!operators.includes(operator)) {
      errors.push(fieldError.invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    } else if (operator.endsWith('In') && values.length === 0) {
      errors.push(fieldError.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
    } else if (!operator.endsWith('In') && values.length > 0) {
      errors.push(fieldError.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    }
    errors.push(...invalidWhen(`${at}.key`, key, qualifiedName(key)))
    for (const [j, value] of values.entries()) errors.push(...invalidWhen(`${at}.values[${j}]`, value, labelValueText(value)))
  }
  return errors
}

/** Everything about metadata but the name, which each kind has rules of its own for. `bareFinalizers` may be without a domain. */
export function validateMetadata(metadata: Metadata, isNamespaced: boolean, { bareFinalizers = false } = {}): FieldError[] {
  const { namespace = '', labels, annotations, finalizers = [], ownerReferences = [], generation } = metadata
  const errors: FieldError[] = []
  if (generation !== undefined) errors.push(...nonNegative('metadata.generation', generation))
  if (!isNamespaced && namespace) {
    errors.push(fieldError.forbidden('metadata.namespace', 'not allowed on this type'))
  } else if (isNamespaced && !namespace) {
    errors.push(fieldError.required('metadata.namespace'))
  }
  errors.push(...validateLabels(labels, 'metadata.labels'))
  errors.push(...validateAnnotations(annotations, 'metadata.annotations'))
  errors.push(...validateOwners(ownerReferences))
  errors.push(...validateFinalizers(finalizers, bareFinalizers))
  return errors
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
  const errors: FieldError[] = []
  let controller: string | undefined
  for (const owner of owners) {
    const { apiVersion, kind, name, uid } = owner
    const at = 'metadata.ownerReferences'
    if (!apiVersion.includes('/') && apiVersion === '') {
      errors.push(fieldError.invalid(`${at}.apiVersion`, apiVersion, 'version must not be empty'))
    }
    if (kind === '') errors.push(fieldError.invalid(`${at}.kind`, kind, 'must not be empty'))
    if (name === '') errors.push(fieldError.invalid(`${at}.name`, name, 'must not be empty'))
    if (uid === '') errors.push(fieldError.invalid(`${at}.uid`, uid, 'must not be empty'))
    if (apiVersion === 'v1' && kind === 'Event') {
      errors.push(fieldError.invalid(at, owner, `${apiVersion}, Kind=${kind} is disallowed from being an owner`))
    }
    if (owner.controller !== true) continue
    if (controller === undefined) controller = name
    else {
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`
      errors.push(fieldError.invalid(at, owners, why))
    }
  }
  return errors
}

function validateFinalizers(finalizers: readonly string[], mayBeBare: boolean): FieldError[] {
  const field = 'metadata.finalizers'
  const errors: FieldError[] = []
  for (const [i, finalizer] of finalizers.entries()) {
    const at = `${field}[${i}]`
    errors.push(...(mayBeBare ? invalidWhen(at, finalizer, qualifiedName(finalizer)) : validateFinalizer(finalizer, at)))
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const why = 'finalizer orphan and foregroundDeletion cannot be both set'
    errors.push(fieldError.invalid(field, finalizers, why))
  }
  return errors
}

const standardFinalizers = ['orphan', 'foregroundDeletion', 'kubernetes']

/** A qualified name; with no prefix only the standard ones. */
export function validateFinalizer(finalizer: string, field: string): FieldError[] {
  const errors = invalidWhen(field, finalizer, qualifiedName(finalizer))
  if (errors.length === 0 && !finalizer.includes('/') && !standardFinalizers.includes(finalizer)) {
    errors.push(fieldError.invalid(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
  }
  return errors
}
