import { ApiError } from '../../api/errors.ts'
import { jsonSchemaOf, type KindSchema, resolveSchema, type SchemaNode } from '../../api/json-schema.ts'
import type { AnyKind } from '../../api/kind.ts'
import { isRecord } from '../decode-body.ts'
import { mergeFailure, unprocessable } from './errors.ts'
import { inOrder } from './list-order.ts'

/**
 * Strategic merge patch: like a merge patch, but lists whose items have a key are merged item by item, and directives in the
 * patch steer it (k8s.io/apimachinery/pkg/util/strategicpatch). What is merged how stands in the kind's schema.
 */

type Fields = Record<string, unknown>

/** How one field is merged. */
interface Meta {
  readonly node: SchemaNode | undefined
  /** Of a list's items. */
  readonly items: SchemaNode | undefined
  readonly merges: boolean
  readonly replaces: boolean
  readonly mergeKey: string
}

const directive = '$patch'
const retainKeys = '$retainKeys'
const deleteFromList = '$deleteFromPrimitiveList'
const setElementOrder = '$setElementOrder'

/** Changes neither argument; what did not change is shared with the target. */
export function strategicMerge(kind: AnyKind, target: object, patch: unknown): unknown {
  if (!isRecord(patch)) throw new ApiError('BadRequest', 'error decoding patch: json: cannot unmarshal into a map')
  const schema = jsonSchemaOf(kind)
  return mergeMap(schema, schema.root, target as Fields, patch)
}

function mergeMap(schema: KindSchema, node: SchemaNode | undefined, target: Fields, given: Fields): Fields {
  if (given[directive] !== undefined) return replacedMap(given)
  const patch = { ...given }
  const result = { ...target }
  applyRetainKeys(result, patch)
  for (const key of Object.keys(patch)) {
    if (key.startsWith(setElementOrder)) mergeOrdered(schema, node, result, patch, key)
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') continue
    if (key.startsWith(deleteFromList)) removeValues(result, key, value)
    else if (value === null) delete result[key]
    else {
      const merged = mergeValue(schema, metaOf(schema, node, key), result[key], value)
      if (merged === undefined) delete result[key]
      else result[key] = merged
    }
  }
  return result
}

function mergeValue(schema: KindSchema, meta: Meta, before: unknown, value: unknown): unknown {
  if (isRecord(before) && isRecord(value)) {
    return meta.replaces ? fresh(value) : mergeMap(schema, meta.node, before, value)
  }
  if (Array.isArray(before) && Array.isArray(value)) return mergeList(schema, meta, before, value).list
  return fresh(value)
}

/** `$patch: replace` takes the rest of the patch as it is, `$patch: delete` leaves nothing. */
function replacedMap(given: Fields): Fields {
  const { [directive]: command, ...patch } = given
  if (command === 'replace') return patch
  if (command === 'delete') return {}
  throw badDirective(command, given)
}

/** `$retainKeys` names every key that may be left afterwards, at least those that the patch itself sets. */
function applyRetainKeys(result: Fields, patch: Fields): void {
  const keys = patch[retainKeys]
  if (keys === undefined) return
  delete patch[retainKeys]
  if (!Array.isArray(keys)) throw unprocessable(new Error('$retainKeys is no list'))
  const retained = new Set<unknown>(keys)
  for (const [key, value] of Object.entries(patch)) {
    const isDirective = key.startsWith(deleteFromList) || key.startsWith(setElementOrder)
    if (value !== null && !isDirective && !retained.has(key)) throw unprocessable(new Error(`$retainKeys lacks ${key}`))
  }
  for (const key of Object.keys(result)) if (!retained.has(key)) delete result[key]
}

/** `$deleteFromPrimitiveList/finalizers: [a]` */
function removeValues(result: Fields, key: string, values: unknown): void {
  const field = fieldOf(key, deleteFromList)
  const list = result[field]
  if (values === null) delete result[field]
  if (!Array.isArray(list) || !Array.isArray(values)) return
  result[field] = list.filter(item => !values.includes(item))
}

/** `$setElementOrder/containers: [{name: a}, {name: b}]`: merges the list at once, then orders it. */
function mergeOrdered(schema: KindSchema, node: SchemaNode | undefined, result: Fields, patch: Fields, key: string): void {
  const field = fieldOf(key, setElementOrder)
  const order = patch[key]
  const before = result[field]
  const value = patch[field]
  delete patch[key]
  delete patch[field]
  if (!Array.isArray(order) || !isListOrAbsent(before) || !isListOrAbsent(value)) {
    throw mergeFailure(`expected a []interface {}, but received a ${typeof (Array.isArray(order) ? (before ?? value) : order)}`)
  }
  const meta = metaOf(schema, node, field)
  checkOrder(value ?? [], order, meta.mergeKey)
  if (!before && !value) return
  const { list, order: serverOrder } =
    before && value
      ? mergeList(schema, meta, before, value)
      : { list: before ?? (fresh(value) as unknown[]), order: before ?? [] }
  result[field] = inOrder(list, order, serverOrder, meta.mergeKey)
}

const isListOrAbsent = (value: unknown): value is unknown[] | undefined => value === undefined || Array.isArray(value)

/** What the patch sets must stand in the order list, in the same order. */
function checkOrder(items: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  const identity = (item: unknown) => (mergeKey && isRecord(item) ? item[mergeKey] : item)
  let next = 0
  for (const item of items) {
    if (mergeKey && isRecord(item) && item[directive] === 'delete') continue
    while (next < order.length && identity(order[next]) !== identity(item)) next++
    if (next++ >= order.length) {
      throw mergeFailure(`The order in patch list:\n${show(items)}\n doesn't match ${setElementOrder} list:\n${show(order)}\n`)
    }
  }
}

interface MergedList {
  readonly list: unknown[]
  /** The order that the server's own items count in afterwards. */
  readonly order: readonly unknown[]
}

function mergeList(schema: KindSchema, meta: Meta, before: readonly unknown[], value: readonly unknown[]): MergedList {
  if (!meta.merges) return { list: [...value], order: before }
  const every = [...before, ...value]
  const isStructured = every.some(isRecord)
  if (isStructured && !every.every(isRecord)) throw mergeFailure(`list element types are not identical: ${show([before, value])}`)
  if (every.some(Array.isArray)) throw unprocessable(new Error('lists of lists cannot be merged'))
  if (!isStructured) return { list: inOrder([...new Set(every)], value, before, ''), order: before }
  const { mergeKey } = meta
  if (!mergeKey) throw mergeFailure('cannot merge lists without merge key')
  const { kept, items } = applyListDirectives(before, value, mergeKey)
  const merged = [...kept]
  for (const item of items) {
    const at = merged.findIndex(other => isRecord(other) && other[mergeKey] === item[mergeKey])
    if (at < 0) merged.push(item)
    else merged[at] = mergeMap(schema, meta.items, merged[at] as Fields, item)
  }
  // Upstream appends new items to the very array that deletions left room in, so as many of them as fit count as the server's.
  return { list: inOrder(merged, items, kept, mergeKey), order: merged.slice(0, before.length) }
}

/** Items with `$patch`: `delete` removes the item with that key, `replace` makes the patch's list the whole list. */
function applyListDirectives(before: readonly unknown[], value: readonly unknown[], mergeKey: string) {
  const items: Fields[] = []
  let kept = before
  let replaces = false
  for (const item of value) {
    if (!isRecord(item)) continue // never: all items are alike
    const command = item[directive]
    if (command !== 'replace' && item[mergeKey] === undefined) {
      throw mergeFailure(`map: ${show(item)} does not contain declared merge key: ${mergeKey}`)
    }
    if (command === undefined) items.push(item)
    else if (command === 'replace') replaces = true
    else if (command === 'delete') kept = kept.filter(other => !isRecord(other) || other[mergeKey] !== item[mergeKey])
    else if (command === 'merge') throw mergeFailure('merging lists cannot yet be specified in the patch')
    else throw badDirective(command, item)
  }
  return replaces ? { kept: items, items: [] } : { kept, items }
}

function metaOf(schema: KindSchema, parent: SchemaNode | undefined, key: string): Meta {
  const holder = parent && resolveSchema(schema, parent)
  const values = typeof holder?.additionalProperties === 'object' ? holder.additionalProperties : undefined
  const own = holder?.properties?.[key] ?? values
  const node = own && resolveSchema(schema, own)
  const strategies = node?.['x-kubernetes-patch-strategy']?.split(',') ?? []
  return {
    node,
    items: node?.items,
    merges: strategies.includes('merge'),
    replaces: strategies.includes('replace'),
    mergeKey: node?.['x-kubernetes-patch-merge-key'] ?? '',
  }
}

function fieldOf(key: string, prefix: string): string {
  const [before, field] = key.split('/')
  if (before !== prefix || !field) throw mergeFailure(`unexpected format: ${key}`)
  return field
}

/** What is new has nothing to be merged with: nulls and directives, and whatever carries `$patch`, have nothing to do. */
function fresh(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fresh).filter(item => item !== undefined)
  if (!isRecord(value)) return value
  if (value[directive] !== undefined) return undefined
  const result: Fields = {}
  for (const [key, item] of Object.entries(value)) {
    const isDirective = key === retainKeys || key.startsWith(deleteFromList) || key.startsWith(setElementOrder)
    const kept = item === null || isDirective ? undefined : fresh(item)
    if (kept !== undefined) result[key] = kept
  }
  return result
}

/** A value as Go prints it with %v, which is how upstream's messages show it. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`
  if (!isRecord(value)) return value === null ? '<nil>' : String(value)
  const entries = Object.keys(value).sort()
  return `map[${entries.map(key => `${key}:${show(value[key])}`).join(' ')}]`
}

function badDirective(command: unknown, map: Fields): ApiError {
  return mergeFailure(`unknown patch type: ${show(command)} in map: ${show(map)}`)
}
