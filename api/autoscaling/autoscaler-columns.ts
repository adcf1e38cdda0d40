import { column } from '../columns.ts'
import type { Column } from '../kind.ts'
import type { AutoscalerSpec, AutoscalerStatus } from './autoscaler-spec.ts'
import type { MetricSpec, MetricStatus } from './metric-spec.ts'

interface AutoscalerParts {
  readonly spec: AutoscalerSpec
  readonly status: AutoscalerStatus
}

const unknown = '<unknown>'
const percent = (value: number | undefined, otherwise: string) => (value === undefined ? otherwise : `${value}%`)
const mostMetrics = 2

/** What the metrics are and should be, `cpu: 10%/50%` (pkg/printers/internalversion formatHPAMetrics). */
export function targetsText(metrics: readonly MetricSpec[] = [], current: readonly MetricStatus[] = []): string {
  if (metrics.length === 0) return '<none>'
  const texts = metrics.slice(0, mostMetrics).map((metric, i) => targetText(metric, current[i]))
  const more = metrics.length - mostMetrics
  return texts.join(', ') + (more > 0 ? ` + ${more} more...` : '')
}

function targetText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const { type } = spec
  if (type === 'External' || type === 'Object') {
    const field = type === 'External' ? 'external' : 'object'
    const { value, averageValue } = spec[field]?.target ?? {}
    const current = status?.[field]?.current
    if (averageValue !== undefined) return `${current?.averageValue ?? unknown}/${averageValue} (avg)`
    return `${current?.value ?? unknown}/${value ?? '<nil>'}`
  }
  if (type === 'Pods') return `${status?.pods?.current.averageValue ?? unknown}/${spec.pods?.target.averageValue ?? '<nil>'}`
  if (type !== 'Resource' && type !== 'ContainerResource') return '<unknown type>'
  const field = type === 'Resource' ? 'resource' : 'containerResource'
  const { name, target } = spec[field] ?? {}
  const current = status?.[field]?.current
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`
  return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, '<auto>')}`
}

/** What a table says about an autoscaler, AGE excluded. */
export const autoscalerColumns: Column<AutoscalerParts>[] = [
  column('Reference', 'What is scaled.', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
  column('Targets', 'What the metrics are and should be.', ({ spec, status }) =>
    targetsText(spec.metrics, status.currentMetrics),
  ),
  column('MinPods', 'The fewest pods.', ({ spec }) => String(spec.minReplicas)),
  column('MaxPods', 'The most pods.', ({ spec }) => spec.maxReplicas),
  column('Replicas', 'Pods there are.', ({ status }) => status.currentReplicas ?? 0),
]
