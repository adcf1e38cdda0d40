import type { PluginArguments } from '../../api/scheduler-config/arguments.ts'
import type { Plugin } from '../framework.ts'
import type { TermRole } from '../held-terms.ts'
import type { NamespaceLabels, PodTerm } from '../pod-terms.ts'
import type { Snapshot } from '../snapshot.ts'
import type { DomainCounts } from '../topology.ts'

/** Pods that match or are matched, by domain, each worth this much. */
interface Wish {
  readonly counts: Pick<DomainCounts, 'at'>
  readonly worth: number
}

type CountsFor = (snapshot: Snapshot, terms: readonly PodTerm[], topologyKey: string) => Pick<DomainCounts, 'at'>

/** The scoring half: each matching pair of pods adds the term's weight to the domain, or takes it away (plugins/interpodaffinity/scoring.go). */
export function affinityScore(
  labelsOf: NamespaceLabels,
  countsFor: CountsFor,
  { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods }: PluginArguments['InterPodAffinity'],
): Pick<Plugin<never, readonly Wish[]>, 'preScore' | 'score' | 'normalize'> {
  return {
    preScore({ pod, snapshot }) {
      const own = (terms: readonly PodTerm[] = [], sign: 1 | -1) =>
        terms.map(term => ({ counts: countsFor(snapshot, [term], term.topologyKey), worth: sign * term.weight }))
      const wishes: Wish[] = [...own(pod.terms?.preferred, 1), ...own(pod.terms?.preferredAnti, -1)]
      if (ignorePreferredTermsOfExistingPods && wishes.length === 0) return 'skip'
      const others = (role: TermRole, worthOf: (term: PodTerm) => number) => {
        for (const { term, tally } of snapshot.heldTerms.values(role)) {
          if (!term.matches(pod, labelsOf)) continue
          wishes.push({ counts: tally().byDomain(term.topologyKey), worth: worthOf(term) })
        }
      }
      if (hardPodAffinityWeight > 0) others('affinity', () => hardPodAffinityWeight)
      others('preferred', ({ weight }) => weight)
      others('preferredAnti', ({ weight }) => -weight)
      return wishes.length === 0 ? 'skip' : { state: wishes }
    },
    score(_, node, wishes) {
      let score = 0
      for (const { counts, worth } of wishes) score += worth * (counts.at(node) ?? 0)
      return score
    },
    normalize(scores) {
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (const score of scores) {
        least = Math.min(least, score)
        most = Math.max(most, score)
      }
      // Divided first and multiplied then, as upstream does: 100 * 0.29 is less than 29.
      for (let i = 0; i < scores.length; i++)
        scores[i] = most > least ? Math.trunc(100 * (((scores[i] ?? 0) - least) / (most - least))) : 0
    },
  }
}
