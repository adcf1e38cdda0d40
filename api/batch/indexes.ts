/** From and to, both included. */
export type Interval = readonly [from: number, to: number]

/**
 * Understands the indexes of an indexed job, `0,2-4,7`: rising, and all below `completions`. What is wrong comes back as text, in
 * upstream's words (pkg/apis/batch/validation validateIndexesFormat).
 */
export function readIndexes(text: string, completions: number): readonly Interval[] | string {
  if (text === '') return []
  const intervals: Interval[] = []
  for (const part of text.split(',')) {
    const interval = readInterval(part, completions)
    if (typeof interval === 'string') return interval
    const last = intervals.at(-1)
    if (last && last[1] >= interval[0]) return `non-increasing order, previous: ${last[1]}, current: ${interval[0]}`
    intervals.push(interval)
  }
  return intervals
}

function readInterval(text: string, completions: number): Interval | string {
  const limits = text.split('-')
  if (limits.length > 2) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
    return `the fragment ${JSON.stringify(text)} ${rule}`
  }
  const numbers: number[] = []
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`
    const index = Number(limit)
    if (index >= completions) return `too large index: ${JSON.stringify(limit)}`
    numbers.push(index)
  }
  const [from = 0, to = from] = numbers
  if (numbers.length === 2 && from >= to) return `non-increasing order, previous: ${from}, current: ${to}`
  return [from, to]
}

/** The first index that two lists have in common; lists that cannot be read have none. */
export function commonIndex(a: string, b: string, completions: number): number | undefined {
  const [left, right] = [readIndexes(a, completions), readIndexes(b, completions)]
  if (typeof left === 'string' || typeof right === 'string') return undefined
  let [i, j] = [0, 0]
  for (let x = left[i], y = right[j]; x && y; x = left[i], y = right[j]) {
    if (x[0] <= y[1] && y[0] <= x[1]) return Math.max(x[0], y[0])
    if (x[0] <= y[0]) i++
    else j++
  }
  return undefined
}
