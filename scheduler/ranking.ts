import type { Random } from '../lib/random.ts'
import type { Breather } from './breather.ts'
import type { Cycle, Scores } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import { type Profile, pluginsAt } from './profile.ts'

export interface RankedNode {
  readonly nodeName: string
  /** The sum of all plugins' points times their weights. */
  readonly score: number
}

/** How many ranked nodes are worth telling about. */
const worthTelling = 3

/** Makes the function that orders feasible nodes: every scoring plugin gives each node 0 to 100 points, times its weight. */
export function ranking({
  random,
  breather,
  ...profile
}: Pick<Profile, 'plugins' | 'orders'> & {
  random: Random
  breather: Breather
}): (cycle: Cycle, nodes: readonly NodeInfo[]) => Promise<RankedNode[]> {
  const weights = new Map(profile.plugins.map(({ plugin, weight = 1 }) => [plugin, weight]))
  const scoring = pluginsAt(profile, 'score').flatMap(plugin =>
    plugin.score ? [{ plugin, weight: weights.get(plugin) ?? 1, score: plugin.score }] : [],
  )
  let total: Scores = new Float64Array(0)
  let single: Scores = new Float64Array(0)

  return async (cycle, nodes) => {
    if (total.length < nodes.length) {
      total = new Float64Array(nodes.length)
      single = new Float64Array(nodes.length)
    }
    const sums = total.subarray(0, nodes.length).fill(0)
    const scores = single.subarray(0, nodes.length)
    for (const { plugin, weight, score } of scoring) {
      if (breather.isDue()) await breather.rest()
      const prepared = plugin.preScore?.(cycle, nodes)
      if (prepared === 'skip') continue
      const state = prepared?.state
      for (let i = 0; i < nodes.length; i++) scores[i] = score(cycle.pod, nodes[i] as NodeInfo, state)
      plugin.normalize?.(scores, nodes, state)
      for (let i = 0; i < nodes.length; i++) {
        const points = scores[i] as number
        if (!(points >= 0 && points <= 100)) throw invalidScore(plugin.name, points)
        sums[i] = (sums[i] as number) + weight * points
      }
    }
    return bestFew(sums, nodes, random)
  }
}

const invalidScore = (name: string, points: number) =>
  new Error(`plugin "${name}" returns an invalid score ${points}, it should in the range of [0, 100] after normalizing`)

/** The best few, best first; which of several equally good ones comes first is left to chance. */
function bestFew(sums: Scores, nodes: readonly NodeInfo[], random: Random): RankedNode[] {
  const best = pickLargest(sums, random)
  const order = [best]
  for (let i = 0; i < sums.length; i++) {
    if (i === best) continue
    const score = sums[i] as number
    let at = order.length
    while (at > 1 && (sums[order[at - 1] as number] as number) < score) at--
    if (at >= worthTelling) continue
    order.splice(at, 0, i)
    if (order.length > worthTelling) order.pop()
  }
  return order.map(i => ({ nodeName: (nodes[i] as NodeInfo).name, score: sums[i] as number }))
}

function pickLargest(sums: Scores, random: Random): number {
  let best = 0
  let equals = 1
  for (let i = 1; i < sums.length; i++) {
    const score = sums[i] as number
    if (score > (sums[best] as number)) {
      best = i
      equals = 1
    } else if (score === sums[best] && random.below(++equals) === 0) best = i
  }
  return best
}
