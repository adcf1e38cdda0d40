import type { ListType } from './field-type.ts'
import { keyElement, type PathElement, valueElement } from './path-element.ts'

/** How an item of a list that is owned item by item is known. Throws if that cannot be told. */
export function itemElement({ keys, item: { map } }: ListType, value: unknown): PathElement {
  if (keys.length === 0) return setElement(value)
  if (value === null) throw new Error('associative list with keys may not have a null element')
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new Error('associative list with keys may not have non-map elements')
  }
  const given: [string, unknown][] = []
  for (const key of keys) {
    const found = (value as Record<string, unknown>)[key] ?? map?.fields.get(key)?.default
    if (found !== undefined) given.push([key, found])
  }
  if (given.length > 0) return keyElement(given)
  const names = `[${keys.map(key => JSON.stringify(key)).join(' ')}]`
  throw new Error(
    `associative list with keys has an element that omits all key fields ${names} (and doesn't have default values for any key fields)`,
  )
}

function setElement(value: unknown): PathElement {
  if (value === null) throw new Error("associative list without keys has an element that's an explicit null")
  if (Array.isArray(value)) throw new Error('not supported: associative list with lists as elements')
  if (typeof value === 'object') throw new Error("associative list without keys has an element that's a map type")
  return valueElement(value)
}

/** The items of a list by how they are known, in their order; those that cannot be told are left out. */
export function itemsByElement(type: ListType, list: readonly unknown[] | undefined): Map<PathElement, unknown[]> {
  const items = new Map<PathElement, unknown[]>()
  for (const value of list ?? []) {
    const element = tryItemElement(type, value)
    if (element === undefined) continue
    const same = items.get(element)
    if (same) same.push(value)
    else items.set(element, [value])
  }
  return items
}

/** The step to an item; undefined if it lacks a key. */
export function tryItemElement(type: ListType, value: unknown): PathElement | undefined {
  try {
    return itemElement(type, value)
  } catch {
    return undefined
  }
}
