import { Pod } from '../../api/core/pod.ts'
import type { Draft } from '../../api/kind.ts'
import type { AdmissionStep } from '../admission.ts'

const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const
const toleratedSeconds = 300

/** Pods stay on a node in trouble for five minutes, unless they say otherwise (semantics B10). */
export const defaultTolerationSeconds: AdmissionStep = {
  name: 'DefaultTolerationSeconds',
  kinds: [Pod],
  operations: ['CREATE', 'UPDATE'],
  admit({ object }) {
    const { spec } = object as unknown as Draft<Pod>
    const own = spec.tolerations ?? []
    const covers = (key: string) =>
      own.some(each => (!each.key || each.key === key) && (!each.effect || each.effect === 'NoExecute'))
    const added = keys
      .filter(key => !covers(key))
      .map(key => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: toleratedSeconds }) as const)
    if (added.length > 0) spec.tolerations = [...own, ...added]
  },
}
