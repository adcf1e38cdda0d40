import type { PlacementVerdict } from '../api/placement/placement-verdict.ts'
import type { Diagnosis, Refusal } from './framework.ts'
import type { Snapshot } from './snapshot.ts'

/** How many node names are given of those that said the same. */
const namesTold = 5

/** The nodes that refused, by what they said, as it is told to people; a word for all nodes counts for each of them. */
export function refusalGroups(
  said: Diagnosis | ReadonlyMap<Refusal, readonly string[]>,
  snapshot?: Snapshot,
): PlacementVerdict['nodes'] {
  const refusals = 'refusals' in said ? refusalsOf(said, snapshot) : said
  return [...refusals].map(([{ plugin, reasons }, names]) => ({
    count: names.length,
    nodes: names.slice(0, namesTold),
    reason: reasons.join(', '),
    plugin,
  }))
}

function refusalsOf({ preFilter, refusals }: Diagnosis, snapshot: Snapshot | undefined) {
  return preFilter ? new Map([[preFilter, (snapshot?.nodes ?? []).map(({ name }) => name)]]) : refusals
}
