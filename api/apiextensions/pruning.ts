import type { JsonSchemaProps } from './json-schema-props.ts'
import { itemsOf, valuesOf } from './structural.ts'

/**
 * Making JSON fit a structural schema: fields that it does not know go, nulls that mean nothing go, defaults come. All of these
 * change what they are given (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning and defaulting).
 */

type Schema = JsonSchemaProps
type Fields = Record<string, unknown>

const isEnvelope = (name: string) => name === 'apiVersion' || name === 'kind' || name === 'metadata'
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Removes what the schema does not know; apiVersion, kind and metadata of the object itself stay. Answers the paths, sorted. */
export function prune(object: Fields, schema: Schema): string[] {
  const unknown: string[] = []
  pruneValue(object, { ...schema, 'x-kubernetes-embedded-resource': true }, '', unknown)
  return unknown.sort()
}

/** The same for a part of an object. */
export function pruneValue(value: unknown, schema: Schema | undefined, path: string, unknown: string[], isKept = false): void {
  if (typeof value !== 'object' || value === null) return
  const keeps = isKept || schema?.['x-kubernetes-preserve-unknown-fields'] === true
  if (keeps && !schema) return
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema)
    // Below a list that keeps unknown fields, its items keep them as well.
    for (const [i, item] of value.entries()) pruneValue(item, items, `${path}[${i}]`, unknown, keeps)
    return
  }
  const values = schema && valuesOf(schema)
  const takesAny = schema?.additionalProperties !== undefined
  for (const name of Object.keys(value)) {
    if (schema?.['x-kubernetes-embedded-resource'] && isEnvelope(name)) continue
    const at = path === '' ? name : `${path}.${name}`
    const known = schema?.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    const field = (value as Fields)[name]
    if (known) pruneValue(field, known, at, unknown)
    else if (takesAny) pruneValue(field, values, at, unknown)
    else if (!keeps) {
      if (!isEnvelope(name) || path !== '') unknown.push(at)
      delete (value as Fields)[name]
    }
  }
}

/** Removes nulls that are neither allowed nor stand for a default. */
export function dropNulls(value: unknown, schema: Schema | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(item, schema && itemsOf(schema))
  } else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      const field = fieldOf(schema, name)
      if (value[name] === null && field && !field.nullable && field.default === undefined) delete value[name]
      else dropNulls(value[name], field)
    }
  }
}

/** The schema of a field, whether it is named or not. */
export function fieldOf(schema: Schema | undefined, name: string): Schema | undefined {
  if (!schema) return undefined
  return schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : valuesOf(schema)
}

const hasDefaults = new WeakMap<Schema, boolean>()

/** Whether there is a default anywhere in a schema. */
function someDefault(schema: Schema): boolean {
  const known = hasDefaults.get(schema)
  if (known !== undefined) return known
  const below = [...Object.values(schema.properties ?? {}), valuesOf(schema), itemsOf(schema)]
  const found = schema.default !== undefined || below.some(child => child !== undefined && someDefault(child))
  hasDefaults.set(schema, found)
  return found
}

/** Fills in what is absent, and null where null is no value. */
export function fillDefaults(value: unknown, schema: Schema | undefined): void {
  if (!schema || !someDefault(schema)) return
  const isMissing = (given: unknown, { nullable, default: initial }: Schema) =>
    initial !== undefined && (given === undefined || (given === null && !nullable))
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (!items) return
    for (const i of value.keys()) {
      if (value[i] === null && isMissing(null, items)) value[i] = structuredClone(items.default)
      fillDefaults(value[i], items)
    }
  } else if (isObject(value)) {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (isMissing(value[name], field)) value[name] = structuredClone(field.default)
    }
    for (const name of Object.keys(value)) fillDefaults(value[name], fieldOf(schema, name))
  }
}
