import { deepEqual } from '../../lib/json.ts'
import { attach, emptySet, type FieldSet, type FieldTree, insert, withoutTrees } from './field-set.ts'
import { type FieldType, formOf, type ListType, type MapType, settledForm, typeUnder } from './field-type.ts'
import { itemsByElement } from './list-items.ts'
import { fieldElement, type PathElement, self } from './path-element.ts'

/** What happened between two states of an object, field by field. No field is in more than one of the sets. */
export interface Changes {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

interface Walk {
  readonly added: FieldTree
  readonly modified: FieldTree
  readonly removed: FieldTree
  readonly path: PathElement[]
}

type Fields = Readonly<Record<string, unknown>>

/** Compares along the type; undefined stands for what is not there (sigs.k8s.io/structured-merge-diff, typed/compare.go). */
export function compare(type: FieldType, before: unknown, after: unknown): Changes {
  const walk: Walk = { added: {}, modified: {}, removed: {}, path: [] }
  if (before !== undefined || after !== undefined) visit(walk, type, before, after)
  return walk
}

/** The changes but for those that a filter takes out, with all below. */
export function withoutChanges({ added, modified, removed }: Changes, reset: FieldSet): Changes {
  return { added: withoutTrees(added, reset), modified: withoutTrees(modified, reset), removed: withoutTrees(removed, reset) }
}

function visit(walk: Walk, type: FieldType, before: unknown, after: unknown): void {
  if (before === after) return // one and the same value, often shared
  if (before === undefined) return attach(walk.added, walk.path, newNode(type, after))
  const was = formOf(type, before)
  const is = formOf(type, after)
  let isLeaf: boolean
  if (after === undefined) isLeaf = visitAs(was)
  else {
    if (was !== is) visitAs(was)
    isLeaf = visitAs(is)
  }
  if (!isLeaf && after === undefined) insert(walk.removed, walk.path)

  function visitAs(open: ReturnType<typeof formOf>): boolean {
    const form = settledForm(type, open)
    if (form === 'map' && type.map) return visitMap(walk, type.map, before, after)
    if (form === 'list' && type.list) return visitList(walk, type.list, before, after)
    return visitLeaf(walk, before, after)
  }
}

/** Everything in a value that was not there before. */
function newNode(type: FieldType, value: unknown): FieldSet {
  const form = settledForm(type, formOf(type, value))
  let node: FieldTree | undefined
  const add = (element: PathElement, below: FieldSet) => {
    node ??= { [self]: emptySet as FieldTree }
    node[element] = below as FieldTree
  }
  if (form === 'map' && type.map && !type.map.isAtomic) {
    const fields = mapIn(value)
    for (const name in fields) {
      const fieldType = fields[name] === undefined ? undefined : typeUnder(type.map, name)
      if (fieldType) add(fieldElement(name), newNode(fieldType, fields[name]))
    }
  } else if (form === 'list' && type.list && !type.list.isAtomic && Array.isArray(value)) {
    const { item } = type.list
    for (const [element, items] of itemsByElement(type.list, value)) {
      add(element, items.length > 1 ? emptySet : newNode(item, items[0]))
    }
  }
  return node ?? emptySet
}

/** Answers that it was a leaf. */
function visitLeaf({ modified, removed, path }: Walk, before: unknown, after: unknown): true {
  if (after === undefined) insert(removed, path)
  else if (!deepEqual(before, after)) insert(modified, path)
  return true
}

const mapIn = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined

function hasFields(fields: Fields | undefined): boolean {
  for (const name in fields) if (fields[name] !== undefined) return true
  return false
}

function visitMap(walk: Walk, type: MapType, before: unknown, after: unknown): boolean {
  const left = mapIn(before)
  const right = mapIn(after)
  // Two empty ones are a leaf, so that empty and absent stay different things.
  if (type.isAtomic || !(hasFields(left) || hasFields(right))) return visitLeaf(walk, before, after)
  for (const name in left) if (left[name] !== undefined) visitField(walk, type, name, left[name], right?.[name])
  for (const name in right) {
    if (right[name] !== undefined && left?.[name] === undefined) visitField(walk, type, name, undefined, right[name])
  }
  return false
}

function visitField(walk: Walk, type: MapType, name: string, before: unknown, after: unknown): void {
  if (before === after) return
  const fieldType = typeUnder(type, name)
  if (!fieldType) return
  walk.path.push(fieldElement(name))
  visit(walk, fieldType, before, after)
  walk.path.pop()
}

function visitList(walk: Walk, type: ListType, before: unknown, after: unknown): boolean {
  const left = Array.isArray(before) ? before : undefined
  const right = Array.isArray(after) ? after : undefined
  if (type.isAtomic || !(left?.length || right?.length)) return visitLeaf(walk, before, after)
  const wasItems = itemsByElement(type, left)
  const isItems = itemsByElement(type, right)
  for (const [element, were] of wasItems) visitItem(walk, type, element, were, isItems.get(element) ?? [])
  for (const [element, are] of isItems) if (!wasItems.has(element)) visitItem(walk, type, element, [], are)
  return false
}

/** Items that cannot be told apart are owned together, as one. */
function visitItem(walk: Walk, type: ListType, element: PathElement, were: unknown[], are: unknown[]): void {
  const { path, added, modified, removed } = walk
  const wereMany = were.length > 1
  const areMany = are.length > 1
  path.push(element)
  if (wereMany && areMany) {
    if (!deepEqual(were, are)) insert(modified, path)
  } else if (wereMany) {
    if (are.length > 0) visit(walk, type.item, undefined, are[0])
    insert(removed, path)
  } else if (areMany) {
    if (were.length > 0) visit(walk, type.item, were[0], undefined)
    insert(added, path)
  } else visit(walk, type.item, were[0], are[0])
  path.pop()
}
