import type * as z from 'zod'
import { createdAt } from '../columns.ts'
import { type Draft, defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, named, quantityMap, requiredText } from '../schema.ts'
import { validateLimitRange } from './limit-range-validation.ts'
import { roundUp } from './pod-defaults.ts'

const amounts = (description: string) => quantityMap().optional().describe(description)

const LimitRangeItem = named(
  'core/v1.LimitRangeItem',
  'What each object of a type may ask for.',
  () => ({
    type: requiredText('Container, Pod or PersistentVolumeClaim.'),
    max: amounts('The most.'),
    min: amounts('The least.'),
    default: amounts('The limit of a container that has none.'),
    defaultRequest: amounts('The request of a container that has none.'),
    maxLimitRequestRatio: amounts('How many times the request a limit may be.'),
  }),
  { wire: 'type max min default defaultRequest maxLimitRequestRatio' },
)
export type LimitRangeItem = z.output<typeof LimitRangeItem>

const LimitRangeSpec = named(
  'core/v1.LimitRangeSpec',
  'What objects of a namespace may ask for.',
  () => ({ limits: atomicList(LimitRangeItem).default([]).describe('One entry for each type.') }),
  { wire: 'limits' },
)

/** What is not said follows from what is (pkg/apis/core/v1/defaults.go SetDefaults_LimitRangeItem). */
function setDefaults(limit: Draft<LimitRangeItem>): void {
  for (const field of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) roundUp(limit[field])
  if (limit.type !== 'Container') return
  const limits = { ...limit.max, ...limit.default }
  const requests = { ...limit.min, ...limits, ...limit.defaultRequest }
  if (Object.keys(limits).length > 0) limit.default = limits
  if (Object.keys(requests).length > 0) limit.defaultRequest = requests
}

/** What each container, pod and claim of a namespace may ask for, and asks for by default. */
export const LimitRange = defineKind({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  namespaced: true,
  description: 'What each container, pod and claim of a namespace may ask for, and asks for by default.',
  wire: 'metadata spec',
  fields: () => ({ spec: LimitRangeSpec.prefault({}).describe('What they may ask for.') }),
  columns: [createdAt],
  allowCreateOnUpdate: true,
  default({ spec }) {
    for (const limit of spec.limits) setDefaults(limit)
  },
  validate: ({ spec }) => validateLimitRange(spec.limits),
})
export type LimitRange = ObjectOf<typeof LimitRange>
