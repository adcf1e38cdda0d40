import { type FieldError, fieldError } from '../field-errors.ts'
import { followFieldPath } from './field-path.ts'
import type { JsonSchemaProps, ValidationRule } from './json-schema-props.ts'
import { itemsOf } from './structural.ts'

/**
 * What a schema may say, beside being structural (ValidateCustomResourceDefinitionOpenAPISchema in
 * k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go).
 */

type Schema = JsonSchemaProps

interface Place {
  readonly isRoot?: boolean
  /** Inside apiVersion, kind or metadata of an object. */
  readonly isInMeta?: boolean
  /** Why there may be no default here. */
  readonly noDefault?: string
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** Everything that is wrong with a schema and those inside it. */
export function schemaErrors(schema: Schema, path: string, place: Place = { isRoot: true }): FieldError[] {
  return [
    ...supportedFields(schema, path, place),
    ...nested(schema, path, place),
    ...extensionErrors(schema, path),
    ...listErrors(schema, path),
    ...ruleErrors(schema, path),
  ]
}

function supportedFields(schema: Schema, path: string, { isInMeta, noDefault }: Place): FieldError[] {
  const errors: FieldError[] = []
  const forbid = (name: string, why: string) => errors.push(fieldError.forbidden(`${path}.${name}`, why))
  const { type = '' } = schema
  if (type !== '' && !types.includes(type)) errors.push(fieldError.notSupported(`${path}.type`, type, types))
  if (schema.default !== undefined && noDefault !== undefined) forbid('default', `must not be set ${noDefault}`.trim())
  if (schema.id) forbid('id', 'id is not supported')
  for (const name of ['additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const) {
    if (schema[name] !== undefined) forbid(name, `${name} is not supported`)
  }
  if (type === 'null') forbid('type', 'type cannot be set to null, use nullable as an alternative')
  if (Array.isArray(schema.items)) forbid('items', 'items must be a schema object and not an array')
  if (isInMeta && schema['x-kubernetes-embedded-resource']) {
    forbid('x-kubernetes-embedded-resource', 'must not be used inside of resource meta')
  }
  if (schema.uniqueItems) {
    forbid('uniqueItems', 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')
  }
  return errors
}

const metaFields = ['metadata', 'kind', 'apiVersion']

function nested(schema: Schema, path: string, place: Place): FieldError[] {
  const errors: FieldError[] = []
  const inside: Place = { ...place, isRoot: false }
  const { properties = {}, additionalProperties: values, allOf = [], oneOf = [], anyOf = [], not, items } = schema
  if (values !== undefined) {
    const at = `${path}.additionalProperties`
    if (Object.keys(properties).length > 0 && values !== true) {
      errors.push(fieldError.forbidden(at, 'additionalProperties and properties are mutual exclusive'))
    }
    const why = 'inside additionalProperties applying to object metadata'
    if (typeof values === 'object')
      errors.push(...schemaErrors(values, at, place.isInMeta ? { ...inside, noDefault: why } : inside))
  }
  for (const [name, field] of Object.entries(properties)) {
    const isMeta = (place.isRoot || schema['x-kubernetes-embedded-resource']) && metaFields.includes(name)
    const noDefault = isMeta && place.isRoot ? `in top-level ${name}` : place.noDefault
    const at = `${path}.properties[${name}]`
    errors.push(
      ...schemaErrors(field, at, isMeta ? { ...inside, isInMeta: true, ...(noDefault !== undefined && { noDefault }) } : inside),
    )
  }
  if (not) errors.push(...schemaErrors(not, `${path}.not`, inside))
  for (const [name, schemas] of Object.entries({ allOf, oneOf, anyOf })) {
    for (const [i, each] of schemas.entries()) errors.push(...schemaErrors(each, `${path}.${name}[${i}]`, inside))
  }
  const item = itemsOf(schema)
  if (item) errors.push(...schemaErrors(item, `${path}.items`, inside))
  if (Array.isArray(items)) {
    for (const [i, each] of items.entries()) errors.push(...schemaErrors(each as Schema, `${path}.items[${i}]`, inside))
  }
  return errors
}

function extensionErrors(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { type = '' } = schema
  const keeps = schema['x-kubernetes-preserve-unknown-fields']
  if (keeps === false) {
    errors.push(fieldError.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  }
  const mustBe = (wanted: string, name: string) => {
    const why = `must be ${wanted} if ${name} is specified`
    errors.push(type === '' ? fieldError.required(`${path}.type`, why) : fieldError.invalid(`${path}.type`, type, why))
  }
  const mapType = schema['x-kubernetes-map-type']
  if (mapType !== undefined && type !== 'object') mustBe('object', 'x-kubernetes-map-type')
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(fieldError.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
  }
  const listType = schema['x-kubernetes-list-type']
  if (listType !== undefined && type !== 'array') mustBe('array', 'x-kubernetes-list-type')
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    errors.push(fieldError.notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']))
  }
  return errors
}

function listErrors(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = []
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const item = itemsOf(schema)
  const why = `must be atomic as item of a list with x-kubernetes-list-type=set`
  if (listType === 'set' && schema.type === 'array' && item) {
    const [kind, inner] =
      item.type === 'array'
        ? ['x-kubernetes-list-type', item['x-kubernetes-list-type'] ?? 'atomic']
        : ['x-kubernetes-map-type', item.type === 'object' ? item['x-kubernetes-map-type'] : 'atomic']
    if (inner !== 'atomic') errors.push(fieldError.invalid(`${path}.items.${kind}`, item['x-kubernetes-list-type'] ?? null, why))
  }
  const at = `${path}.x-kubernetes-list-map-keys`
  if (keys.length > 0 && listType !== 'map') {
    const mustBeMap = 'must be map if x-kubernetes-list-map-keys is non-empty'
    const field = `${path}.x-kubernetes-list-type`
    errors.push(listType === undefined ? fieldError.required(field, mustBeMap) : fieldError.invalid(field, listType, mustBeMap))
  }
  if (listType === 'map') {
    if (keys.length === 0) errors.push(fieldError.required(at, 'must not be empty if x-kubernetes-list-type is map'))
    if (schema.items === undefined) {
      errors.push(fieldError.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
    } else if (!item) {
      errors.push(
        fieldError.invalid(`${path}.items`, schema.items, 'must only have a single schema if x-kubernetes-list-type is map'),
      )
    } else if (item.type !== 'object') {
      const mustBeObject = "must be object if parent array's x-kubernetes-list-type is map"
      errors.push(fieldError.invalid(`${path}.items.type`, item.type ?? '', mustBeObject))
    } else errors.push(...mapKeyErrors(item, keys, path))
  }
  return item && (listType === 'map' || listType === 'set') ? [...errors, ...nullErrors(item, listType, keys, path)] : errors
}

function mapKeyErrors(item: Schema, keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = []
  const at = `${path}.x-kubernetes-list-map-keys`
  for (const [i, key] of keys.entries()) {
    const property = item.properties?.[key]
    if (!property) errors.push(fieldError.invalid(at, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(fieldError.invalid(`${path}.items.properties[${key}].type`, item.type, why))
    }
    if (keys.indexOf(key) < i) errors.push(fieldError.invalid(at, keys, 'must not contain duplicate entries'))
  }
  return errors
}

/** Items that are told apart must be there, and so must what tells them apart. */
function nullErrors(item: Schema, listType: string, keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = []
  if (item.nullable) {
    errors.push(fieldError.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  }
  for (const key of listType === 'map' ? keys : []) {
    const property = item.properties?.[key]
    const at = `${path}.items.properties[${key}]`
    const isKey = 'this property is in x-kubernetes-list-map-keys, so it'
    if (property && !item.required?.includes(key) && property.default === undefined) {
      errors.push(fieldError.required(`${at}.default`, `${isKey} must have a default or be a required property`))
    }
    if (property?.nullable) errors.push(fieldError.forbidden(`${at}.nullable`, `${isKey} cannot be nullable`))
  }
  return errors
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const hasNewline = (text: string) => /[\n\r]/.test(text)

/** What can be said about rules without understanding them. */
function ruleErrors(schema: Schema, path: string): FieldError[] {
  const rules = schema['x-kubernetes-validations'] ?? []
  return rules.flatMap((rule, i) => faultsOfRule(schema, rule, `${path}.x-kubernetes-validations[${i}]`))
}

function faultsOfRule(schema: Schema, rule: ValidationRule, at: string): FieldError[] {
  const errors: FieldError[] = []
  const { message = '', messageExpression = '', reason, fieldPath = '' } = rule
  const text = rule.rule.trim()
  const said = message.trim()
  if (text === '') errors.push(fieldError.required(`${at}.rule`, 'rule is not specified'))
  else if (message !== '' && said === '') {
    errors.push(fieldError.invalid(`${at}.message`, message, 'must be non-empty if specified'))
  } else if (hasNewline(said)) errors.push(fieldError.invalid(`${at}.message`, message, 'must not contain line breaks'))
  else if (hasNewline(text) && said === '') {
    errors.push(fieldError.required(`${at}.message`, 'message must be specified if rule contains line breaks'))
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(fieldError.required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'))
  }
  if (reason !== undefined && !reasons.includes(reason)) errors.push(fieldError.notSupported(`${at}.reason`, reason, reasons))
  if (fieldPath !== '' && fieldPath.trim() === '') {
    errors.push(fieldError.invalid(`${at}.fieldPath`, fieldPath, 'must be non-empty if specified'))
  }
  if (hasNewline(fieldPath)) errors.push(fieldError.invalid(`${at}.fieldPath`, fieldPath, 'must not contain line breaks'))
  if (fieldPath !== '' && !followFieldPath(fieldPath, schema).ok) {
    errors.push(fieldError.invalid(`${at}.fieldPath`, fieldPath, 'must be a valid path'))
  }
  return errors
}
