/** The first of many, by an order: add, remove and take are logarithmic. An item is held once. */
export interface Heap<T> {
  add(item: T): void
  /** Answers whether it was there. */
  remove(item: T): boolean
  has(item: T): boolean
  peek(): T | undefined
  take(): T | undefined
  readonly size: number
  /** In no promised order. */
  items(): readonly T[]
}

export function heap<T>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = []
  const places = new Map<T, number>()

  const put = (item: T, at: number) => {
    items[at] = item
    places.set(item, at)
  }
  const rise = (item: T, from: number) => {
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = items[parentAt] as T
      if (!isBefore(item, parent)) break
      put(parent, at)
      at = parentAt
    }
    put(item, at)
  }
  const sink = (item: T, from: number) => {
    let at = from
    for (;;) {
      let childAt = 2 * at + 1
      if (childAt >= items.length) break
      if (childAt + 1 < items.length && isBefore(items[childAt + 1] as T, items[childAt] as T)) childAt++
      const child = items[childAt] as T
      if (!isBefore(child, item)) break
      put(child, at)
      at = childAt
    }
    put(item, at)
  }

  return {
    add(item) {
      if (places.has(item)) return
      items.push(item)
      rise(item, items.length - 1)
    },
    remove(item) {
      const at = places.get(item)
      if (at === undefined) return false
      places.delete(item)
      const last = items.pop() as T
      if (last === item) return true
      sink(last, at)
      rise(last, places.get(last) as number)
      return true
    },
    has: item => places.has(item),
    peek: () => items[0],
    take() {
      const first = items[0]
      if (first !== undefined) this.remove(first)
      return first
    },
    get size() {
      return items.length
    },
    items: () => items,
  }
}
