import type * as z from 'zod'
import { conditionFields } from '../meta.ts'
import {
  atomicList,
  choice,
  demanded,
  int32,
  int64,
  listMap,
  named,
  quantity,
  requiredText,
  timestampText,
  whole,
} from '../schema.ts'
import { CrossVersionObjectReference, MetricSpec, MetricStatus } from './metric-spec.ts'

const ScalingPolicy = named(
  'autoscaling/v2.HPAScalingPolicy',
  'How fast it may go.',
  () => ({
    type: requiredText('Pods or Percent.'),
    value: int32().default(0).describe('How many, or how many percent.'),
    periodSeconds: int32().default(0).describe('In how many seconds.'),
  }),
  { wire: 'type value periodSeconds' },
)

const ruleFields = {
  stabilizationWindowSeconds: int32().optional().describe('Seconds to look back before going the other way.'),
  selectPolicy: choice('Max', 'Min', 'Disabled').optional().describe('Which of the policies counts.'),
  policies: atomicList(ScalingPolicy).optional().describe('How fast it may go.'),
}

const ScalingRules = named(
  'autoscaling/v2.HPAScalingRules',
  'How it goes in one direction.',
  () => ({
    ...ruleFields,
    tolerance: quantity().optional().describe('By how much a metric may be off before anything happens.'),
  }),
  { wire: 'selectPolicy policies stabilizationWindowSeconds tolerance' },
)
const ScalingRulesV2Beta2 = named('autoscaling/v2beta2.HPAScalingRules', 'How it goes in one direction.', () => ruleFields, {
  wire: 'selectPolicy policies stabilizationWindowSeconds',
})

const behaviorFields = <Rules extends z.ZodType>(rules: Rules) => ({
  scaleUp: rules.optional().describe('How it goes up.'),
  scaleDown: rules.optional().describe('How it goes down.'),
})
const Behavior = named(
  'autoscaling/v2.HorizontalPodAutoscalerBehavior',
  'How it goes up and down.',
  () => behaviorFields(ScalingRules),
  { wire: 'scaleUp scaleDown' },
)
const BehaviorV2Beta2 = named(
  'autoscaling/v2beta2.HorizontalPodAutoscalerBehavior',
  'How it goes up and down.',
  () => behaviorFields(ScalingRulesV2Beta2),
  { wire: 'scaleUp scaleDown' },
)

const specFields = {
  scaleTargetRef: CrossVersionObjectReference.prefault({}).describe('What is scaled.'),
  minReplicas: int32().default(1).describe('The fewest pods.'),
  maxReplicas: int32().default(0).describe('The most pods.'),
  metrics: demanded(atomicList(MetricSpec).describe('What decides; CPU at 80 percent by default.')),
}
const specWire = 'scaleTargetRef minReplicas maxReplicas metrics behavior'

/** Which pods, how many at least and at most, and what decides. */
export const AutoscalerSpec = named(
  'autoscaling/v2.HorizontalPodAutoscalerSpec',
  'Which pods, how many at least and at most, and what decides.',
  () => ({ ...specFields, behavior: Behavior.optional().describe('How it goes up and down.') }),
  { wire: specWire },
)
export type AutoscalerSpec = z.output<typeof AutoscalerSpec>

/** As version v2beta2 has it: without a tolerance. */
export const AutoscalerSpecV2Beta2 = named(
  'autoscaling/v2beta2.HorizontalPodAutoscalerSpec',
  'Which pods, how many at least and at most, and what decides.',
  () => ({ ...specFields, behavior: BehaviorV2Beta2.optional().describe('How it goes up and down.') }),
  { wire: specWire },
)

/** What is scaled, and what was decided last. */
export const AutoscalerStatus = named(
  'autoscaling/v2.HorizontalPodAutoscalerStatus',
  'What was decided last.',
  () => ({
    observedGeneration: int64().optional().describe('The generation this is about.'),
    lastScaleTime: timestampText().optional().describe('When the number of pods was changed last.'),
    currentReplicas: whole('Pods there are.'),
    desiredReplicas: int32().default(0).describe('Pods there should be.'),
    currentMetrics: demanded(atomicList(MetricStatus).describe('What the metrics are.')),
    conditions: listMap(
      named('autoscaling/v2.HorizontalPodAutoscalerCondition', "An aspect of an autoscaler's state.", () => conditionFields, {
        wire: 'type status lastTransitionTime reason message',
      }),
      'type',
    )
      .optional()
      .describe('Whether it can scale, and does.'),
  }),
  { wire: 'observedGeneration lastScaleTime currentReplicas desiredReplicas currentMetrics conditions' },
)
export type AutoscalerStatus = z.output<typeof AutoscalerStatus>
