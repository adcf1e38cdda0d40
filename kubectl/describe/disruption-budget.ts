import type { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { describeSelector } from '../../api/selectors.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { heading } from './parts.ts'

export const describeDisruptionBudget: Describer<PodDisruptionBudget> = (budget, around) => {
  const { spec, status } = budget
  const page = newPage()
  heading(page, budget)
  if (spec.minAvailable !== undefined) page.line(0, `Min available:\t${spec.minAvailable}`)
  else if (spec.maxUnavailable !== undefined) page.line(0, `Max unavailable:\t${spec.maxUnavailable}`)
  page.line(0, `Selector:\t${spec.selector ? describeSelector(spec.selector) : '<unset>'}`)
  page.line(0, 'Status:')
  page.line(2, `Allowed disruptions:\t${status.disruptionsAllowed ?? 0}`)
  page.line(2, `Current:\t${status.currentHealthy ?? 0}`)
  page.line(2, `Desired:\t${status.desiredHealthy ?? 0}`)
  page.line(2, `Total:\t${status.expectedPods ?? 0}`)
  events(page, around.events, around.now)
  return page.text()
}
