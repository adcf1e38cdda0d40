import type { Breather } from '../lib/breather.ts'
import type { Random } from '../lib/random.ts'
import type { Cycle, Plugin, Scores } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import { type Profile, pluginsAt } from './profile.ts'
import type { Numbers } from './templates.ts'

export interface RankedNode {
  readonly nodeName: string
  /** The sum of all plugins' points times their weights. */
  readonly score: number
  /** What each plugin gave it, times its weight; plugins that had nothing to say are left out. */
  readonly points?: readonly number[]
  /** Whose points these are. */
  readonly plugins?: readonly string[]
}

/** Of several nodes, the plugins that gave the points stand once beside them all. */
export function withoutPlugins(ranked: readonly RankedNode[]): Omit<RankedNode, 'plugins'>[] {
  return ranked.map(({ nodeName, score, points }) => (points ? { nodeName, score, points } : { nodeName, score }))
}

/** How many ranked nodes are worth telling about, and of how many it is told what each plugin gave: the winner and the runner-up. */
const worthTelling = 3
const worthExplaining = 2

interface Scorer {
  readonly plugin: Plugin
  readonly weight: number
  readonly score: NonNullable<Plugin['score']>
}

/** A scorer that takes part in the ranking of one pod. */
interface Step extends Scorer {
  readonly state: unknown
  /** What it gave to each node, before its weight; absent: it can be asked again. */
  readonly given?: Scores
}

interface GivenStep extends Step {
  readonly given: Scores
}

/** Makes the function that orders feasible nodes: every scoring plugin gives each node 0 to 100 points, times its weight. */
export function ranking({
  random,
  breather,
  recordsVerdicts = true,
  sharing,
  ...profile
}: Pick<Profile, 'plugins' | 'orders'> & {
  /** The list that stands for the profile where pods of one template share their work. */
  sharing: readonly Plugin[]
  random: Random
  breather: Breather
  recordsVerdicts?: boolean | undefined
}): (cycle: Cycle, nodes: readonly NodeInfo[]) => Promise<RankedNode[]> {
  const weights = new Map(profile.plugins.map(({ plugin, weight = 1 }) => [plugin, weight]))
  const scorers: readonly Scorer[] = pluginsAt(profile, 'score').flatMap(plugin =>
    plugin.score ? [{ plugin, weight: weights.get(plugin) ?? 1, score: plugin.score }] : [],
  )
  /** What these give to a node is the same for all pods of a template, also when other nodes are there to compare with. */
  const plain = scorers.filter(({ plugin }) => plugin.looksAt && !plugin.normalize)
  const others = scorers.filter(scorer => !plain.includes(scorer))
  const buffers = new Map<unknown, Scores>()
  const bufferFor = (owner: unknown, length: number): Scores => {
    let buffer = buffers.get(owner)
    if (!buffer || buffer.length < length) {
      buffer = new Float64Array(length)
      buffers.set(owner, buffer)
    }
    return buffer.subarray(0, length)
  }

  return async (cycle, nodes) => {
    const template = cycle.snapshot.templates.of(cycle.pod, sharing)
    const sums = bufferFor('sums', nodes.length)
    const steps: Step[] = preparedOf(plain, cycle, nodes)
    addPlain(steps, cycle, nodes, template.numbers('score'), sums)
    for (const scorer of others) {
      if (breather.isDue()) await breather.rest()
      const prepared = scorer.plugin.preScore?.(cycle, nodes)
      if (prepared === 'skip') continue
      const step = { ...scorer, state: prepared?.state, given: bufferFor(scorer, nodes.length) }
      addScores(step, cycle, nodes, scorer.plugin.looksAt && template.numbers(scorer.plugin.name), sums)
      steps.push(step)
    }
    const plugins = recordsVerdicts ? steps.map(({ plugin }) => plugin.name) : []
    return bestFew(sums, random).map((at, place) => {
      const node = nodes[at] as NodeInfo
      const ranked = { nodeName: node.name, score: sums[at] as number }
      return recordsVerdicts && place < worthExplaining
        ? { ...ranked, plugins, points: pointsOf(steps, cycle, node, at) }
        : ranked
    })
  }
}

function preparedOf(scorers: readonly Scorer[], cycle: Cycle, nodes: readonly NodeInfo[]): Step[] {
  const steps: Step[] = []
  for (const scorer of scorers) {
    const prepared = scorer.plugin.preScore?.(cycle, nodes)
    if (prepared !== 'skip') steps.push({ ...scorer, state: prepared?.state })
  }
  return steps
}

/** Sums of points are kept for the next pod of the template. */
function addPlain(
  steps: readonly Step[],
  { pod }: Cycle,
  nodes: readonly NodeInfo[],
  { generations, values }: Numbers,
  sums: Scores,
) {
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as NodeInfo
    const { slot, generation } = node
    if (generations[slot] !== generation) {
      let sum = 0
      for (const step of steps) sum += step.weight * valid(step.plugin, step.score(pod, node, step.state))
      generations[slot] = generation
      values[slot] = sum
    }
    sums[i] = values[slot] as number
  }
}

function addScores(
  { plugin, weight, score, state, given }: GivenStep,
  { pod }: Cycle,
  nodes: readonly NodeInfo[],
  kept: Numbers | undefined,
  sums: Scores,
): void {
  if (kept) {
    const { generations, values } = kept
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i] as NodeInfo
      const { slot, generation } = node
      if (generations[slot] !== generation) {
        values[slot] = score(pod, node, state)
        generations[slot] = generation
      }
      given[i] = values[slot] as number
    }
  } else for (let i = 0; i < nodes.length; i++) given[i] = score(pod, nodes[i] as NodeInfo, state)
  plugin.normalize?.(given, nodes, state)
  for (let i = 0; i < nodes.length; i++) sums[i] = (sums[i] as number) + weight * valid(plugin, given[i] as number)
}

function pointsOf(steps: readonly Step[], { pod }: Cycle, node: NodeInfo, at: number): number[] {
  return steps.map(({ weight, score, state, given }) => weight * (given ? (given[at] as number) : score(pod, node, state)))
}

function valid({ name }: Plugin, points: number): number {
  if (points >= 0 && points <= 100) return points
  throw invalidScore(name, points)
}

const invalidScore = (name: string, points: number) =>
  new Error(`plugin "${name}" returns an invalid score ${points}, it should in the range of [0, 100] after normalizing`)

/** Where the best few are, best first; which of several equally good ones comes first is left to chance. */
function bestFew(sums: Scores, random: Random): number[] {
  const best = pickLargest(sums, random)
  const order = [best]
  let least = Number.NEGATIVE_INFINITY
  for (let i = 0; i < sums.length; i++) {
    const score = sums[i] as number
    if (score <= least || i === best) continue
    let at = order.length
    while (at > 1 && (sums[order[at - 1] as number] as number) < score) at--
    if (at >= worthTelling) continue
    order.splice(at, 0, i)
    if (order.length > worthTelling) order.pop()
    if (order.length === worthTelling) least = sums[order.at(-1) as number] as number
  }
  return order
}

function pickLargest(sums: Scores, random: Random): number {
  let most = sums[0] as number
  let equals = 0
  for (let i = 0; i < sums.length; i++) {
    const score = sums[i] as number
    if (score > most) {
      most = score
      equals = 1
    } else if (score === most) equals++
  }
  let before = equals > 1 ? random.below(equals) : 0
  for (let i = 0; i < sums.length; i++) if (sums[i] === most && before-- === 0) return i
  return 0
}
