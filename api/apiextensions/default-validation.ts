import { copy, deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { coerceEmbedded, embeddedErrors } from './embedded-objects.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'
import { pruneValue } from './pruning.ts'
import { itemsOf } from './structural.ts'
import { valueErrors } from './value-validation.ts'

/** Defaults are values as any: they must fit the schema they are in (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting). */
export function defaultErrors(schema: JsonSchemaProps, path: string): FieldError[] {
  const errors = schema.default === undefined ? [] : faultsOf(schema, `${path}.default`)
  const items = itemsOf(schema)
  if (items) errors.push(...defaultErrors(items, `${path}.items`))
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    errors.push(...defaultErrors(field, `${path}.properties[${name}]`))
  }
  return errors
}

function faultsOf(schema: JsonSchemaProps, path: string): FieldError[] {
  const value = schema.default
  const pruned = copy(value)
  pruneValue(pruned, schema, 'default', [])
  if (!deepEqual(pruned, value)) return [fieldError.invalid(path, value, 'must not have unknown fields')]
  const { error } = coerceEmbedded({ default: pruned }, { properties: { default: schema } })
  if (error !== undefined) return [fieldError.invalid(path, value, error)]
  const envelopes = embeddedErrors({ default: value }, { properties: { default: schema } })
  if (envelopes.length > 0) {
    return envelopes.map(({ field, ...rest }) => ({ ...rest, field: field.replace(/^default/, path) }))
  }
  return valueErrors(value, schema, path)
}
