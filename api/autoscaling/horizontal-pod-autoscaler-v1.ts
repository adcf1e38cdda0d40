import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { int32, int64, named, timestampText } from '../schema.ts'
import { targetsText } from './autoscaler-columns.ts'
import { cpuMetric, roundTrip, withoutRoundTrip } from './autoscaler-defaults.ts'
import { validateAutoscalerStatus } from './autoscaler-validation.ts'
import { HorizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'
import { CrossVersionObjectReference, type MetricSpec, type MetricStatus } from './metric-spec.ts'
import { metricFromV1, metricStatusFromV1, metricStatusToV1, metricToV1, recased } from './metric-v1.ts'

type Stored = ObjectOf<typeof HorizontalPodAutoscaler>

const Spec = named(
  'autoscaling/v1.HorizontalPodAutoscalerSpec',
  'Which pods, and how many at least and at most.',
  () => ({
    scaleTargetRef: CrossVersionObjectReference.prefault({}).describe('What is scaled.'),
    minReplicas: int32().default(1).describe('The fewest pods.'),
    maxReplicas: int32().default(0).describe('The most pods.'),
    targetCPUUtilizationPercentage: int32().optional().describe('Percent of the CPU that the pods ask for.'),
  }),
  { wire: 'scaleTargetRef minReplicas maxReplicas targetCPUUtilizationPercentage' },
)

const Status = named(
  'autoscaling/v1.HorizontalPodAutoscalerStatus',
  'What was decided last.',
  () => ({
    observedGeneration: int64().optional().describe('The generation this is about.'),
    lastScaleTime: timestampText().optional().describe('When the number of pods was changed last.'),
    currentReplicas: int32().default(0).describe('Pods there are.'),
    desiredReplicas: int32().default(0).describe('Pods there should be.'),
    currentCPUUtilizationPercentage: int32().optional().describe('Percent of the CPU that the pods ask for.'),
  }),
  { wire: 'observedGeneration lastScaleTime currentReplicas desiredReplicas currentCPUUtilizationPercentage' },
)

const isCpu = ({ type, resource }: MetricSpec) =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined

/**
 * The old version, which knows CPU only. Everything else travels in annotations `autoscaling.alpha.kubernetes.io/...`, in forms of
 * their own (pkg/apis/autoscaling/v1/conversion.go).
 */
export const HorizontalPodAutoscalerV1 = defineKind({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  description: 'Changes the number of pods as their use of CPU demands.',
  fields: () => ({
    spec: Spec.prefault({}).describe('Which pods, and how many at least and at most.'),
    status: Status.prefault({}).describe('What was decided last.'),
  }),
  columns: [
    { name: 'Reference', description: 'What is scaled.', value: ({ spec: { scaleTargetRef: to } }) => `${to.kind}/${to.name}` },
    {
      name: 'Targets',
      description: 'What the metrics are and should be.',
      value(autoscaler) {
        const { spec, status } = toV2(autoscaler)
        return targetsText(spec.metrics, status.currentMetrics)
      },
    },
    { name: 'MinPods', description: 'The fewest pods.', value: ({ spec }) => String(spec.minReplicas) },
    { name: 'MaxPods', description: 'The most pods.', value: ({ spec }) => spec.maxReplicas },
    { name: 'Replicas', description: 'Pods there are.', value: ({ status }) => status.currentReplicas },
    age,
  ],
  subresources: ['status'],
  validateStatus: ({ status }) => validateAutoscalerStatus({ status: status as Stored['status'] }),
  storedAs: { kind: HorizontalPodAutoscaler, toStored: toV2, fromStored: stored => fromV2(stored as Stored) },
})

interface V1Object {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly scaleTargetRef: CrossVersionObjectReference
    readonly minReplicas: number
    readonly maxReplicas: number
    readonly targetCPUUtilizationPercentage?: number
  }
  readonly status: {
    readonly observedGeneration?: number
    readonly lastScaleTime?: string
    readonly currentReplicas: number
    readonly desiredReplicas: number
    readonly currentCPUUtilizationPercentage?: number
  }
}

function toV2<T extends V1Object>({ metadata, spec, status, ...rest }: T) {
  const { annotations } = metadata
  const { targetCPUUtilizationPercentage: cpu, ...common } = spec
  const { currentCPUUtilizationPercentage: currentCpu, ...commonStatus } = status
  const metrics = readList(annotations?.[roundTrip.metrics]).map(metricFromV1)
  if (cpu !== undefined) metrics.push(cpuMetric(cpu))
  const behavior = read(annotations?.[roundTrip.behavior])
  const given = annotations?.[roundTrip.currentMetrics]
  const currentMetrics: MetricStatus[] = given
    ? readList(given).map(metricStatusFromV1)
    : currentCpu === undefined
      ? []
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentCpu } } }]
  const conditions = readList(annotations?.[roundTrip.conditions]) as NonNullable<Stored['status']['conditions']>
  return {
    ...rest,
    apiVersion: 'autoscaling/v2',
    metadata: { ...metadata, ...(annotations && { annotations: withoutRoundTrip(annotations) }) },
    spec: {
      ...common,
      metrics: metrics.length > 0 ? metrics : [cpuMetric()],
      ...(isFilled(behavior) && { behavior: recased(behavior, name => name.charAt(0).toLowerCase() + name.slice(1)) }),
    },
    status: {
      ...commonStatus,
      ...(currentMetrics.length > 0 && { currentMetrics }),
      ...(conditions.length > 0 && { conditions }),
    },
  }
}

function fromV2({ metadata, spec, status, ...rest }: Stored): object {
  const { metrics = [], behavior, ...common } = spec
  const { currentMetrics = [], conditions = [], currentReplicas = 0, ...commonStatus } = status
  const annotations: Record<string, string> = { ...withoutRoundTrip(metadata.annotations) }
  const others = metrics.filter(metric => !isCpu(metric))
  const keep = (key: string, value: unknown, isThere: boolean) => {
    if (isThere) annotations[key] = JSON.stringify(value)
  }
  keep(roundTrip.metrics, others.map(metricToV1), others.length > 0)
  keep(roundTrip.currentMetrics, currentMetrics.map(metricStatusToV1), currentMetrics.length > 0)
  keep(
    roundTrip.behavior,
    recased(behavior, name => name.charAt(0).toUpperCase() + name.slice(1)),
    behavior !== undefined,
  )
  keep(roundTrip.conditions, conditions, conditions.length > 0)
  const cpu = metrics.find(isCpu)?.resource?.target.averageUtilization
  const isCurrentCpu = ({ resource }: MetricStatus) =>
    resource?.name === 'cpu' && resource.current.averageUtilization !== undefined
  const currentCpu = currentMetrics.find(isCurrentCpu)?.resource?.current.averageUtilization
  return {
    ...rest,
    apiVersion: 'autoscaling/v1',
    metadata: { ...metadata, ...((metadata.annotations || Object.keys(annotations).length > 0) && { annotations }) },
    spec: { ...common, ...(cpu !== undefined && { targetCPUUtilizationPercentage: cpu }) },
    status: {
      ...commonStatus,
      currentReplicas,
      ...(currentCpu !== undefined && { currentCPUUtilizationPercentage: currentCpu }),
    },
  }
}

/** What somebody wrote into an annotation; what cannot be read is as good as not there. */
function read(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function readList(text: string | undefined): readonly Record<string, unknown>[] {
  const value = read(text)
  return Array.isArray(value) ? value.filter(each => typeof each === 'object' && each !== null) : []
}

const isFilled = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.values(value).some(each => each !== null)
