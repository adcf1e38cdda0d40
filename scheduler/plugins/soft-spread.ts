import type { Plugin, Scores } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { Tally } from '../tallies.ts'
import type { DefaultSelector } from './default-selector.ts'
import { type Constraint, constraintsOf, countsIn, tallyOf } from './spread-constraints.ts'

const hostname = 'kubernetes.io/hostname'
const zone = 'topology.kubernetes.io/zone'

/** What a pod without constraints of its own wishes for: its like spread over nodes and zones (plugins/podtopologyspread/plugin.go). */
const wishedByDefault = [
  { topologyKey: hostname, maxSkew: 3 },
  { topologyKey: zone, maxSkew: 5 },
]

interface SoftState {
  readonly wishes: readonly Wish[]
  /** Nodes that lack a key of a constraint get no points. Wishes by default put up with them. */
  readonly keysDemanded: readonly string[]
}

interface Wish {
  readonly constraint: Constraint
  /** Grows with the number of domains, so that a constraint over few domains does not drown. */
  readonly weight: number
  readonly countOn: (node: NodeInfo) => number
}

/** The scoring half: fewer matching pods in the node's domains are better (plugins/podtopologyspread/scoring.go). */
export function softSpread(defaultSelector: DefaultSelector): Pick<Plugin<never, SoftState>, 'preScore' | 'score' | 'normalize'> {
  return {
    preScore({ pod, snapshot }, nodes) {
      const own = constraintsOf(pod, 'ScheduleAnyway')
      const hasOwn = (pod.pod.spec.topologySpreadConstraints?.length ?? 0) > 0
      const constraints = hasOwn ? own : defaultConstraints(pod, defaultSelector)
      if (constraints.length === 0) return 'skip'
      const keysDemanded = hasOwn ? constraints.map(({ topologyKey }) => topologyKey) : []
      const scored = nodes.filter(node => hasAll(node, keysDemanded))
      const wishes = constraints.map(constraint => {
        const { topologyKey } = constraint
        return {
          constraint,
          weight: Math.log(domainsAmong(scored, topologyKey) + 2),
          countOn:
            topologyKey === hostname
              ? onNode(tallyOf(snapshot, pod, constraint))
              : inDomain(countsIn(snapshot, pod, constraint, hasOwn ? constraints : [constraint]), topologyKey),
        }
      })
      return { state: { wishes, keysDemanded } }
    },
    score(_, node, { wishes, keysDemanded }) {
      if (!hasAll(node, keysDemanded)) return 0
      let score = 0
      for (const { constraint, weight, countOn } of wishes)
        if (node.labels[constraint.topologyKey] !== undefined) score += countOn(node) * weight + (constraint.maxSkew - 1)
      return Math.round(score)
    },
    normalize: (scores, nodes, { keysDemanded }) => normalize(scores, node => hasAll(node, keysDemanded), nodes),
  }
}

const onNode = (tally: Tally) => (node: NodeInfo) => tally.on(node)
const inDomain = (counts: ReadonlyMap<string, number>, key: string) => (node: NodeInfo) => counts.get(node.labels[key] ?? '') ?? 0

function hasAll({ labels }: NodeInfo, keys: readonly string[]): boolean {
  for (const key of keys) if (labels[key] === undefined) return false
  return true
}

/** Every node is a domain of its own by host name. */
function domainsAmong(nodes: readonly NodeInfo[], key: string): number {
  if (key === hostname) return nodes.length
  const domains = new Set<string>()
  for (const { labels } of nodes) {
    const domain = labels[key]
    if (domain !== undefined) domains.add(domain)
  }
  return domains.size
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

function defaultConstraints(pod: Parameters<DefaultSelector>[0], defaultSelector: DefaultSelector): Constraint[] {
  const selector = defaultSelector(pod)
  if (selector === 'nothing') return []
  const id = `spread ${pod.namespace} by default ${JSON.stringify(selector)}`
  return wishedByDefault.map(wish => ({
    ...wish,
    minDomains: 1,
    selector,
    equalLabels: [],
    id,
    selfMatch: 1,
    honorsAffinity: true,
    honorsTaints: false,
  }))
}
