import { defaultArguments, type PluginArguments } from '../../api/scheduler-config/arguments.ts'
import { deepEqual } from '../../lib/json.ts'
import { type Cycle, type Plugin, type ResourceChange, unresolvable, unschedulable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo, PodTerms } from '../pod-info.ts'
import type { NamespaceLabels, PodTerm } from '../pod-terms.ts'
import type { Snapshot } from '../snapshot.ts'
import { domainCounts, type WhatIfCounts, whatIf } from '../topology.ts'
import { affinityScore } from './affinity-score.ts'
import { haveLabelsChanged } from './changes.ts'

const name = 'InterPodAffinity'
const noAffinity = unresolvable(name, "node(s) didn't match pod affinity rules")
const ownAntiAffinity = unschedulable(name, "node(s) didn't match pod anti-affinity rules")
const othersAntiAffinity = unschedulable(name, "node(s) didn't satisfy existing pods anti-affinity rules")

interface State {
  /** For each required anti-affinity term that matches this pod, by the term's key: the pods that have it. */
  readonly against: Map<string, WhatIfCounts>
  /** For each term of its own, the pods that all of them (affinity) or this one (anti-affinity) match. */
  readonly affinity: readonly WhatIfCounts[]
  readonly antiAffinity: readonly WhatIfCounts[]
  /** The pod matches its own affinity terms: the first of its kind may go anywhere. */
  readonly matchesItself: boolean
}

const noTerms: PodTerms = { affinity: [], antiAffinity: [], preferred: [], preferredAnti: [] }

/** Pods near to, or far from, other pods; also the other way round: what is there already may not want the newcomer. */
export function interPodAffinity(
  labelsOf: NamespaceLabels,
  namespacesVersion: () => number,
  args: PluginArguments['InterPodAffinity'] = defaultArguments.InterPodAffinity,
): Plugin<State, unknown> {
  const matchesAll = (terms: readonly PodTerm[], other: PodInfo) => terms.every(term => term.matches(other, labelsOf))
  const idOf = (terms: readonly PodTerm[]) => {
    const version = terms.some(({ dependsOnNamespaces }) => dependsOnNamespaces) ? namespacesVersion() : 0
    return `affinity ${version} ${terms.map(({ id }) => id).join(' ')}`
  }
  const countsFor = (snapshot: Snapshot, terms: readonly PodTerm[], topologyKey: string) =>
    whatIf(snapshot.tallies.of(idOf(terms), other => Number(matchesAll(terms, other))).byDomain(topologyKey))

  const change = (state: State, { pod, snapshot }: Cycle, other: PodInfo, node: NodeInfo, by: 1 | -1) => {
    const { affinity, antiAffinity } = pod.terms ?? noTerms
    for (const term of other.terms?.antiAffinity ?? []) {
      if (!term.matches(pod, labelsOf)) continue
      const counts = state.against.get(term.key) ?? whatIf(domainCounts(snapshot.topologyOf(term.topologyKey)))
      state.against.set(term.key, counts)
      counts.change(node, by)
    }
    if (affinity.length > 0 && matchesAll(affinity, other)) for (const counts of state.affinity) counts.change(node, by)
    for (const [i, term] of antiAffinity.entries()) if (term.matches(other, labelsOf)) state.antiAffinity[i]?.change(node, by)
  }

  return {
    name,
    preFilter({ pod, snapshot }) {
      const against = termsAgainst(pod, snapshot, labelsOf)
      const { affinity, antiAffinity } = pod.terms ?? noTerms
      if (affinity.length === 0 && antiAffinity.length === 0 && !isAnywhere(against)) return 'skip'
      return {
        state: {
          against,
          affinity: affinity.map(({ topologyKey }) => countsFor(snapshot, affinity, topologyKey)),
          antiAffinity: antiAffinity.map(term => countsFor(snapshot, [term], term.topologyKey)),
          matchesItself: matchesAll(affinity, pod),
        },
      }
    },
    filter(_, node, state) {
      if (!isNearEnough(state, node)) return noAffinity
      for (const counts of state.antiAffinity) if ((counts.at(node) ?? 0) > 0) return ownAntiAffinity
      for (const counts of state.against.values()) if ((counts.at(node) ?? 0) > 0) return othersAntiAffinity
      return undefined
    },
    copyState: ({ against, affinity, antiAffinity, matchesItself }) => ({
      against: new Map([...against].map(([key, counts]) => [key, counts.copy()])),
      affinity: affinity.map(counts => counts.copy()),
      antiAffinity: antiAffinity.map(counts => counts.copy()),
      matchesItself,
    }),
    podAdded: (state, other, node, cycle) => change(state, cycle, other, node, 1),
    podRemoved: (state, other, node, cycle) => change(state, cycle, other, node, -1),
    ...affinityScore(labelsOf, countsFor, args),
    wakes: {
      assignedPod: (pod, change) => mayHelp(pod, change, labelsOf),
      node: (pod, { before, after }) => after !== undefined && mayNodeHelp(pod, before?.metadata.labels, after.metadata.labels),
    },
  }
}

/** Every term finds a matching pod in the node's domain; or none matches anywhere and the pod is the first of its kind. */
function isNearEnough({ affinity, matchesItself }: State, node: NodeInfo): boolean {
  let isNear = true
  for (const counts of affinity) {
    const matching = counts.at(node)
    if (matching === undefined) return false
    if (matching <= 0) isNear = false
  }
  return isNear || (matchesItself && affinity.every(counts => !counts.isAnywhere))
}

/** Terms of pods whose nodes have none of the keys keep nobody away from anywhere. */
function isAnywhere(against: State['against']): boolean {
  for (const counts of against.values()) if (counts.isAnywhere) return true
  return false
}

function termsAgainst(pod: PodInfo, { heldTerms }: Snapshot, labelsOf: NamespaceLabels): Map<string, WhatIfCounts> {
  const against = new Map<string, WhatIfCounts>()
  for (const { term, tally } of heldTerms.values('antiAffinity'))
    if (term.matches(pod, labelsOf)) against.set(term.key, whatIf(tally().byDomain(term.topologyKey)))
  return against
}

/** What comes may be who it wants to be near; what goes, or no longer matches, may be who it wants to be far from, or who wants that. */
function mayHelp(pod: PodInfo, { before, after }: ResourceChange<PodInfo>, labelsOf: NamespaceLabels): boolean {
  const { affinity, antiAffinity } = pod.terms ?? noTerms
  const isNear = (other: PodInfo | undefined) =>
    other !== undefined && affinity.length > 0 && affinity.every(term => term.matches(other, labelsOf))
  if (!isNear(before) && isNear(after)) return true
  if (!before || (after && !haveLabelsChanged(before, after))) return false
  const isFeared = (term: PodTerm) => term.matches(before, labelsOf) && !(after && term.matches(after, labelsOf))
  if (antiAffinity.some(isFeared)) return true
  return !after && (before.terms?.antiAffinity.some(term => term.matches(pod, labelsOf)) ?? false)
}

type Labels = Readonly<Record<string, string>> | undefined

/** A node that came into another domain of one of the pod's terms. What others demand is not asked: any new label may be theirs. */
function mayNodeHelp({ terms = noTerms }: PodInfo, before: Labels, after: Labels = {}): boolean {
  const { affinity, antiAffinity } = terms
  const isNew = before === undefined
  const hasMoved = ({ topologyKey }: PodTerm) => before?.[topologyKey] !== after[topologyKey]
  if (affinity.some(term => after[term.topologyKey] !== undefined && (isNew || hasMoved(term)))) return true
  if (affinity.length > 0) return antiAffinity.some(term => isNew || (hasMoved(term) && before[term.topologyKey] !== undefined))
  return isNew || !deepEqual(before, after)
}
