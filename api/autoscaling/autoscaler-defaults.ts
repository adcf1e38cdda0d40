import type { Draft } from '../kind.ts'
import type { AutoscalerSpec } from './autoscaler-spec.ts'
import type { MetricSpec } from './metric-spec.ts'

const cpuPercent = 80

/** What decides if nobody says: half of what the pods ask for is free after all (pkg/apis/autoscaling DefaultCPUUtilization). */
export const cpuMetric = (averageUtilization: number = cpuPercent): Draft<MetricSpec> => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})

interface AutoscalerParts {
  metadata: { annotations?: Record<string, string> }
  spec: Draft<AutoscalerSpec>
}

/** Conditional defaults (pkg/apis/autoscaling/v2/defaults.go). */
export function defaultAutoscaler({ metadata, spec }: AutoscalerParts): void {
  // They are other versions' way to say what this one has fields for.
  if (metadata.annotations) {
    metadata.annotations = withoutRoundTrip(metadata.annotations) ?? {}
    if (Object.keys(metadata.annotations).length === 0) delete metadata.annotations
  }
  if (!spec.metrics || spec.metrics.length === 0) spec.metrics = [cpuMetric()]
  if (!spec.behavior) return
  const step = (type: string, value: number) => ({ type, value, periodSeconds: 15 })
  spec.behavior.scaleUp = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [step('Pods', 4), step('Percent', 100)],
    ...spec.behavior.scaleUp,
  }
  spec.behavior.scaleDown = { selectPolicy: 'Max', policies: [step('Percent', 100)], ...spec.behavior.scaleDown }
}

const prefix = 'autoscaling.alpha.kubernetes.io/'
/** Annotations in which older versions carry what they have no fields for. */
export const roundTrip = {
  metrics: `${prefix}metrics`,
  behavior: `${prefix}behavior`,
  currentMetrics: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
  scaleUpTolerance: `${prefix}scale-up-tolerance`,
  scaleDownTolerance: `${prefix}scale-down-tolerance`,
} as const
const roundTripKeys: ReadonlySet<string> = new Set(Object.values(roundTrip))

/** The annotations without those; a copy. */
export function withoutRoundTrip(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  if (!annotations) return undefined
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !roundTripKeys.has(key)))
}
