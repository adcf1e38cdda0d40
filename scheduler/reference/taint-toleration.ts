import type { ReferencePlugin } from './cluster.ts'
import { byLargest } from './normalize.ts'
import { forbiddingTaints, isTolerated } from './tolerations.ts'

const name = 'TaintToleration'

/** Hard taints refuse, soft ones cost points (plugins/tainttoleration; the reason is worded as up to 1.34). */
export const taintToleration: ReferencePlugin = {
  name,
  weight: 3,
  filter(pod, { spec }) {
    const [taint] = forbiddingTaints(spec.taints, pod)
    if (!taint) return undefined
    const reason = `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
    return { code: 'Unresolvable', plugin: name, reasons: [reason] }
  },
  score: (pod, nodes) => {
    const untolerated = nodes.map(({ spec }) =>
      (spec.taints ?? []).filter(taint => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, pod)),
    )
    return byLargest(
      untolerated.map(({ length }) => length),
      true,
    )
  },
}
