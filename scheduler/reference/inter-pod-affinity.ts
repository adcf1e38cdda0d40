import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import { asFound, type Cluster, labelsOf, podsOn, type ReferencePlugin, type Refusal, type World } from './cluster.ts'

const name = 'InterPodAffinity'
const hardPodAffinityWeight = 1

type Affinity = NonNullable<NonNullable<Pod['spec']['affinity']>['podAffinity']>
type Term = NonNullable<Affinity['requiredDuringSchedulingIgnoredDuringExecution']>[number]

const required = ({ spec }: Pod, kind: 'podAffinity' | 'podAntiAffinity'): readonly Term[] =>
  spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []

const preferred = ({ spec }: Pod, kind: 'podAffinity' | 'podAntiAffinity') =>
  spec.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? []

/** Whether a term of `owner` speaks of a pod (pkg/scheduler/framework/types.go AffinityTerm). */
function speaksOf(term: Term, owner: Pod, other: Pod, { namespaces }: Cluster): boolean {
  const namespace = namespaces.find(({ metadata }) => metadata.name === other.metadata.namespace)
  const isOwnOnly = !term.namespaces?.length && !term.namespaceSelector
  const isInNamespaces =
    (isOwnOnly ? [owner.metadata.namespace] : (term.namespaces ?? [])).includes(other.metadata.namespace) ||
    matchesLabels(fromLabelSelector(term.namespaceSelector), namespace?.metadata.labels)
  return isInNamespaces && matchesLabels(fromLabelSelector(term.labelSelector), other.metadata.labels)
}

const inSameDomain = (a: Node, b: Node, key: string) => labelsOf(a)[key] !== undefined && labelsOf(a)[key] === labelsOf(b)[key]

function filter(pod: Pod, node: Node, world: World): Refusal | undefined {
  const { cluster } = world
  const [affinity, antiAffinity] = [required(pod, 'podAffinity'), required(pod, 'podAntiAffinity')]
  const placed = cluster.nodes.flatMap(where => podsOn(where, world).map(other => ({ other, where })))
  const matchesAll = (other: Pod) => affinity.length > 0 && affinity.every(term => speaksOf(term, pod, other, cluster))

  const friends = placed.filter(({ other }) => matchesAll(other))
  const isNear = affinity.every(({ topologyKey }) => friends.some(({ where }) => inSameDomain(where, node, topologyKey)))
  const hasAllKeys = affinity.every(({ topologyKey }) => labelsOf(node)[topologyKey] !== undefined)
  // Friends on nodes without any of the keys are in no domain, as if they were not there.
  const isFirst = !friends.some(({ where }) => affinity.some(({ topologyKey }) => labelsOf(where)[topologyKey] !== undefined))
  if (!hasAllKeys || !(isNear || (isFirst && matchesAll(pod))))
    return { code: 'Unresolvable', plugin: name, reasons: ["node(s) didn't match pod affinity rules"] }

  const hasFoe = antiAffinity.some(term =>
    placed.some(({ other, where }) => inSameDomain(where, node, term.topologyKey) && speaksOf(term, pod, other, cluster)),
  )
  if (hasFoe) return { code: 'Unschedulable', plugin: name, reasons: ["node(s) didn't match pod anti-affinity rules"] }

  const isShunned = placed.some(({ other, where }) =>
    required(other, 'podAntiAffinity').some(
      term => inSameDomain(where, node, term.topologyKey) && speaksOf(term, other, pod, cluster),
    ),
  )
  return isShunned
    ? { code: 'Unschedulable', plugin: name, reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"] }
    : undefined
}

/** Without terms of its own, and with nobody in any domain who minds, the plugin has nothing to say. */
function prepare(pod: Pod, cluster: Cluster): 'skip' | undefined {
  if (required(pod, 'podAffinity').length + required(pod, 'podAntiAffinity').length > 0) return undefined
  const isMinded = cluster.nodes.some(where =>
    podsOn(where, asFound(cluster)).some(other =>
      required(other, 'podAntiAffinity').some(
        term => labelsOf(where)[term.topologyKey] !== undefined && speaksOf(term, other, pod, cluster),
      ),
    ),
  )
  return isMinded ? undefined : 'skip'
}

/** Every pair of the pod and one that is placed adds up the weights of the terms that speak of the other (scoring.go). */
function score(pod: Pod, nodes: readonly Node[], cluster: Cluster): number[] {
  const placed = cluster.nodes.flatMap(where => podsOn(where, asFound(cluster)).map(other => ({ other, where })))
  const sums = nodes.map(node => {
    let sum = 0
    const count = (term: Term, weight: number, owner: Pod, other: Pod, where: Node) => {
      if (inSameDomain(where, node, term.topologyKey) && speaksOf(term, owner, other, cluster)) sum += weight
    }
    for (const { other, where } of placed) {
      for (const { podAffinityTerm, weight } of preferred(pod, 'podAffinity')) count(podAffinityTerm, weight, pod, other, where)
      for (const { podAffinityTerm, weight } of preferred(pod, 'podAntiAffinity'))
        count(podAffinityTerm, -weight, pod, other, where)
      for (const term of required(other, 'podAffinity')) count(term, hardPodAffinityWeight, other, pod, where)
      for (const { podAffinityTerm, weight } of preferred(other, 'podAffinity')) count(podAffinityTerm, weight, other, pod, where)
      for (const { podAffinityTerm, weight } of preferred(other, 'podAntiAffinity'))
        count(podAffinityTerm, -weight, other, pod, where)
    }
    return sum
  })
  const [least, most] = [Math.min(...sums), Math.max(...sums)]
  // The division comes first: 29 of 50 is 57, not 58.
  return sums.map(sum => (most > least ? Math.trunc(100 * ((sum - least) / (most - least))) : 0))
}

/** Pods near to, and far from, other pods, in both directions (plugins/interpodaffinity). */
export const interPodAffinity: ReferencePlugin = { name, weight: 2, prepare, filter, score }
