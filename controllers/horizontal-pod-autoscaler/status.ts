import type { HorizontalPodAutoscaler } from '../../api/autoscaling/horizontal-pod-autoscaler.ts'
import type { MetricStatus } from '../../api/autoscaling/metric-spec.ts'
import { timestamp } from '../../lib/clock.ts'

export type AutoscalerStatus = HorizontalPodAutoscaler['status']
export type AutoscalerCondition = NonNullable<AutoscalerStatus['conditions']>[number]

/** What is to be said about one aspect. */
export interface Finding {
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited'
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

/** The conditions with these findings; the time of one moves only when its status does. */
export function withFindings(
  conditions: readonly AutoscalerCondition[],
  findings: readonly Finding[],
  now: number,
): AutoscalerCondition[] {
  const result = [...conditions]
  for (const { type, status, reason, message } of findings) {
    const at = result.findIndex(condition => condition.type === type)
    const known = result[at]
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : timestamp(now)
    const condition = { type, status, reason, message, ...(lastTransitionTime !== undefined && { lastTransitionTime }) }
    if (at < 0) result.push(condition)
    else result[at] = condition
  }
  return result
}

/** Everything that a look at an autoscaler came to. */
export interface Outcome {
  readonly findings: readonly Finding[]
  /** Absent: nobody knows. */
  readonly sizes?: { readonly current: number; readonly desired: number } | undefined
  readonly metrics?: readonly MetricStatus[] | undefined
  readonly hasScaled?: boolean
}

/** The status that says so. What is not known stays as it was. */
export function statusOf(old: AutoscalerStatus, { findings, sizes, metrics, hasScaled }: Outcome, now: number): AutoscalerStatus {
  const conditions = withFindings(old.conditions ?? [], findings, now)
  if (!sizes) return { ...old, conditions }
  const lastScaleTime = hasScaled ? timestamp(now) : old.lastScaleTime
  return {
    ...(lastScaleTime !== undefined && { lastScaleTime }),
    // Zero is left out, as the server does.
    ...(sizes.current > 0 && { currentReplicas: sizes.current }),
    desiredReplicas: sizes.desired,
    ...(metrics && { currentMetrics: [...metrics] }),
    conditions,
  } as AutoscalerStatus
}
