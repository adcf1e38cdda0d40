import { age } from '../columns.ts'
import { type Draft, defineKind, type ObjectOf } from '../kind.ts'
import { autoscalerColumns } from './autoscaler-columns.ts'
import { defaultAutoscaler, roundTrip, withoutRoundTrip } from './autoscaler-defaults.ts'
import { AutoscalerSpec, AutoscalerSpecV2Beta2, AutoscalerStatus } from './autoscaler-spec.ts'
import { validateAutoscaler, validateAutoscalerStatus } from './autoscaler-validation.ts'

interface SpecParts {
  readonly spec: AutoscalerSpec
}

const directions = ['scaleUp', 'scaleDown'] as const

/** Upstream drops it as long as its feature gate (HPAConfigurableTolerance) is off, which is the default. */
function dropTolerance({ spec }: Draft<SpecParts>, old?: SpecParts): void {
  if (directions.some(direction => old?.spec.behavior?.[direction]?.tolerance !== undefined)) return
  for (const direction of directions) delete spec.behavior?.[direction]?.tolerance
}

const common = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  description: 'Changes the number of pods as some metrics demand.',
  columns: [...autoscalerColumns, age],
  subresources: ['status' as const],
}

/** Changes the number of pods as some metrics demand. */
export const HorizontalPodAutoscaler = defineKind({
  ...common,
  namespaced: true,
  version: 'v2',
  fields: () => ({
    spec: AutoscalerSpec.prefault({}).describe('Which pods, and what decides.'),
    status: AutoscalerStatus.prefault({}).describe('What was decided last.'),
  }),
  default: defaultAutoscaler,
  prepareForCreate: autoscaler => dropTolerance(autoscaler),
  prepareForUpdate: dropTolerance,
  validate: validateAutoscaler,
  validateStatus: validateAutoscalerStatus,
})
export type HorizontalPodAutoscaler = ObjectOf<typeof HorizontalPodAutoscaler>

const toleranceKeys = { scaleUp: roundTrip.scaleUpTolerance, scaleDown: roundTrip.scaleDownTolerance }

/** As kubectl 1.20 knows it; a tolerance travels in annotations (pkg/apis/autoscaling/v2beta2/conversion.go). */
export const HorizontalPodAutoscalerV2Beta2 = defineKind({
  ...common,
  namespaced: true,
  version: 'v2beta2',
  deprecationWarning:
    'autoscaling/v2beta2 HorizontalPodAutoscaler is deprecated in v1.23+, unavailable in v1.26+; use autoscaling/v2 HorizontalPodAutoscaler',
  fields: () => ({
    spec: AutoscalerSpecV2Beta2.prefault({}).describe('Which pods, and what decides.'),
    status: AutoscalerStatus.prefault({}).describe('What was decided last.'),
  }),
  default({ metadata, spec }) {
    const { annotations } = metadata
    defaultAutoscaler({ metadata: {}, spec })
    if (annotations) metadata.annotations = annotations
  },
  validateStatus: validateAutoscalerStatus,
  storedAs: {
    kind: HorizontalPodAutoscaler,
    toStored({ metadata, spec, ...rest }) {
      const { annotations } = metadata
      const behavior: Record<string, object> = { ...spec.behavior }
      for (const direction of directions) {
        const tolerance = annotations?.[toleranceKeys[direction]]
        if (tolerance !== undefined) behavior[direction] = { ...behavior[direction], tolerance }
      }
      const isGiven = Object.keys(behavior).length > 0 || spec.behavior
      return {
        ...rest,
        apiVersion: 'autoscaling/v2',
        metadata: { ...metadata, ...(annotations && { annotations: withoutRoundTrip(annotations) }) },
        spec: { ...spec, ...(isGiven && { behavior }) },
      }
    },
    fromStored(stored) {
      const { metadata, spec, ...rest } = stored as HorizontalPodAutoscaler
      const annotations: Record<string, string> = { ...withoutRoundTrip(metadata.annotations) }
      const behavior: Record<string, object> = {}
      for (const direction of directions) {
        const rules = spec.behavior?.[direction]
        if (!rules) continue
        const { tolerance, ...others } = rules
        behavior[direction] = others
        if (tolerance !== undefined) annotations[toleranceKeys[direction]] = tolerance
      }
      return {
        ...rest,
        apiVersion: 'autoscaling/v2beta2',
        metadata: { ...metadata, ...((metadata.annotations || Object.keys(annotations).length > 0) && { annotations }) },
        spec: { ...spec, ...(spec.behavior && { behavior }) },
      }
    },
  },
})
