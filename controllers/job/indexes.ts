import type { Interval } from '../../api/batch/indexes.ts'

/** Completion indexes as runs without gaps between them, rising: what `0-2,5` stands for. */
export type Indexes = readonly Interval[]

/**
 * Reads a list of indexes that was once accepted. What lies outside of `completions` is left out, as the job may have shrunk since;
 * what cannot be read is passed over.
 */
export function parseIndexes(text: string, completions: number): Indexes {
  const intervals: Interval[] = []
  for (const part of text.split(',')) {
    const [from, to = from, ...more] = part.split('-').map(limit => (/^\d+$/.test(limit) ? Number(limit) : undefined))
    if (from === undefined || to === undefined || more.length > 0) continue
    if (from >= completions) break
    intervals.push([from, Math.min(to, completions - 1)])
  }
  return joined(intervals)
}

/** As a job's status says it: neighbours in pairs stand alone (`0,1`), longer runs with a hyphen (`0-2`). */
export function formatIndexes(indexes: Indexes): string {
  return indexes.map(([from, to]) => (from === to ? `${from}` : `${from}${to === from + 1 ? ',' : '-'}${to}`)).join(',')
}

export function countIndexes(indexes: Indexes): number {
  return indexes.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

export function hasIndex(indexes: Indexes, index: number): boolean {
  let [low, high] = [0, indexes.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((indexes[middle]?.[1] ?? 0) >= index) high = middle
    else low = middle + 1
  }
  const interval = indexes[low]
  return interval !== undefined && interval[0] <= index
}

/** Both lists in one. */
export function mergeIndexes(a: Indexes, b: Indexes): Indexes {
  if (b.length === 0) return a
  return joined([...a, ...b].sort(([x], [y]) => x - y))
}

/** A list and some more indexes, in any order. */
export function withIndexes(known: Indexes, more: Iterable<number>): Indexes {
  return mergeIndexes(
    known,
    [...more].sort((a, b) => a - b).map(index => [index, index] as const),
  )
}

/** How many indexes two lists have in common. */
export function countCommon(a: Indexes, b: Indexes): number {
  let count = 0
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [x, y] = [a[i] ?? [0, 0], b[j] ?? [0, 0]]
    count += Math.max(0, Math.min(x[1], y[1]) - Math.max(x[0], y[0]) + 1)
    const [xEndsFirst, yEndsFirst] = [x[1] <= y[1], y[1] <= x[1]]
    if (xEndsFirst) i++
    if (yEndsFirst) j++
  }
  return count
}

/** The lowest indexes below `completions` that are not taken, at most `count`. */
export function firstFree(taken: Indexes, count: number, completions: number): number[] {
  const free: number[] = []
  let candidate = 0
  for (const [from, to] of [...taken, [completions, completions] as const]) {
    for (; candidate < Math.min(from, completions) && free.length < count; candidate++) free.push(candidate)
    candidate = Math.max(candidate, to + 1)
  }
  return free
}

/** Rising intervals, with those that touch or overlap made one. */
function joined(rising: readonly Interval[]): Indexes {
  const result: [number, number][] = []
  for (const [from, to] of rising) {
    const last = result.at(-1)
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}
