import type { Breather } from '../lib/breather.ts'
import type { Random } from '../lib/random.ts'
import { type Filters, prepareFilters } from './filters.ts'
import { type Cycle, type Diagnosis, isRefusal, type Plugin, type Refusal, unresolvable } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { Nominator } from './nominator.ts'
import { type Profile, pluginsAt } from './profile.ts'
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

interface Dependencies extends Pick<Profile, 'plugins' | 'orders' | 'percentageOfNodesToScore'> {
  nominator: Nominator
  random: Random
  breather: Breather
  /** Whether to remember what each plugin gave to the best nodes. */
  recordsVerdicts?: boolean | undefined
}

/**
 * How many feasible nodes are enough: all of up to 100; of n more than that so many per cent, or 50 - n/125 per cent, 5 at least, where
 * nobody says how many; 100 nodes at least (pkg/scheduler/schedule_one.go numFeasibleNodesToFind).
 */
export function enoughNodes(nodes: number, wantedPercentage = 0): number {
  if (nodes < 100) return nodes
  const percentage = wantedPercentage || Math.max(5, 50 - Math.trunc(nodes / 125))
  return Math.max(100, Math.trunc((nodes * percentage) / 100))
}

/** Nodes between two looks at the clock. */
const nodesPerLook = 64

export function search({ nominator, random, breather, recordsVerdicts, ...profile }: Dependencies): Search {
  const plugins = profile.plugins.map(({ plugin }) => plugin)
  const preparing = profile.orders
    ? pluginsAt(profile, 'preFilter').concat(plugins.filter(({ preFilter }) => !preFilter))
    : plugins
  const filterOrder = profile.orders && new Map(pluginsAt(profile, 'filter').map((plugin, at) => [plugin, at]))
  const rank = ranking({ ...profile, random, breather, recordsVerdicts, sharing: preparing })
  const isScoring = plugins.some(({ score }) => score)
  let start = 0

  return {
    async run(cycle) {
      const { snapshot, pod } = cycle
      const refusals = new Map<Refusal, string[]>()
      if (snapshot.nodes.length === 0) return { diagnosis: nobodyToAsk(plugins, refusals) }
      const filters = prepareFilters(preparing, nominator, cycle, filterOrder)
      if (isRefusal(filters))
        return {
          diagnosis: { totalNodes: snapshot.nodes.length, refusals, preFilter: filters, plugins: new Set([filters.plugin]) },
        }

      let last: Refusal | undefined
      let alike: string[] = []
      const refuse = (refusal: Refusal, { name }: NodeInfo) => {
        if (refusal !== last) {
          last = refusal
          const others = refusals.get(refusal)
          alike = others ?? []
          if (!others) refusals.set(refusal, alike)
        }
        alike.push(name)
      }
      const nominated = snapshot.byName.get(pod.pod.status?.nominatedNodeName ?? '')
      if (nominated) {
        const refusal = filters.check(nominated)
        if (!refusal) return { nodeName: nominated.name, feasible: 1, ranked: [], refusals }
        // It is asked again with the others, unless it is out of the question anyway: then this is what it has to say.
        if (!isAllowed(filters, nominated)) refuse(refusal, nominated)
      }
      const candidates = filters.nodes ? snapshot.nodes.filter(node => isAllowed(filters, node)) : snapshot.nodes
      const enough = isScoring ? enoughNodes(candidates.length, profile.percentageOfNodesToScore) : 1
      const feasible: NodeInfo[] = []
      const areAll = candidates === snapshot.nodes
      let seen = 0
      let at = start % Math.max(1, candidates.length)
      for (; seen < candidates.length && feasible.length < enough; seen++) {
        if (seen % nodesPerLook === nodesPerLook - 1 && breather.isDue()) await breather.rest()
        const node = candidates[at] as NodeInfo
        const isGood = areAll && filters.isGood(snapshot.slots[at] as number)
        if (++at === candidates.length) at = 0
        const refusal = isGood ? undefined : filters.check(node)
        if (refusal) refuse(refusal, node)
        else feasible.push(node)
      }
      if (candidates.length > 0) start = (start + seen) % snapshot.nodes.length
      const [only] = feasible
      if (!only) return { diagnosis: diagnose(cycle, filters, refusals), filters }
      const ranked = feasible.length === 1 ? [] : await rank(cycle, feasible)
      return { nodeName: ranked[0]?.nodeName ?? only.name, feasible: feasible.length, ranked, refusals }
    },
  }
}

function isAllowed({ nodes }: Filters, node: NodeInfo): boolean {
  return !nodes || nodes.has(node.name)
}

/** Without nodes nobody could be asked, so whatever any plugin cares for may help. */
function nobodyToAsk(all: readonly Plugin[], refusals: Map<Refusal, string[]>): Diagnosis {
  return { totalNodes: 0, refusals, plugins: new Set(all.filter(({ filter }) => filter).map(({ name }) => name)) }
}

function diagnose({ snapshot }: Cycle, filters: Filters, refusals: Map<Refusal, string[]>): Diagnosis {
  const plugins = new Set([...refusals.keys()].map(({ plugin }) => plugin))
  const pending = new Set([...refusals.keys()].filter(({ code }) => code === 'Pending').map(({ plugin }) => plugin))
  if (filters.nodes) {
    const asked = new Set([...refusals.values()].flat())
    const left = snapshot.nodes.filter(node => !isAllowed(filters, node) && !asked.has(node.name)).map(({ name }) => name)
    const names = [...filters.restrictedBy].sort().join(' ')
    if (left.length > 0)
      refusals.set(unresolvable(filters.restrictedBy[0] ?? '', `node(s) didn't satisfy plugin(s) [${names}]`), left)
    for (const name of filters.restrictedBy) plugins.add(name)
  }
  return { totalNodes: snapshot.nodes.length, refusals, plugins, pending }
}
