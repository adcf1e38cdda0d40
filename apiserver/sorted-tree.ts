import exported from 'sorted-btree'

// Node hands over all that the CommonJS module exports, other loaders its default.
const Tree = (exported.default ?? exported) as typeof exported.default

/** A map in the order of its keys, with snapshots that cost nothing. */
export type SortedTree<Value> = InstanceType<typeof Tree<string, Value>>

export function sortedTree<Value>(entries: [string, Value][], compare: (a: string, b: string) => number): SortedTree<Value> {
  return new Tree<string, Value>(entries, compare)
}
