import { isRecord } from '../decode-body.ts'

/**
 * Orders a merged list: what the patch names comes in the patch's order, what only the server knows stays in the server's, and
 * both are interleaved so that the server's items stand before what followed them
 * (k8s.io/apimachinery/pkg/util/strategicpatch, normalizeElementOrder).
 */
export function inOrder(
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string,
): unknown[] {
  const identity = (item: unknown) => (mergeKey && isRecord(item) ? item[mergeKey] : item)
  const rank = (order: readonly unknown[]): Rank => {
    const positions = new Map(order.map((item, i) => [identity(item), i] as const).reverse())
    return item => positions.get(identity(item)) ?? -1
  }
  const inPatch = rank(patchOrder)
  const inServer = rank(serverOrder)
  const fromPatch = sortedBy(
    merged.filter(item => inPatch(item) >= 0),
    inPatch,
  )
  const fromServer = sortedBy(
    merged.filter(item => inPatch(item) < 0),
    inServer,
  )
  const result: unknown[] = []
  let next = 0
  for (const item of fromPatch) {
    for (; next < fromServer.length; next++) {
      const before = inServer(fromServer[next])
      if (before < 0 || before >= inServer(item)) break
      result.push(fromServer[next])
    }
    result.push(item)
  }
  return [...result, ...fromServer.slice(next)]
}

/** Where an item stands in an order; -1: nowhere. */
type Rank = (item: unknown) => number

/** By rank; an item that has none is passed by whatever comes after it, as the insertion sort that upstream ends up with does it. */
function sortedBy(items: unknown[], rank: Rank): unknown[] {
  const ranks = items.map(rank)
  for (let at = 1; at < items.length; at++) {
    for (let j = at; j > 0; j--) {
      const [left = -1, right = -1] = [ranks[j - 1], ranks[j]]
      if (left >= 0 && right >= 0 && left <= right) break
      ;[ranks[j - 1], ranks[j]] = [right, left]
      ;[items[j - 1], items[j]] = [items[j], items[j - 1]]
    }
  }
  return items
}
