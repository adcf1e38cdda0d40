import * as z from 'zod'
import { age, column } from '../columns.ts'
import { validateConditions } from '../condition-validation.ts'
import { fieldError } from '../field-errors.ts'
import { notMoreThanAll, validateIntOrPercent } from '../int-or-percent.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { Condition, LabelSelector } from '../meta.ts'
import { choice, int32, int64, intOrString, listMap, named, plain, timestampText } from '../schema.ts'
import { nonNegativeFields, supported, validateLabelSelector } from '../validation.ts'

/** How many of which pods may be evicted. */
export const PodDisruptionBudgetSpec = named(
  'policy/v1.PodDisruptionBudgetSpec',
  'How many of which pods may be evicted.',
  () => ({
    minAvailable: intOrString().optional().describe('How many pods must stay, as a number or a percentage.'),
    selector: LabelSelector.optional()
      .meta({ 'x-kubernetes-patch-strategy': 'replace' })
      .describe('Labels of the pods; an empty one means all of the namespace, an absent one none.'),
    maxUnavailable: intOrString().optional().describe('How many pods may be missing, as a number or a percentage.'),
    unhealthyPodEvictionPolicy: choice('IfHealthyBudget', 'AlwaysAllow')
      .optional()
      .describe('Whether pods that are not ready may always go.'),
  }),
  { wire: 'minAvailable selector maxUnavailable unhealthyPodEvictionPolicy' },
)
export type PodDisruptionBudgetSpec = z.output<typeof PodDisruptionBudgetSpec>

/** How many pods may be evicted just now. */
export const PodDisruptionBudgetStatus = named(
  'policy/v1.PodDisruptionBudgetStatus',
  'How many pods may be evicted just now.',
  () => ({
    observedGeneration: plain(int64().optional()).describe('The generation this is about.'),
    disruptedPods: z.record(z.string(), timestampText()).optional().describe('Pods that are as good as gone, and since when.'),
    disruptionsAllowed: int32().default(0).describe('How many more pods may be evicted.'),
    currentHealthy: int32().default(0).describe('Pods that are healthy.'),
    desiredHealthy: int32().default(0).describe('Pods that must be healthy.'),
    expectedPods: int32().default(0).describe('Pods there should be.'),
    conditions: listMap(Condition, 'type').optional().describe('Whether disruptions are allowed.'),
  }),
  {
    wire: 'observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods conditions',
  },
)
export type PodDisruptionBudgetStatus = z.output<typeof PodDisruptionBudgetStatus>

interface BudgetParts {
  readonly spec: PodDisruptionBudgetSpec
  readonly status: PodDisruptionBudgetStatus
}

const columns: Column<BudgetParts>[] = [
  column('Min Available', 'How many pods must stay.', ({ spec }) => String(spec.minAvailable ?? 'N/A')),
  column('Max Unavailable', 'How many pods may be missing.', ({ spec }) => String(spec.maxUnavailable ?? 'N/A')),
  column('Allowed Disruptions', 'How many more may be evicted.', ({ status }) => status.disruptionsAllowed, 'integer'),
]

/** pkg/apis/policy/validation ValidatePodDisruptionBudgetSpec. */
function validateSpec({ spec }: BudgetParts) {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec
  const errors =
    minAvailable !== undefined && maxUnavailable !== undefined
      ? [fieldError.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')]
      : []
  for (const [field, share] of Object.entries({ minAvailable, maxUnavailable })) {
    if (share === undefined) continue
    errors.push(...validateIntOrPercent(`spec.${field}`, share), ...notMoreThanAll(`spec.${field}`, share))
  }
  errors.push(...validateLabelSelector(selector, 'spec.selector'))
  return [...errors, ...supported('spec.unhealthyPodEvictionPolicy', policy, ['AlwaysAllow', 'IfHealthyBudget'])]
}

/** ValidatePodDisruptionBudgetStatusUpdate. */
function validateStatus({ status }: BudgetParts) {
  const counters = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const
  return [...validateConditions(status.conditions ?? [], 'status.conditions'), ...nonNegativeFields('status', status, counters)]
}

const common = {
  group: 'policy',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  description: 'Limits how many pods of an application are evicted at a time.',
  columns: [...columns, age],
  subresources: ['status' as const],
  generationOf: ({ spec }: BudgetParts) => spec,
  allowUnconditionalUpdate: false,
  validate: validateSpec,
  validateStatus,
}

/** Limits how many pods of an application are evicted at a time. */
export const PodDisruptionBudget = defineKind({
  ...common,
  namespaced: true,
  version: 'v1',
  fields: () => ({
    spec: PodDisruptionBudgetSpec.prefault({}).describe('How many of which pods may be evicted.'),
    status: PodDisruptionBudgetStatus.prefault({}).describe('How many may be evicted just now.'),
  }),
})
export type PodDisruptionBudget = ObjectOf<typeof PodDisruptionBudget>

/** Stands for what v1beta1 and v1 disagree on: whether an empty selector means no pods or all of them. */
const marker = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
const none = { matchExpressions: [{ key: marker, operator: 'Exists' }] }
const all = { matchExpressions: [{ key: marker, operator: 'DoesNotExist' }] }
type Selector = NonNullable<PodDisruptionBudgetSpec['selector']>

const isOnly = ({ matchLabels, matchExpressions: [first, ...more] = [] }: Selector, operator: string) =>
  !matchLabels && more.length === 0 && first?.key === marker && first.operator === operator
const isEmpty = ({ matchLabels, matchExpressions }: Selector) => !matchLabels && !matchExpressions

/** pkg/apis/policy/v1beta1/conversion.go: empty means none, and what means all is written as a demand that always holds. */
function toV1({ matchExpressions, ...rest }: Selector): object {
  const selector = { ...rest, ...(matchExpressions && { matchExpressions }) }
  if (isEmpty(selector)) return none
  if (isOnly(selector, 'DoesNotExist')) return {}
  const others = (matchExpressions ?? []).filter(({ key }) => key !== marker)
  return { ...rest, ...(others.length > 0 && { matchExpressions: others }) }
}

const fromV1 = (selector: Selector): object => (isOnly(selector, 'Exists') ? {} : isEmpty(selector) ? all : selector)

const converted = <T extends { spec: { selector?: Selector } }>(
  object: T,
  version: string,
  convert: (s: Selector) => object,
) => ({
  ...object,
  apiVersion: `policy/${version}`,
  spec: { ...object.spec, ...(object.spec.selector && { selector: convert(object.spec.selector) }) },
})

/** As kubectl 1.20 knows it: an empty selector means no pods. */
export const PodDisruptionBudgetV1Beta1 = defineKind({
  ...common,
  namespaced: true,
  version: 'v1beta1',
  deprecationWarning:
    'policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget',
  fields: () => ({
    spec: PodDisruptionBudgetSpec.prefault({}).describe('How many of which pods may be evicted.'),
    status: PodDisruptionBudgetStatus.prefault({}).describe('How many may be evicted just now.'),
  }),
  storedAs: {
    kind: PodDisruptionBudget,
    toStored: budget => converted(budget, 'v1', toV1),
    fromStored: budget => converted(budget as unknown as PodDisruptionBudget, 'v1beta1', fromV1),
  },
})
