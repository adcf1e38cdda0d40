import { type FieldError, fieldError } from '../field-errors.ts'
import { serviceName, subdomainName } from '../names.ts'
import { invalidWhen, unchanged } from '../validation.ts'
import { approvalErrors } from './api-approval.ts'
import { conversionErrors } from './conversion-validation.ts'
import { defaultErrors } from './default-validation.ts'
import {
  type Definition,
  type DefinitionVersion,
  isTrue,
  type Names,
  type PrinterColumn,
  type Subresources,
} from './definition.ts'
import { followFieldPath } from './field-path.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'
import { schemaErrors } from './schema-validation.ts'
import { structuralErrors, unsupportedField } from './structural.ts'

/**
 * Everything wrong with a CustomResourceDefinition but its rules in CEL, which the API server compiles
 * (k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go).
 */
export function validateDefinition(definition: Definition, old?: Definition): FieldError[] {
  const { metadata, spec } = definition
  const errors: FieldError[] = []
  const wanted = `${spec.names.plural}.${spec.group}`
  if (!old && metadata.name !== wanted) {
    errors.push(fieldError.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'))
  }
  errors.push(...specErrors(spec, old !== undefined && isTrue(old.status, 'Established')))
  if (old) errors.push(...changeErrors(spec, old))
  errors.push(...validateDefinitionStatus(definition), ...storedVersionErrors(definition), ...approvalErrors(definition, old))
  if (spec.preserveUnknownFields && !old?.spec.preserveUnknownFields) {
    const why = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
    errors.push(fieldError.invalid('spec.preserveUnknownFields', true, why))
  }
  return errors
}

/** The same for its status. */
export function validateDefinitionStatus({ status }: Definition): FieldError[] {
  return nameErrors(status.acceptedNames, 'status.acceptedNames')
}

/** A DNS label that starts with a letter; all faults in one. */
const label = (field: string, name: string, prefix = '') => {
  const faults = name === '' ? [] : serviceName(name)
  return faults.length > 0 ? [{ field, name, fault: prefix + faults.join(',') }] : []
}

function specErrors(spec: Definition['spec'], isEstablished: boolean): FieldError[] {
  const errors: FieldError[] = []
  const { group, scope, versions } = spec
  const groupFaults = group === '' ? [] : subdomainName(group)
  if (group === '') errors.push(fieldError.required('spec.group'))
  else if (groupFaults.length > 0) errors.push(fieldError.invalid('spec.group', group, groupFaults.join(',')))
  else if (!group.includes('.')) errors.push(fieldError.invalid('spec.group', group, 'should be a domain with at least one dot'))
  if ((scope as string) === '') errors.push(fieldError.required('spec.scope'))
  else if (scope !== 'Cluster' && scope !== 'Namespaced') {
    errors.push(fieldError.notSupported('spec.scope', scope, ['Cluster', 'Namespaced']))
  }
  for (const [i, version] of versions.entries()) {
    if (version.schema?.openAPIV3Schema) continue
    errors.push(fieldError.required(`spec.versions[${i}].schema.openAPIV3Schema`))
  }
  for (const [i, version] of versions.entries()) errors.push(...versionErrors(version, `spec.versions[${i}]`))
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(fieldError.invalid('spec.versions', versions, 'must contain unique version names'))
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(fieldError.invalid('spec.versions', versions, 'must have exactly one version marked as storage version'))
  }
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!spec.names[name]) errors.push(fieldError.required(`spec.names.${name}`))
  }
  errors.push(...nameErrors(spec.names, 'spec.names'), ...conversionErrors(spec.conversion, isEstablished))
  return errors
}

function changeErrors(spec: Definition['spec'], { spec: before, status }: Definition): FieldError[] {
  const errors: FieldError[] = []
  if (isTrue(status, 'Established')) {
    errors.push(...unchanged('spec.scope', spec.scope, before.scope))
    errors.push(...unchanged('spec.names.kind', spec.names.kind, before.names.kind))
  }
  errors.push(...unchanged('spec.group', spec.group, before.group))
  return [...errors, ...unchanged('spec.names.plural', spec.names.plural, before.names.plural)]
}

function nameErrors(names: Names, path: string): FieldError[] {
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names
  const mixedCase = 'may have mixed case, but should otherwise match: '
  const faults = [
    ...label(`${path}.plural`, plural),
    ...label(`${path}.singular`, singular),
    ...label(`${path}.kind`, kind.toLowerCase(), mixedCase).map(fault => ({ ...fault, name: kind })),
    ...label(`${path}.listKind`, listKind.toLowerCase(), mixedCase).map(fault => ({ ...fault, name: listKind })),
  ]
  const errors = faults.map(({ field, name, fault }) => fieldError.invalid(field, name, fault))
  const each = (list: readonly string[], name: string) =>
    list.flatMap((item, i) => {
      const found = serviceName(item)
      return found.length > 0 ? [fieldError.invalid(`${path}.${name}[${i}]`, item, found.join(','))] : []
    })
  errors.push(...each(shortNames, 'shortNames'))
  if (kind !== '' && kind === listKind) {
    errors.push(fieldError.invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same'))
  }
  return [...errors, ...each(categories, 'categories')]
}

function storedVersionErrors({ spec, status: { storedVersions = [] } }: Definition): FieldError[] {
  const path = 'status.storedVersions'
  if (storedVersions.length === 0) return [fieldError.invalid(path, storedVersions, 'must have at least one stored version')]
  const errors: FieldError[] = []
  for (const { name, storage } of spec.versions) {
    if (storage && !storedVersions.includes(name)) {
      errors.push(fieldError.invalid(path, storedVersions, `must have the storage version ${name}`))
    }
  }
  for (const [i, name] of storedVersions.entries()) {
    if (spec.versions.some(version => version.name === name)) continue
    const why =
      `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage ` +
      `migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    errors.push(fieldError.invalid(`${path}[${i}]`, name, why))
  }
  return errors
}

function versionErrors(version: DefinitionVersion, path: string): FieldError[] {
  const { name, subresources, schema, additionalPrinterColumns = [], selectableFields = [] } = version
  const nameFaults = serviceName(name)
  const errors = nameFaults.length > 0 ? [fieldError.invalid(`${path}.name`, name, nameFaults.join(','))] : []
  errors.push(...deprecationErrors(version, `${path}.deprecationWarning`))
  const props = schema?.openAPIV3Schema
  if (props) errors.push(...openApiErrors(props, `${path}.schema.openAPIV3Schema`, subresources?.status !== undefined))
  errors.push(...subresourceErrors(subresources, `${path}.subresources`))
  for (const [i, column] of additionalPrinterColumns.entries()) {
    errors.push(...columnErrors(column, `${path}.additionalPrinterColumns[${i}]`))
  }
  if (selectableFields.length > 0) {
    errors.push(...selectableErrors(selectableFields, props, `${path}.selectableFields`))
  }
  return errors
}

function deprecationErrors({ deprecated, deprecationWarning: text }: DefinitionVersion, path: string): FieldError[] {
  if (text === undefined) return []
  if (!deprecated) return [fieldError.invalid(path, text, 'can only be set for deprecated versions')]
  const faults: string[] = []
  if (Buffer.byteLength(text) > 256) faults.push('must be <= 256 characters long')
  if (text === '') faults.push('must not be an empty string')
  const unprintable = text.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u)
  if (unprintable >= 0) {
    faults.push(`must only contain printable UTF-8 characters; non-printable character found at index ${unprintable}`)
  }
  return invalidWhen(path, text, faults)
}

/** With a status subresource, the status is validated by its own part of the schema: the rest must not matter to it. */
const allowedAtRoot: Readonly<Record<string, string>> = {
  description: 'Description',
  type: 'Type',
  format: 'Format',
  title: 'Title',
  maximum: 'Maximum',
  exclusiveMaximum: 'ExclusiveMaximum',
  minimum: 'Minimum',
  exclusiveMinimum: 'ExclusiveMinimum',
  maxLength: 'MaxLength',
  minLength: 'MinLength',
  pattern: 'Pattern',
  maxItems: 'MaxItems',
  minItems: 'MinItems',
  uniqueItems: 'UniqueItems',
  multipleOf: 'MultipleOf',
  required: 'Required',
  items: 'Items',
  properties: 'Properties',
  externalDocs: 'ExternalDocs',
  example: 'Example',
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
}

function openApiErrors(schema: JsonSchemaProps, path: string, hasStatus: boolean): FieldError[] {
  const errors: FieldError[] = []
  if (hasStatus && schema.type !== undefined && schema.type !== 'object') {
    const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
    errors.push(fieldError.invalid(`${path}.type`, schema.type, why))
  } else if (hasStatus && Object.keys(schema).some(name => !(name in allowedAtRoot))) {
    const names = Object.values(allowedAtRoot).join(' ')
    const why = `only [${names}] fields are allowed at the root of the schema if the status subresource is enabled`
    errors.push(fieldError.invalid(path, schema, why))
  }
  if (schema.nullable) errors.push(fieldError.forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  const unsupported = unsupportedField(schema)
  const structural = unsupported === undefined ? structuralErrors(schema, path) : []
  errors.push(...structural)
  if (unsupported === undefined && structural.length === 0) errors.push(...defaultErrors(schema, path))
  errors.push(...schemaErrors(schema, path))
  if (errors.length === 0 && unsupported !== undefined) errors.push(fieldError.invalid(path, '', unsupported))
  return errors
}

function subresourceErrors(subresources: Subresources | undefined, path: string): FieldError[] {
  const scale = subresources?.scale
  if (!scale) return []
  const errors: FieldError[] = []
  const check = (name: keyof typeof scale, isRequired: boolean, under: readonly string[], where: string) => {
    const at = `${path}.scale.${name}`
    const value = scale[name] ?? ''
    if (value === '') return isRequired ? void errors.push(fieldError.required(at)) : undefined
    if (!value.startsWith('.')) errors.push(fieldError.invalid(at, value, 'must be a simple json path starting with .'))
    else if (!under.some(prefix => value.startsWith(prefix))) {
      errors.push(fieldError.invalid(at, value, `should be a json path under ${where}`))
    }
    return undefined
  }
  check('specReplicasPath', true, ['.spec.'], '.spec')
  check('statusReplicasPath', true, ['.status.'], '.status')
  check('labelSelectorPath', false, ['.spec.', '.status.'], 'either .spec or .status')
  return errors
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

function columnErrors({ name, type, format = '', jsonPath }: PrinterColumn, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (name === '') errors.push(fieldError.required(`${path}.name`))
  const typeRule = `must be one of ${columnTypes.join(',')}`
  if (type === '') errors.push(fieldError.required(`${path}.type`, typeRule))
  else if (!columnTypes.includes(type)) errors.push(fieldError.invalid(`${path}.type`, type, typeRule))
  if (format !== '' && !columnFormats.includes(format)) {
    errors.push(fieldError.invalid(`${path}.format`, format, `must be one of ${columnFormats.join(',')}`))
  }
  if (jsonPath === '') errors.push(fieldError.required(`${path}.JSONPath`))
  else if (!jsonPath.startsWith('.')) {
    errors.push(fieldError.invalid(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .'))
  }
  return errors
}

const mostSelectable = 8
const selectableTypes = ['string', 'boolean', 'integer']

function selectableErrors(
  fields: readonly { readonly jsonPath: string }[],
  schema: JsonSchemaProps | undefined,
  path: string,
): FieldError[] {
  if (!schema) {
    const why = 'may only be set when `version.schema.openAPIV3Schema` is not included'
    return [fieldError.invalid(path, '', why)]
  }
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { jsonPath }] of fields.entries()) {
    const at = `${path}[${i}].jsonPath`
    if (jsonPath === '') {
      errors.push(fieldError.required(at))
      continue
    }
    const found = followFieldPath(jsonPath, schema, { allowsBrackets: false })
    if (!found.ok) {
      errors.push(fieldError.invalid(at, jsonPath, `is an invalid path: ${found.error}`))
      continue
    }
    if (found.root === 'metadata') errors.push(fieldError.invalid(at, jsonPath, 'must not point to fields in metadata'))
    if (!selectableTypes.includes(found.schema?.type ?? '')) {
      const why =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      errors.push(fieldError.invalid(at, jsonPath, why))
    }
    if (seen.has(found.path)) errors.push(fieldError.duplicate(at, jsonPath))
    seen.add(found.path)
  }
  if (seen.size > mostSelectable) errors.push(fieldError.tooMany(path, seen.size, mostSelectable))
  return errors
}
