import { below, type FieldSet, hasElement, isEmptySet } from './field-set.ts'
import { type FieldType, formOf, type ListType, type MapType, settledForm, typeUnder } from './field-type.ts'
import { tryItemElement } from './list-items.ts'
import { fieldElement, fieldOf, self } from './path-element.ts'

/**
 * A value without the fields and items of a set. What is left of a list or map that loses everything is null: nothing, but said.
 * Changes nothing (sigs.k8s.io/structured-merge-diff, typed/remove.go).
 */
export function withoutItems(type: FieldType, value: unknown, set: FieldSet): unknown {
  const form = settledForm(type, formOf(type, value))
  if (form === 'map' && type.map) return mapWithout(type.map, value, set)
  if (form === 'list' && type.list) return listWithout(type.list, value, set)
  return value
}

function mapWithout(type: MapType, value: unknown, set: FieldSet): unknown {
  if (type.isAtomic || typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const result: Record<string, unknown> = {}
  for (const [name, child] of Object.entries(value)) {
    const element = fieldElement(name)
    if (child === undefined || hasElement(set, element)) continue
    const rest = below(set, element)
    const childType = typeUnder(type, name)
    result[name] = isEmptySet(rest) || !childType ? child : withoutItems(childType, child, rest)
  }
  return Object.keys(result).length > 0 ? result : null
}

function listWithout(type: ListType, value: unknown, set: FieldSet): unknown {
  if (type.isAtomic || !Array.isArray(value)) return null
  const result: unknown[] = []
  for (const item of value) {
    const element = tryItemElement(type, item)
    if (element === undefined) result.push(item)
    else if (!hasElement(set, element)) {
      const rest = below(set, element)
      result.push(isEmptySet(rest) ? item : withoutItems(type.item, item, rest))
    }
  }
  return result.length > 0 ? result : null
}

/** The set with every field of the schema that it has something below of (fieldpath/set.go, EnsureNamedFieldsAreMembers). */
export function withNamedFields(type: FieldType | undefined, set: FieldSet): FieldSet {
  const result: Record<string, FieldSet> = {}
  for (const element in set) {
    const node = set[element] as FieldSet
    if (element === self || isEmptySet(node)) {
      result[element] = node
      continue
    }
    const name = fieldOf(element)
    const childType = name === undefined ? type?.list?.item : type?.map && typeUnder(type.map, name)
    const named = withNamedFields(childType, node)
    const isNamed = name !== undefined && type?.map?.fields.has(name) && named[self] === undefined
    result[element] = isNamed ? { [self]: {}, ...named } : named
  }
  return result
}
