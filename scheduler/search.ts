import type { Random } from '../lib/random.ts'
import type { Breather } from './breather.ts'
import { type Filters, isRefusal, prepareFilters } from './filters.ts'
import { type Cycle, type Diagnosis, type Plugin, type Refusal, unresolvable, type WeightedPlugin } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { Nominator } from './nominator.ts'
import { type RankedNode, ranking } from './ranking.ts'

/** A node for a pod, and what spoke for it. */
export interface Placement {
  readonly nodeName: string
  /** How many nodes would have taken the pod. Not all are looked at in a large cluster. */
  readonly feasible: number
  /** The best few, best first; a lone feasible node is not scored. */
  readonly ranked: readonly RankedNode[]
  readonly refusals: ReadonlyMap<Refusal, readonly string[]>
}

/** No node took the pod. `filters` are absent when a plugin refused before any node was looked at. */
export interface NoPlacement {
  readonly diagnosis: Diagnosis
  readonly filters?: Filters
}

/** Finds nodes for pods; remembers where it stopped, so that the next search begins behind. */
export interface Search {
  run(cycle: Cycle): Promise<Placement | NoPlacement>
}

interface Dependencies {
  plugins: readonly WeightedPlugin[]
  nominator: Nominator
  random: Random
  breather: Breather
}

/**
 * How many feasible nodes are enough: all of up to 100; of n more than that 50 - n/125 per cent, 5 per cent and 100 nodes at
 * least (pkg/scheduler/schedule_one.go numFeasibleNodesToFind).
 */
export function enoughNodes(nodes: number): number {
  if (nodes < 100) return nodes
  const percentage = Math.max(5, 50 - Math.trunc(nodes / 125))
  return Math.max(100, Math.trunc((nodes * percentage) / 100))
}

/** Nodes between two looks at the clock. */
const nodesPerLook = 64

export function search({ plugins: weighted, nominator, random, breather }: Dependencies): Search {
  const plugins = weighted.map(({ plugin }) => plugin)
  const rank = ranking({ plugins: weighted, random, breather })
  let start = 0

  return {
    async run(cycle) {
      const { snapshot, pod } = cycle
      const refusals = new Map<Refusal, string[]>()
      const filters = prepareFilters(plugins, nominator, cycle)
      if (isRefusal(filters))
        return {
          diagnosis: { totalNodes: snapshot.nodes.length, refusals, preFilter: filters, plugins: new Set([filters.plugin]) },
        }

      const nominated = snapshot.byName.get(pod.pod.status?.nominatedNodeName ?? '')
      if (nominated && isAllowed(filters, nominated) && !filters.check(nominated))
        return { nodeName: nominated.name, feasible: 1, ranked: [], refusals }

      const candidates = filters.nodes ? snapshot.nodes.filter(node => isAllowed(filters, node)) : snapshot.nodes
      const enough = enoughNodes(candidates.length)
      const feasible: NodeInfo[] = []
      let seen = 0
      for (; seen < candidates.length && feasible.length < enough; seen++) {
        if (seen % nodesPerLook === nodesPerLook - 1 && breather.isDue()) await breather.rest()
        const node = candidates[(start + seen) % candidates.length] as NodeInfo
        const refusal = filters.check(node)
        if (!refusal) {
          feasible.push(node)
          continue
        }
        const others = refusals.get(refusal)
        if (others) others.push(node.name)
        else refusals.set(refusal, [node.name])
      }
      if (candidates.length > 0) start = (start + seen) % candidates.length
      const [only] = feasible
      if (!only) return { diagnosis: diagnose(cycle, plugins, filters, refusals), filters }
      const ranked = feasible.length === 1 ? [] : await rank(cycle, feasible)
      return { nodeName: ranked[0]?.nodeName ?? only.name, feasible: feasible.length, ranked, refusals }
    },
  }
}

function isAllowed({ nodes }: Filters, node: NodeInfo): boolean {
  return !nodes || nodes.has(node.name)
}

function diagnose({ snapshot }: Cycle, all: readonly Plugin[], filters: Filters, refusals: Map<Refusal, string[]>): Diagnosis {
  // Without nodes nobody could be asked, so whatever any plugin cares for may help.
  const refusing = snapshot.nodes.length === 0 ? all.map(({ name }) => name) : [...refusals.keys()].map(({ plugin }) => plugin)
  const plugins = new Set(refusing)
  if (filters.nodes) {
    const left = snapshot.nodes.filter(node => !isAllowed(filters, node)).map(({ name }) => name)
    const names = [...filters.restrictedBy].sort().join(' ')
    if (left.length > 0)
      refusals.set(unresolvable(filters.restrictedBy[0] ?? '', `node(s) didn't satisfy plugin(s) [${names}]`), left)
    for (const name of filters.restrictedBy) plugins.add(name)
  }
  return { totalNodes: snapshot.nodes.length, refusals, plugins }
}
