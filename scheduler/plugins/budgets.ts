import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Informers } from '../../client/informer.ts'
import type { Budget } from './victims.ts'

/** The PodDisruptionBudgets as the informers know them. An absent or empty selector, or one that makes no sense, is about nobody. */
export function budgetsFrom(informers: Informers): () => readonly Budget[] {
  const budgets = informers.of(PodDisruptionBudget).lister
  return () => budgets.list().flatMap(budget => toBudget(budget) ?? [])
}

function toBudget({ metadata, spec, status }: PodDisruptionBudget): Budget | undefined {
  let selector: ReturnType<typeof fromLabelSelector>
  try {
    selector = fromLabelSelector(spec.selector)
  } catch {
    return undefined
  }
  if (selector === 'nothing' || selector.length === 0) return undefined
  return {
    namespace: metadata.namespace,
    matches: pod => Object.keys(pod.labels).length > 0 && matchesLabels(selector, pod.labels),
    disruptionsAllowed: status.disruptionsAllowed,
    disruptedPods: new Set(Object.keys(status.disruptedPods ?? {})),
  }
}
