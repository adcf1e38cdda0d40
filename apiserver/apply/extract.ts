import type { FieldSet, FieldTree } from './field-set.ts'
import { insert } from './field-set.ts'
import { type FieldType, formOf, type ListType, type MapType, settledForm, typeUnder } from './field-type.ts'
import { itemsByElement } from './list-items.ts'
import { fieldElement, type PathElement } from './path-element.ts'

/** Every leaf and every item that a value has (sigs.k8s.io/structured-merge-diff, typed/tofieldset.go). */
export function fieldSetOf(type: FieldType, value: unknown): FieldSet {
  const tree: FieldTree = {}
  visit(tree, [], type, value)
  return tree
}

function visit(tree: FieldTree, path: PathElement[], type: FieldType, value: unknown): void {
  const form = settledForm(type, formOf(type, value))
  if (form === 'map' && type.map) visitMap(tree, path, type.map, value)
  else if (form === 'list' && type.list) visitList(tree, path, type.list, value)
  else insert(tree, path)
}

function visitMap(tree: FieldTree, path: PathElement[], type: MapType, value: unknown): void {
  if (type.isAtomic) return insert(tree, path)
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value)) {
    const childType = child === undefined ? undefined : typeUnder(type, name)
    if (!childType) continue
    path.push(fieldElement(name))
    visit(tree, path, childType, child)
    if (child === null || isEmptyMap(child) || !type.fields.has(name)) insert(tree, path)
    path.pop()
  }
}

const isEmptyMap = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

function visitList(tree: FieldTree, path: PathElement[], type: ListType, value: unknown): void {
  if (type.isAtomic) return insert(tree, path)
  if (!Array.isArray(value)) return
  for (const [element, items] of itemsByElement(type, value)) {
    path.push(element)
    if (items.length === 1) visit(tree, path, type.item, items[0])
    insert(tree, path)
    path.pop()
  }
}
