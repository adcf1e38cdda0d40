import type { Pod } from '../../api/core/pod.ts'

interface Taint {
  readonly key: string
  readonly value?: string | undefined
  readonly effect: string
}

/** Whether any toleration of a pod covers a taint (k8s.io/api/core/v1/toleration.go). */
export function isTolerated({ key, value = '', effect }: Taint, { spec }: Pod): boolean {
  return (spec.tolerations ?? []).some(toleration => {
    if (toleration.effect && toleration.effect !== effect) return false
    if (toleration.key && toleration.key !== key) return false
    if (toleration.operator === 'Exists') return true
    return (!toleration.operator || toleration.operator === 'Equal') && (toleration.value ?? '') === value
  })
}

/** The taints that keep a pod away: NoSchedule and NoExecute, untolerated. */
export function forbiddingTaints<T extends Taint>(taints: readonly T[] | undefined, pod: Pod): T[] {
  return (taints ?? []).filter(taint => taint.effect !== 'PreferNoSchedule' && !isTolerated(taint, pod))
}
