import type { Pod } from '../api/core/pod.ts'
import { fromLabelSelector, matchesLabels } from '../api/selectors.ts'
import type { PodInfo, PodTerms } from './pod-info.ts'

type Labels = Readonly<Record<string, string>>
type LabelSelectorObject = Parameters<typeof fromLabelSelector>[0]

/** One affinity term of a pod, ready to be matched. */
export interface PodTerm {
  readonly topologyKey: string
  /** 100 for required terms, which do not use it. */
  readonly weight: number
  /** Whether the term speaks of a pod; `labelsOf` gives a namespace's labels. */
  matches(other: PodInfo, labelsOf: NamespaceLabels): boolean
  /** Equal for terms that match the same pods. */
  readonly id: string
  /** Equal for terms that also have the same weight and topology key. */
  readonly key: string
  /** Whether what it matches changes with the labels of namespaces. */
  readonly dependsOnNamespaces: boolean
}

export type NamespaceLabels = (namespace: string) => Labels

interface TermObject {
  readonly topologyKey: string
  readonly labelSelector?: LabelSelectorObject | undefined
  readonly namespaces?: readonly string[] | undefined
  readonly namespaceSelector?: LabelSelectorObject | undefined
  readonly matchLabelKeys?: readonly string[] | undefined
  readonly mismatchLabelKeys?: readonly string[] | undefined
}

interface WeightedTermObject {
  readonly weight: number
  readonly podAffinityTerm: TermObject
}

/** The terms of a pod; `undefined` when it has no pod affinity of any sort. */
export function podTerms({ metadata, spec }: Pod): PodTerms | undefined {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  if (!podAffinity && !podAntiAffinity) return undefined
  const required = (terms: readonly TermObject[] = []) => terms.map(term => podTerm(term, 100, metadata))
  const preferred = (terms: readonly WeightedTermObject[] = []) =>
    terms.map(({ weight, podAffinityTerm }) => podTerm(podAffinityTerm, weight, metadata))
  return {
    affinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAnti: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  }
}

/**
 * A term looks into the namespaces it lists and those its selector matches; with neither, into the pod's own; an empty selector
 * means all (pkg/scheduler/framework/types.go). A term without a label selector matches no pod.
 */
function podTerm(term: TermObject, weight: number, own: Pod['metadata']): PodTerm {
  const { topologyKey, labelSelector, namespaces = [], namespaceSelector } = term
  const listed = new Set(namespaces.length === 0 && !namespaceSelector ? [own.namespace] : namespaces)
  const ownValues = (keys: readonly string[] = []) =>
    keys.flatMap(key => (own.labels?.[key] === undefined ? [] : [[key, own.labels[key]] as const]))
  const [equal, different] = [ownValues(term.matchLabelKeys), ownValues(term.mismatchLabelKeys)]
  const selector = labelSelector && fromLabelSelector(labelSelector)
  const id = JSON.stringify([[...listed].sort(), namespaceSelector, labelSelector, equal, different])
  const ofNamespaces = namespaceSelector && fromLabelSelector(namespaceSelector)
  return {
    topologyKey,
    weight,
    dependsOnNamespaces: namespaceSelector !== undefined,
    id,
    key: `${weight} ${topologyKey} ${id}`,
    matches(other, labelsOf) {
      if (!selector || !matchesLabels(selector, other.labels)) return false
      if (equal.some(([key, value]) => other.labels[key] !== value)) return false
      if (different.some(([key, value]) => other.labels[key] === value)) return false
      return listed.has(other.namespace) || (ofNamespaces !== undefined && matchesLabels(ofNamespaces, labelsOf(other.namespace)))
    },
  }
}
