import type { Plugin } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

/** A pod with gates is not tried before the last of them was removed. */
export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  preEnqueue(pod) {
    const gates = gatesOf(pod)
    return gates.length > 0 ? `waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]` : undefined
  },
  wakes: { self: (_, { after }) => after !== undefined && gatesOf(after).length === 0 },
}

function gatesOf({ pod }: PodInfo) {
  return pod.spec.schedulingGates ?? []
}
