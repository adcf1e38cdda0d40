import { ApiError } from '../../api/errors.ts'
import { jsonSchemaOf, type KindSchema, resolveSchema, type SchemaNode } from '../../api/json-schema.ts'
import type { AnyKind } from '../../api/kind.ts'
import { isRecord } from '../decode-body.ts'
import { goText } from '../go-text.ts'
import { mergeFailure, unprocessable } from './errors.ts'
import { inOrder } from './list-order.ts'
import { withoutNulls } from './merge.ts'

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
    const deletes = key.startsWith(deleteFromList)
    const field = deletes ? fieldOf(key, deleteFromList) : key
    const merged = value === null ? undefined : mergeValue(schema, metaOf(schema, node, field), result[field], value, deletes)
    if (merged === undefined) delete result[field]
    else result[field] = merged
  }
  return result
}

/** `deletes`: a list of values to take out of the list that is there. */
function mergeValue(schema: KindSchema, meta: Meta, before: unknown, value: unknown, deletes: boolean): unknown {
  if (isRecord(before) && isRecord(value)) return meta.replaces ? value : mergeMap(schema, meta.node, before, value)
  if (Array.isArray(before) && Array.isArray(value)) return mergeList(schema, meta, before, value, deletes).list
  return deletes ? before : fresh(value)
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
  if (!Array.isArray(keys)) throw badFormat('retainKeys')
  const retained = new Set<unknown>(keys)
  for (const [key, value] of Object.entries(patch)) {
    const isDirective = key.startsWith(deleteFromList) || key.startsWith(setElementOrder)
    if (value !== null && !isDirective && !retained.has(key)) throw badFormat('retainKeys')
  }
  for (const key of Object.keys(result)) if (!retained.has(key)) delete result[key]
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
    const other = !Array.isArray(order) ? order : isListOrAbsent(before) ? value : before
    throw mergeFailure(`expected a []interface {}, but received a ${goType(other)}`)
  }
  const meta = metaOf(schema, node, field)
  checkOrder(value ?? [], order, meta.mergeKey)
  if (!before && !value) return
  const { list, order: serverOrder } =
    before && value
      ? mergeList(schema, meta, before, value, false)
      : { list: before ?? (withoutDirectives(value) as unknown[]), order: before ?? [] }
  if (checkItems([before ?? [], value ?? []]) || meta.mergeKey) {
    for (const item of [...list, ...order, ...(before ?? [])]) checkKey(item, meta.mergeKey)
  }
  result[field] = inOrder(list, order, serverOrder, meta.mergeKey)
}

const isListOrAbsent = (value: unknown): value is unknown[] | undefined => value === undefined || Array.isArray(value)

/** What the patch sets must stand in the order list, in the same order. */
function checkOrder(items: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (items.length === 0 || order.length === 0) return
  const identity = (item: unknown) => {
    if (!mergeKey) return item
    checkKey(item, mergeKey)
    return item[mergeKey]
  }
  const isDeleted = (item: unknown) => mergeKey !== '' && isRecord(item) && item[directive] === 'delete'
  const waiting = items.filter(item => !isDeleted(item))
  let next = 0
  for (let at = 0; next < waiting.length && at < order.length; ) {
    const item = waiting[next]
    if (isRecord(item) && directive in item) next++
    else if (identity(item) === identity(order[at++])) next++
  }
  if (next === waiting.length) return
  throw mergeFailure(`The order in patch list:\n${goText(items)}\n doesn't match ${setElementOrder} list:\n${goText(order)}\n`)
}

function checkKey(item: unknown, mergeKey: string): asserts item is Fields {
  if (!isRecord(item)) throw mergeFailure(`expected a map[string]interface {}, but received a ${goType(item)}`)
  if (item[mergeKey] === undefined) throw noMergeKey(item, mergeKey)
}

/** Items must be of one type, and no lists; answers whether they are maps. */
function checkItems(lists: readonly (readonly unknown[])[]): boolean {
  const items = lists.flat()
  const [first] = items
  if (items.length === 0) throw mergeFailure('no elements in any of the given slices')
  if (Array.isArray(first)) throw unprocessable(new Error('lists of lists are not supported'))
  const type = goType(first)
  if (items.some(item => goType(item) !== type)) throw mergeFailure(`list element types are not identical: ${goText(lists)}`)
  return isRecord(first)
}

interface MergedList {
  readonly list: unknown[]
  /** The order that the server's own items count in afterwards. */
  readonly order: readonly unknown[]
}

function mergeList(
  schema: KindSchema,
  meta: Meta,
  before: readonly unknown[],
  value: readonly unknown[],
  deletes: boolean,
): MergedList {
  if (!meta.merges && !deletes) return { list: [...value], order: before }
  if (before.length === 0 && value.length === 0) return { list: [], order: before }
  if (!checkItems([before, value])) {
    if (deletes) return { list: before.filter(item => !value.includes(item)), order: before }
    if (meta.mergeKey) for (const item of [...before, ...value]) checkKey(item, meta.mergeKey)
    return { list: inOrder([...new Set([...before, ...value])], value, before, ''), order: before }
  }
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
      throw noMergeKey(item, mergeKey)
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
  const [before] = key.split('/', 1)
  const field = key.includes('/') ? key.slice(key.indexOf('/') + 1) : undefined
  if (before !== prefix || field === undefined) {
    throw badFormat(prefix === deleteFromList ? 'primitive list' : 'setElementOrder list')
  }
  return field
}

/** What is new has nothing to be merged with: nulls say nothing there, and what carries `$patch` has nothing to work on. */
function fresh(value: unknown): unknown {
  return withoutDirectives(withoutNulls(value))
}

/** Other directives than `$patch` stay, and are told as fields that nobody knows. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter(item => item !== undefined)
  if (!isRecord(value)) return value
  if (directive in value) return undefined
  const entries = Object.entries(value).map(([key, item]) => [key, withoutDirectives(item)] as const)
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined))
}

/** The type of a JSON value, as Go names it. */
function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  if (isRecord(value)) return 'map[string]interface {}'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return value === null ? '%!s(<nil>)' : typeof value === 'boolean' ? 'bool' : 'string'
}

function badFormat(what: string): ApiError {
  return new ApiError('BadRequest', `invalid patch format of ${what}`)
}

function noMergeKey(item: unknown, mergeKey: string): ApiError {
  return mergeFailure(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`)
}

function badDirective(command: unknown, map: Fields): ApiError {
  return mergeFailure(`unknown patch type: ${goText(command)} in map: ${goText(map)}`)
}
