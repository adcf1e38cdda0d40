import { deepEqual } from '../../lib/json.ts'
import type { SchemaNode } from './schema.ts'

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The strategic merge patch that brings `current` to what is asked for: additions and changes by comparing with `current`, removals only of what the
 * last application had and this one has no more (k8s.io/apimachinery/pkg/util/strategicpatch CreateThreeWayMergePatch). Fields that others set stay.
 * Without a schema (kinds that the server does not describe) it is a JSON merge patch. An empty object means that nothing is to do.
 */
export function threeWayPatch(original: Json, modified: Json, current: Json, schema: SchemaNode | undefined): Json {
  return diffObject(original, modified, current, schema) ?? {}
}

function diffObject(original: Json, modified: Json, current: Json, schema: SchemaNode | undefined): Json | undefined {
  const patch: Json = {}
  for (const [key, wanted] of Object.entries(modified)) {
    if (wanted === undefined) continue
    const change = diffValue(key, original[key], wanted, current[key], schema?.field(key))
    if (change !== undefined) Object.assign(patch, change)
  }
  for (const key of Object.keys(original)) {
    if (modified[key] === undefined && current[key] !== undefined) patch[key] = null
  }
  return Object.keys(patch).length > 0 ? patch : undefined
}

/** What a field adds to the patch of the object it is in, directives included. */
function diffValue(
  key: string,
  original: unknown,
  wanted: unknown,
  current: unknown,
  schema: SchemaNode | undefined,
): Json | undefined {
  if (wanted === null) return current === undefined ? undefined : { [key]: null }
  if (isObject(wanted) && isObject(current)) {
    const before = isObject(original) ? original : {}
    const inner = diffObject(before, wanted, current, schema)
    if (!inner) return undefined
    return { [key]: { ...inner, ...retainedKeys(wanted, schema) } }
  }
  if (Array.isArray(wanted) && Array.isArray(current) && schema?.strategies.includes('merge')) {
    const before = Array.isArray(original) ? original : []
    return schema.mergeKey
      ? diffKeyedList(key, schema.mergeKey, before, wanted, current, schema)
      : diffPlainList(key, before, wanted, current)
  }
  return deepEqual(wanted, current) ? undefined : { [key]: wanted }
}

/** Unions, such as a volume's source: what is not asked for goes, whoever set it. */
function retainedKeys(wanted: Json, schema: SchemaNode | undefined): Json {
  return schema?.strategies.includes('retainKeys') ? { $retainKeys: Object.keys(wanted).sort() } : {}
}

function diffKeyedList(
  key: string,
  mergeKey: string,
  original: unknown[],
  wanted: unknown[],
  current: unknown[],
  schema: SchemaNode,
): Json | undefined {
  const idOf = (item: unknown) => (isObject(item) ? item[mergeKey] : undefined)
  const find = (list: unknown[], id: unknown) => list.find(item => deepEqual(idOf(item), id)) as Json | undefined
  if (!wanted.every(item => idOf(item) !== undefined)) return deepEqual(wanted, current) ? undefined : { [key]: wanted }
  const changes: Json[] = []
  for (const item of wanted as Json[]) {
    const id = idOf(item)
    const there = find(current, id)
    const inner = there ? diffObject(find(original, id) ?? {}, item, there, schema.items) : item
    if (inner) changes.push({ ...inner, ...(there && retainedKeys(item, schema)), [mergeKey]: id })
  }
  for (const item of original) {
    const id = idOf(item)
    if (!find(wanted, id) && find(current, id)) changes.push({ $patch: 'delete', [mergeKey]: id })
  }
  const order = wanted.map(item => ({ [mergeKey]: idOf(item) }))
  const kept = current.filter(item => find(wanted, idOf(item))).map(idOf)
  const isInOrder = deepEqual(
    kept,
    wanted.map(idOf).filter(id => kept.some(each => deepEqual(each, id))),
  )
  if (changes.length === 0 && isInOrder) return undefined
  return { [`$setElementOrder/${key}`]: order, ...(changes.length > 0 && { [key]: changes }) }
}

function diffPlainList(key: string, original: unknown[], wanted: unknown[], current: unknown[]): Json | undefined {
  const added = wanted.filter(value => !current.includes(value))
  const removed = original.filter(value => !wanted.includes(value) && current.includes(value))
  const kept = current.filter(value => wanted.includes(value))
  const isInOrder = deepEqual(
    kept,
    wanted.filter(value => kept.includes(value)),
  )
  if (added.length === 0 && removed.length === 0 && isInOrder) return undefined
  return {
    ...(removed.length > 0 && { [`$deleteFromPrimitiveList/${key}`]: removed }),
    [`$setElementOrder/${key}`]: wanted,
    ...(added.length > 0 && { [key]: added }),
  }
}
