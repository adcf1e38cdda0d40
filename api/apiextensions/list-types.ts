import { canonicalJson } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'
import { fieldOf } from './pruning.ts'
import { itemsOf } from './structural.ts'

/**
 * Lists of type set have no doubles, those of type map no two items with the same keys
 * (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype).
 */
export function listTypeErrors(value: unknown, schema: JsonSchemaProps, path = ''): FieldError[] {
  if (Array.isArray(value)) return listErrors(value, schema, path)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, field]) => {
    const known = fieldOf(schema, name)
    if (!known) return []
    const isNamed = schema.properties && Object.hasOwn(schema.properties, name)
    const at = isNamed ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
    return listTypeErrors(field, known, at)
  })
}

function listErrors(list: readonly unknown[], schema: JsonSchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = []
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') for (const i of doubles(list)) errors.push(fieldError.duplicate(`${path}[${i}]`, list[i]))
  else if (type === 'map') errors.push(...mapErrors(list, schema['x-kubernetes-list-map-keys'] ?? [], path))
  const items = itemsOf(schema)
  if (items) for (const [i, item] of list.entries()) errors.push(...listTypeErrors(item, items, `${path}[${i}]`))
  return errors
}

function mapErrors(list: readonly unknown[], names: readonly string[], path: string): FieldError[] {
  const wrong = list.findIndex(item => item !== null && (typeof item !== 'object' || Array.isArray(item)))
  if (wrong >= 0) return [fieldError.invalid(`${path}[${wrong}]`, list[wrong], 'must be an object for an array of list-type map')]
  const keys = list.map(item => {
    const fields = (item ?? {}) as Record<string, unknown>
    return Object.fromEntries(names.flatMap(name => (Object.hasOwn(fields, name) ? [[name, fields[name]]] : [])))
  })
  return doubles(keys).map(i => fieldError.duplicate(`${path}[${i}]`, keys[i]))
}

/** Where something comes for the second time. */
function doubles(list: readonly unknown[]): number[] {
  if (list.length < 2) return []
  const times = new Map<string, number>()
  return [...list.keys()].filter(i => {
    const text = canonicalJson(list[i])
    const before = times.get(text) ?? 0
    times.set(text, before + 1)
    return before === 1
  })
}
