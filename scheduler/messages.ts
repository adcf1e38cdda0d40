import type { Diagnosis, Refusal } from './framework.ts'

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` and what came of making room (framework/types.go). */
export function unschedulableMessage({ totalNodes, refusals, preFilter }: Diagnosis, postFilterMessage = ''): string {
  if (totalNodes === 0) return 'no nodes available to schedule pods'
  const why = preFilter ? preFilter.reasons.join(', ') : histogram(refusals)
  return `0/${totalNodes} nodes are available:${why && ` ${why}.`}${postFilterMessage && ` ${postFilterMessage}`}`
}

/** How many nodes gave each reason; sorted as text, so that "10 x" comes before "2 y". */
function histogram(refusals: ReadonlyMap<Refusal, readonly string[]>): string {
  const counts = new Map<string, number>()
  for (const [{ reasons }, nodes] of refusals)
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + nodes.length)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort(byBytes)
    .join(', ')
}

const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const longestNote = 1024

/** Event messages longer than 1024 bytes are cut. */
export function eventMessage(text: string): string {
  return text.length <= longestNote ? text : `${text.slice(0, longestNote - 4)} ...`
}
