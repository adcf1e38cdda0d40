import type { ReferencePlugin } from './cluster.ts'
import { isTolerated } from './tolerations.ts'

const name = 'NodeUnschedulable'

/** Cordoned nodes take only pods that tolerate the cordon's taint (plugins/nodeunschedulable). */
export const nodeUnschedulable: ReferencePlugin = {
  name,
  filter: (pod, { spec }) =>
    spec.unschedulable && !isTolerated({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }, pod)
      ? { code: 'Unresolvable', plugin: name, reasons: ['node(s) were unschedulable'] }
      : undefined,
}
