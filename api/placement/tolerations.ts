export interface Taint {
  readonly key: string
  readonly value?: string | undefined
  readonly effect: string
}

export interface Toleration {
  readonly key?: string | undefined
  readonly operator?: string | undefined
  readonly value?: string | undefined
  readonly effect?: string | undefined
}

/** The refusal, as the scheduler words it up to 1.34. */
export const untoleratedReason = ({ key, value = '' }: Taint): string => `node(s) had untolerated taint {${key}: ${value}}`

/** The refusal, as the kubelet words it. */
export const notToleratedReason = "node(s) had taints that the pod didn't tolerate"

/** Whether a toleration covers a taint (k8s.io/api/core/v1/toleration.go): effect, then key, then operator. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { effect, key, operator, value } = toleration
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (operator === 'Exists') return true
  if (!operator || operator === 'Equal') return (value ?? '') === (taint.value ?? '')
  return false
}

/** The first taint with one of these effects that no toleration covers. */
export function untoleratedTaint<T extends Taint>(
  taints: readonly T[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  ...effects: readonly string[]
): T | undefined {
  if (!taints?.length) return undefined
  return taints.find(taint => effects.includes(taint.effect) && !tolerations?.some(toleration => tolerates(toleration, taint)))
}

/** `key=value:effect`, as `kubectl taint` writes it. */
export function taintText({ key, value, effect }: Taint): string {
  return value ? `${key}=${value}:${effect}` : `${key}:${effect}`
}
