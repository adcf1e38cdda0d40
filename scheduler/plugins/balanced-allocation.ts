import { defaultArguments, type PluginArguments } from '../../api/scheduler-config/arguments.ts'
import type { Plugin } from '../framework.ts'
import { asked, balance, nodeScore } from './resource-scoring.ts'

/**
 * The closer together the used shares of cpu and memory would be, the better: 100 less half their difference in per cent (the standard
 * deviation of two values). Pods that request nothing of them do not change the balance. `rewardsImprovement`: as from 1.36 on, a node
 * whose balance becomes better counts more than one that is balanced already; no change is worth 75.
 */
export function balancedAllocation(
  {
    resources,
    rewardsImprovement = false,
  }: PluginArguments['NodeResourcesBalancedAllocation'] & {
    rewardsImprovement?: boolean
  } = defaultArguments.NodeResourcesBalancedAllocation,
): Plugin<undefined, readonly number[]> {
  const score = nodeScore(balance, resources, false)
  return {
    name: 'NodeResourcesBalancedAllocation',
    looksAt: ({ requests, incoming }) => [requests, incoming],
    preScore({ pod }) {
      const wanted = asked(pod, resources, false)
      return wanted.some(amount => amount > 0) ? { state: wanted } : 'skip'
    },
    score(_, node, wanted) {
      const after = score(node, wanted)
      return rewardsImprovement ? 50 + Math.trunc((50 + after - score(node, wanted, false)) / 2) : after
    },
  }
}
