/** Things by a value that they have. */
export type ValueIndex<T> = Map<string, Set<T>>

/** One more thing has the value. */
export function addTo<T>(index: ValueIndex<T>, value: string, item: T): void {
  const items = index.get(value)
  if (items) items.add(item)
  else index.set(value, new Set([item]))
}

/** A value that nothing has any more is forgotten. */
export function removeFrom<T>(index: ValueIndex<T>, value: string, item: T): void {
  const items = index.get(value)
  items?.delete(item)
  if (items?.size === 0) index.delete(value)
}

/** The index of one of several fields; made empty where there is none. */
export function indexOf<T>(indexes: Map<string, ValueIndex<T>>, field: string): ValueIndex<T> {
  let index = indexes.get(field)
  if (!index) indexes.set(field, (index = new Map()))
  return index
}
