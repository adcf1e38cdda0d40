import { Node } from '../../api/core/node.ts'
import type { Draft } from '../../api/kind.ts'
import type { AdmissionStep } from '../admission.ts'

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const

/** A new node takes no pods before the node controller has seen it ready (k8s.io/kubernetes/plugin/pkg/admission/nodetaint). */
export const taintNodesByCondition: AdmissionStep = {
  name: 'TaintNodesByCondition',
  kinds: [Node],
  operations: ['CREATE'],
  admit({ object }) {
    const { spec } = object as unknown as Draft<Node>
    const taints = spec.taints ?? []
    const isTainted = taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)
    if (!isTainted) spec.taints = [...taints, { ...notReady }]
  },
}
