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
  const rank = (order: readonly unknown[]) => {
    const positions = new Map(order.map((item, i) => [identity(item), i] as const).reverse())
    return (item: unknown) => positions.get(identity(item)) ?? -1
  }
  const inPatch = rank(patchOrder)
  const inServer = rank(serverOrder)
  const fromPatch = merged.filter(item => inPatch(item) >= 0).sort((a, b) => inPatch(a) - inPatch(b))
  const fromServer = merged.filter(item => inPatch(item) < 0).sort((a, b) => inServer(a) - inServer(b))

  const result: unknown[] = []
  let next = 0
  for (const item of fromPatch) {
    for (; next < fromServer.length; next++) {
      const before = inServer(fromServer[next])
      if (before < 0 || inServer(item) < 0 || before > inServer(item)) break
      result.push(fromServer[next])
    }
    result.push(item)
  }
  return [...result, ...fromServer.slice(next)]
}
