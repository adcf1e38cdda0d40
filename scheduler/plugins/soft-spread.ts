import type { Plugin, Scores } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { Tally } from '../tallies.ts'
import type { Topology } from '../topology.ts'
import type { ConstraintsFor } from './default-constraints.ts'
import { type Constraint, countsIn, tallyOf } from './spread-constraints.ts'

const hostname = 'kubernetes.io/hostname'

interface SoftState {
  readonly wishes: readonly Wish[]
  /** Nodes that lack a key of a constraint get no points. Wishes by default put up with them. */
  readonly keysDemanded: readonly string[]
}

interface Wish {
  readonly constraint: Constraint
  /** Grows with the number of domains, so that a constraint over few domains does not drown. */
  readonly weight: number
  /** `undefined`: the node lacks the label, and gets no points for it. */
  readonly countOn: (node: NodeInfo) => number | undefined
}

/** The scoring half: fewer matching pods in the node's domains are better (plugins/podtopologyspread/scoring.go). */
export function softSpread(constraintsFor: ConstraintsFor): Pick<Plugin<never, SoftState>, 'preScore' | 'score' | 'normalize'> {
  return {
    preScore({ pod, snapshot }, nodes) {
      const { constraints, needsAllKeys } = constraintsFor(pod, 'ScheduleAnyway')
      if (constraints.length === 0) return 'skip'
      const keysDemanded = needsAllKeys ? constraints.map(({ topologyKey }) => topologyKey) : []
      const scored = keysDemanded.length === 0 ? nodes : nodes.filter(node => hasAll(node, keysDemanded))
      const wishes = constraints.map(constraint => {
        const { topologyKey } = constraint
        return {
          constraint,
          weight: Math.log(domainsAmong(scored, snapshot.topologyOf(topologyKey)) + 2),
          countOn:
            topologyKey === hostname
              ? onNamed(tallyOf(snapshot, pod, constraint))
              : countsIn(snapshot, pod, constraint, needsAllKeys ? constraints : [constraint]).at,
        }
      })
      return { state: { wishes, keysDemanded } }
    },
    score(_, node, { wishes, keysDemanded }) {
      if (!hasAll(node, keysDemanded)) return 0
      let score = 0
      for (const { constraint, weight, countOn } of wishes) {
        const matching = countOn(node)
        if (matching !== undefined) score += matching * weight + (constraint.maxSkew - 1)
      }
      return Math.round(score)
    },
    normalize: (scores, nodes, { keysDemanded }) => normalize(scores, node => hasAll(node, keysDemanded), nodes),
  }
}

const onNamed = (tally: Tally) => (node: NodeInfo) => (node.labels[hostname] === undefined ? undefined : tally.on(node))

function hasAll({ labels }: NodeInfo, keys: readonly string[]): boolean {
  for (const key of keys) if (labels[key] === undefined) return false
  return true
}

/** Every node is a domain of its own by host name; nodes without the label are one domain together. */
function domainsAmong(nodes: readonly NodeInfo[], { key, domainOf, domains }: Topology): number {
  if (key === hostname) return nodes.length
  const isThere = new Uint8Array(domains + 1)
  let count = 0
  for (const { slot } of nodes) {
    const at = (domainOf[slot] ?? -1) + 1
    if (isThere[at] === 1) continue
    isThere[at] = 1
    if (++count > domains) break
  }
  return count
}

function normalize(scores: Scores, counts: (node: NodeInfo) => boolean, nodes: readonly NodeInfo[]): void {
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  for (let i = 0; i < scores.length; i++) {
    if (!counts(nodes[i] as NodeInfo)) continue
    least = Math.min(least, scores[i] ?? 0)
    most = Math.max(most, scores[i] ?? 0)
  }
  for (let i = 0; i < scores.length; i++) {
    if (!counts(nodes[i] as NodeInfo)) scores[i] = 0
    else scores[i] = most === 0 ? 100 : Math.trunc((100 * (most + least - (scores[i] ?? 0))) / most)
  }
}
