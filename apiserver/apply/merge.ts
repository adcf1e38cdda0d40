import { type FieldType, formOf, type ListType, type MapType, settledForm, typeUnder } from './field-type.ts'
import { itemElement } from './list-items.ts'
import type { PathElement } from './path-element.ts'

type Fields = Record<string, unknown>

/**
 * A live value with what somebody wants of it on top: leaves and atomic parts as they are wanted, maps merged by their keys, keyed
 * lists and sets by their items. Nothing is taken away. Changes neither argument; undefined stands for what is not there
 * (sigs.k8s.io/structured-merge-diff, typed/merge.go).
 */
export function merge(type: FieldType, live: unknown, wanted: unknown): unknown {
  if (wanted === undefined) return live
  const form = settledForm(type, formOf(type, wanted))
  if (form === 'map' && type.map) return mergeMaps(type.map, live, wanted)
  if (form === 'list' && type.list) return mergeLists(type.list, live, wanted)
  return wanted
}

const mapIn = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
const isEmptyMap = (fields: Fields | undefined) => fields === undefined || Object.keys(fields).length === 0

function mergeMaps(type: MapType, live: unknown, wanted: unknown): unknown {
  const left = mapIn(live)
  const right = mapIn(wanted)
  if (type.isAtomic || (isEmptyMap(left) && isEmptyMap(right))) return wanted
  const result: Fields = { ...left }
  for (const name in right) {
    const fieldType = typeUnder(type, name)
    if (name !== '__proto__' && fieldType) result[name] = merge(fieldType, left?.[name], right[name])
  }
  return result
}

function mergeLists(type: ListType, live: unknown, wanted: unknown): unknown {
  const left = Array.isArray(live) ? (live as unknown[]) : undefined
  const right = Array.isArray(wanted) ? (wanted as unknown[]) : undefined
  if (type.isAtomic || (!left?.length && !right?.length)) return wanted
  return mergeItems(type, left ?? [], right ?? [])
}

interface Item {
  readonly element: PathElement
  readonly value: unknown
}

/**
 * Items that both have stand in the order of what is wanted; those that only the live list has stay in front of what followed
 * them. Live items that cannot be told apart are replaced by the one that is wanted.
 */
function mergeItems(type: ListType, live: readonly unknown[], wanted: readonly unknown[]): unknown[] {
  const left = live.map((value): Item => ({ element: itemElement(type, value), value }))
  const right = wanted.map((value): Item => ({ element: itemElement(type, value), value }))
  const lives = new Map<PathElement, unknown>()
  for (const { element, value } of left) lives.set(element, lives.has(element) ? undefined : value)
  const wantedElements = new Set(right.map(({ element }) => element))
  const shared = right.map(({ element }) => element).filter(element => lives.has(element))
  const merged = new Set<PathElement>()
  const result: unknown[] = []
  let nextShared = shared.shift()
  let l = 0
  let r = 0
  const take = ({ element, value }: Item) => {
    merged.add(element)
    result.push(merge(type.item, lives.get(element), value))
    r++
    if (element === nextShared) nextShared = shared.shift()
  }
  while (l < left.length || r < right.length) {
    const ours = left[l]
    const theirs = right[r]
    if (ours && theirs?.element === ours.element) {
      l++
      take(theirs)
    } else if (ours && !wantedElements.has(ours.element)) {
      result.push(ours.value)
      l++
    } else if (ours && theirs && nextShared !== undefined && nextShared !== ours.element) {
      l++ // wanted too, but at another place
    } else {
      if (ours && merged.has(ours.element)) l++
      if (theirs) take(theirs)
    }
  }
  return result
}
