import type { Plugin } from '../framework.ts'

/**
 * The closer together the used shares of cpu and memory would be, the better: 100 less half their difference in per cent (the standard
 * deviation of two values). Pods that request nothing do not change the balance.
 */
export const balancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  preScore: ({ pod }) => (Object.values(pod.requests).some(amount => amount > 0) ? { state: undefined } : 'skip'),
  score({ requests }, { allocatable, requested }) {
    const cpu = share((requested.cpu ?? 0) + (requests.cpu ?? 0), allocatable.cpu)
    const memory = share((requested.memory ?? 0) + (requests.memory ?? 0), allocatable.memory)
    const deviation = cpu === undefined || memory === undefined ? 0 : Math.abs(cpu - memory) / 2
    return Math.trunc((1 - deviation) * 100)
  },
}

function share(used: number, capacity = 0): number | undefined {
  return capacity > 0 ? Math.min(1, used / capacity) : undefined
}
