import { goRegExp } from '../../lib/go-reg-exp.ts'
import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'

/**
 * Structural schemas (k8s.io/apiextensions-apiserver/pkg/apiserver/schema): every value has a type, and what allOf, anyOf, oneOf and
 * not say only restricts values that are described outside of them. Only such schemas allow to prune and to fill in defaults.
 */

type Schema = JsonSchemaProps
type Level = 'root' | 'item' | 'field'

/** The schema of items, where they all have the same. */
export const itemsOf = ({ items }: Schema): Schema | undefined =>
  Array.isArray(items) ? undefined : (items as Schema | undefined)

/** The schema of the fields that `properties` does not name, if there is one. */
export const valuesOf = ({ additionalProperties }: Schema): Schema | undefined =>
  typeof additionalProperties === 'object' ? additionalProperties : undefined

/** What keeps a schema from being structural; `path` is that of the schema. */
export function structuralErrors(schema: Schema, path: string): FieldError[] {
  const errors = [
    ...invariants(schema, 'root', path),
    ...junctors(schema, path).flatMap(each => missing(each.schema, schema, path, each.path)),
  ]
  const text = ({ field, message }: FieldError) => `${field}: ${message}`
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

/** A field that a structural schema cannot have, in words; undefined: there is none. */
export function unsupportedField(schema: Schema): string | undefined {
  const has = (value: object | undefined) => value !== undefined && Object.keys(value).length > 0
  if (schema.id) return "OpenAPIV3Schema 'id' is not supported"
  if (schema.$schema) return "OpenAPIV3Schema 'schema' is not supported"
  if (schema.$ref) return "OpenAPIV3Schema '$ref' is not supported"
  if (has(schema.patternProperties)) return "OpenAPIV3Schema 'patternProperties' is not supported"
  if (has(schema.dependencies)) return "OpenAPIV3Schema 'dependencies' is not supported"
  if (schema.additionalItems !== undefined) return "OpenAPIV3Schema 'additionalItems' is not supported"
  if (has(schema.definitions)) return "OpenAPIV3Schema 'definitions' is not supported"
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  }
  if (Array.isArray(schema.items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  for (const child of everySchemaBelow(schema)) {
    const found = unsupportedField(child)
    if (found !== undefined) return found
  }
  return undefined
}

/** The schemas directly inside a schema. */
export function everySchemaBelow(schema: Schema): Schema[] {
  const { items, allOf = [], anyOf = [], oneOf = [], not, properties = {}, additionalItems, definitions = {} } = schema
  const { patternProperties = {}, dependencies = {} } = schema
  const candidates: readonly unknown[] = [
    ...(Array.isArray(items) ? items : [items]),
    ...[...allOf, ...anyOf, ...oneOf, not],
    ...Object.values(properties),
    ...[schema.additionalProperties, additionalItems],
    ...[...Object.values(patternProperties), ...Object.values(definitions), ...Object.values(dependencies)],
  ]
  return candidates.filter((each): each is Schema => typeof each === 'object' && each !== null && !Array.isArray(each))
}

/** Whether a schema or one anywhere inside it is such a one. */
export const someSchema = (schema: Schema, is: (schema: Schema) => boolean): boolean =>
  is(schema) || everySchemaBelow(schema).some(child => someSchema(child, is))

const intOrString = [{ type: 'integer' }, { type: 'string' }]
const isIntOrString = (anyOf: Schema['anyOf']) => deepEqual(anyOf, intOrString)

function invariants(schema: Schema, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { type = '', properties = {} } = schema
  const items = itemsOf(schema)
  if (type === 'array' && !schema.items) errors.push(fieldError.required(`${path}.items`, 'must be specified'))
  if (items) errors.push(...invariants(items, 'item', `${path}.items`))
  for (const [name, field] of Object.entries(properties))
    errors.push(...invariants(field, 'field', `${path}.properties[${name}]`))
  if (schema.additionalProperties !== undefined) {
    if (level === 'root') errors.push(fieldError.forbidden(`${path}.additionalProperties`, 'must not be used at the root'))
    const values = valuesOf(schema)
    if (values) errors.push(...invariants(values, 'field', `${path}.additionalProperties`))
  }
  errors.push(...extensions(schema, path))
  errors.push(...valueRules(schema, path, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf)))
  errors.push(...typeErrors(schema, level, path))
  const isResource = level === 'root' || schema['x-kubernetes-embedded-resource'] === true
  for (const name of ['kind', 'apiVersion']) {
    const field = properties[name]
    if (!field || !isResource || field.type === 'string') continue
    errors.push(fieldError.invalid(`${path}.properties[${name}].type`, field.type ?? '', 'must be string'))
  }
  const { metadata } = properties
  if (metadata) errors.push(...metadataErrors(metadata, isResource, level, `${path}.properties[metadata]`))
  return errors
}

function typeErrors(schema: Schema, level: Level, path: string): FieldError[] {
  const { type = '', properties = {} } = schema
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const keeps = schema['x-kubernetes-preserve-unknown-fields'] === true
  const errors: FieldError[] = []
  const at = `${path}.type`
  if (isEmbedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type === '' ? fieldError.required(at, why) : fieldError.invalid(at, type, why))
  } else if (type === '' && !schema['x-kubernetes-int-or-string'] && !keeps) {
    const where = { root: 'at the root', item: 'for specified array items', field: 'for specified object fields' }[level]
    errors.push(fieldError.required(at, `must not be empty ${where}`))
  }
  if (isEmbedded && schema.additionalProperties !== undefined) {
    const why = 'must not be used if x-kubernetes-embedded-resource is set'
    errors.push(fieldError.forbidden(`${path}.additionalProperties`, why))
  }
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(fieldError.invalid(at, type, 'must be object at the root'))
  if (isEmbedded && !keeps && Object.keys(properties).length === 0) {
    const why = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    errors.push(fieldError.required(`${path}.properties`, why))
  }
  return errors
}

/** At the root, only the name of an object may be restricted. */
function metadataErrors(schema: Schema, isResource: boolean, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (isResource && schema.type !== 'object') errors.push(fieldError.invalid(`${path}.type`, schema.type ?? '', 'must be object'))
  if (level !== 'root') return errors
  const { type: _type, default: _default, properties, ...rest } = schema
  const names = Object.keys(properties ?? {})
  const isPlain = Object.keys(rest).length === 0 && names.every(name => name === 'name' || name === 'generateName')
  if (isPlain) return errors
  const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
  return [...errors, fieldError.forbidden(path, why)]
}

function extensions(schema: Schema, path: string): FieldError[] {
  if (!schema['x-kubernetes-int-or-string']) return []
  const errors: FieldError[] = []
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
    const why = 'must be false if x-kubernetes-int-or-string is true'
    if (schema[name]) errors.push(fieldError.invalid(`${path}.${name}`, true, why))
  }
  return errors
}

/** The schemas that restrict the same value. */
function junctors({ allOf = [], anyOf = [], oneOf = [], not }: Schema, path: string): { schema: Schema; path: string }[] {
  const all = Object.entries({ allOf, anyOf, oneOf }).flatMap(([name, schemas]) =>
    schemas.map((schema, i) => ({ schema, path: `${path}.${name}[${i}]` })),
  )
  return not ? [{ schema: not, path: `${path}.not` }, ...all] : all
}

function valueRules(schema: Schema, path: string, skipsAnyOf: boolean, skipsFirstAllOf: boolean): FieldError[] {
  const errors: FieldError[] = []
  for (const each of junctors(schema, path)) {
    if (skipsAnyOf && each.path.startsWith(`${path}.anyOf[`)) continue
    errors.push(...nestedErrors(each.schema, each.path, skipsFirstAllOf && each.path === `${path}.allOf[0]`))
  }
  const fault = schema.pattern ? patternFault(schema.pattern) : undefined
  if (fault !== undefined) {
    const why = `must be a valid regular expression, but isn't: ${fault}`
    errors.push(fieldError.invalid(`${path}.pattern`, schema.pattern, why))
  }
  return errors
}

function patternFault(pattern: string): string | undefined {
  try {
    goRegExp(pattern)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const mustBeEmpty = ['title', 'description', 'x-kubernetes-list-map-keys', 'x-kubernetes-validations'] as const
const mustBeUndefined = ['additionalProperties', 'default', 'x-kubernetes-list-type', 'x-kubernetes-map-type'] as const
const mustBeFalse = [
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const

/** A schema below allOf, anyOf, oneOf or not may restrict values, not describe them. */
function nestedErrors(schema: Schema, path: string, skipsAnyOf = false): FieldError[] {
  const errors = valueRules(schema, path, skipsAnyOf, false)
  const { properties = {} } = schema
  const items = itemsOf(schema)
  if (items) errors.push(...nestedErrors(items, `${path}.items`))
  for (const [name, field] of Object.entries(properties)) errors.push(...nestedErrors(field, `${path}.properties[${name}]`))
  const forbid = (name: string, what: string) =>
    errors.push(fieldError.forbidden(`${path}.${name}`, `must be ${what} to be structural`))
  if (schema.type) forbid('type', 'empty')
  for (const name of mustBeUndefined) if (schema[name] !== undefined) forbid(name, 'undefined')
  for (const name of mustBeEmpty) if (schema[name]?.length) forbid(name, 'empty')
  for (const name of mustBeFalse) if (schema[name]) forbid(name, 'false')
  if (properties.metadata) {
    errors.push(fieldError.forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'))
  }
  return errors
}

/** What a nested schema talks about, but nobody describes. */
function missing(nested: Schema, described: Schema | undefined, path: string, nestedPath: string): FieldError[] {
  if (!described) return [fieldError.required(path, `because it is defined in ${nestedPath}`)]
  const errors = junctors(nested, nestedPath).flatMap(each => missing(each.schema, described, path, each.path))
  const items = itemsOf(nested)
  if (items) errors.push(...missing(items, itemsOf(described), `${path}.items`, `${nestedPath}.items`))
  for (const [name, field] of Object.entries(nested.properties ?? {})) {
    const at = `.properties[${name}]`
    errors.push(...missing(field, described.properties?.[name], path + at, nestedPath + at))
  }
  return errors
}
