import * as z from 'zod'
import { age, column } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, atomicMap, choice, named, quantityMap, requiredText } from '../schema.ts'
import { immutable } from '../validation.ts'
import { roundUp } from './pod-defaults.ts'
import { isQuotaResource, validateQuotaAmount } from './quota-resources.ts'

/** What a scope is about, and which resources it goes with. */
const podCounts = ['pods']
const podAmounts = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const ofPods = [...podCounts, ...podAmounts]
const resourcesOfScope: Record<string, readonly string[]> = {
  Terminating: ofPods,
  NotTerminating: ofPods,
  BestEffort: podCounts,
  NotBestEffort: ofPods,
  PriorityClass: ofPods,
  CrossNamespacePodAffinity: ofPods,
  VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
}

const ScopedResourceSelectorRequirement = named(
  'core/v1.ScopedResourceSelectorRequirement',
  'A scope, an operator, and values.',
  () => ({
    scopeName: requiredText('The scope.'),
    operator: choice('In', 'NotIn', 'Exists', 'DoesNotExist')
      .default('' as 'In')
      .describe('How the scope relates to the values.'),
    values: atomicList(z.string()).optional().describe('For In and NotIn: one or more; otherwise none.'),
  }),
  { wire: 'scopeName operator values' },
)
export type ScopeRequirement = z.output<typeof ScopedResourceSelectorRequirement>

const ScopeSelector = named(
  'core/v1.ScopeSelector',
  'Demands that must all hold.',
  () => ({ matchExpressions: atomicList(ScopedResourceSelectorRequirement).optional().describe('The demands.') }),
  { wire: 'matchExpressions', ...atomicMap },
)

/** How much of what a namespace may use. */
export const ResourceQuotaSpec = named(
  'core/v1.ResourceQuotaSpec',
  'How much of what a namespace may use.',
  () => ({
    hard: quantityMap().optional().describe('The most of each resource.'),
    scopes: atomicList(z.string()).optional().describe('Counts only what all of these are about.'),
    scopeSelector: ScopeSelector.optional().describe('Counts only what these demands are about.'),
  }),
  { wire: 'hard scopes scopeSelector' },
)
export type ResourceQuotaSpec = z.output<typeof ResourceQuotaSpec>

const ResourceQuotaStatus = named(
  'core/v1.ResourceQuotaStatus',
  'How much of it is used.',
  () => ({
    hard: quantityMap().optional().describe('The most of each resource, as it is enforced.'),
    used: quantityMap().optional().describe('How much of each is used.'),
  }),
  { wire: 'hard used' },
)
export type ResourceQuotaStatus = z.output<typeof ResourceQuotaStatus>

interface QuotaParts {
  readonly spec: ResourceQuotaSpec
  readonly status: ResourceQuotaStatus
}

const usage = (isLimits: boolean) => (quota: QuotaParts) =>
  Object.keys(quota.status.hard ?? {})
    .filter(name => name.startsWith('limits.') === isLimits)
    .sort()
    .map(name => `${name}: ${quota.status.used?.[name] ?? '0'}/${quota.status.hard?.[name]}`)
    .join(', ')

const columns: Column<QuotaParts>[] = [
  column('Request', 'What is used, and how much may be.', usage(false)),
  column('Limit', 'What may be used at most, and how much of that is given away.', usage(true)),
]

/** All demands of a quota on what it counts: plain scopes are demands that they hold. */
export const scopesOf = ({ scopes = [], scopeSelector }: ResourceQuotaSpec): readonly ScopeRequirement[] => [
  ...scopes.map(scopeName => ({ scopeName, operator: 'Exists' as const })),
  ...(scopeSelector?.matchExpressions ?? []),
]

/** How much a namespace may use. */
export const ResourceQuota = defineKind({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  namespaced: true,
  description: 'How much of what a namespace may use.',
  fields: () => ({
    spec: ResourceQuotaSpec.prefault({}).describe('How much of what may be used.'),
    status: ResourceQuotaStatus.prefault({}).describe('How much of it is used.'),
  }),
  columns: [...columns, age],
  subresources: ['status'],
  default({ spec, status }) {
    roundUp(spec.hard)
    roundUp(status.hard)
    roundUp(status.used)
  },
  validate({ spec, status }, old) {
    const errors = [...validateAmounts(spec.hard, 'spec.hard'), ...validateScopes(spec), ...validateScopeSelector(spec)]
    if (!old) return [...errors, ...validateStatus(status)]
    const [before, now] = [new Set(old.spec.scopes), new Set(spec.scopes)]
    const isSame = before.size === now.size && [...now].every(scope => before.has(scope))
    return isSame ? errors : [...errors, fieldError.invalid('spec.scopes', spec.scopes ?? null, immutable)]
  },
  validateStatus: ({ status }) => validateStatus(status),
  deletion: { answersObject: true },
})
export type ResourceQuota = ObjectOf<typeof ResourceQuota>

const validateStatus = ({ hard, used }: ResourceQuotaStatus) => [
  ...validateAmounts(hard, 'status.hard'),
  ...validateAmounts(used, 'status.used'),
]

function validateAmounts(amounts: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, amount]) => validateQuotaAmount(name, amount, `${field}[${name}]`))
}

const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

/** Whether two scopes can never hold together. */
const conflict = (scopes: readonly string[]) => opposites.some(pair => pair.every(scope => scopes.includes(scope)))

/** For each resource of the quota that the scope cannot be about. */
function misfits({ hard }: ResourceQuotaSpec, scope: string): number {
  const about = Object.hasOwn(resourcesOfScope, scope) ? resourcesOfScope[scope] : undefined
  return about ? Object.keys(hard ?? {}).filter(name => isQuotaResource(name) && !about.includes(name)).length : 0
}

/** pkg/apis/core/validation validateResourceQuotaScopes. */
function validateScopes(spec: ResourceQuotaSpec): FieldError[] {
  const { scopes = [] } = spec
  const invalid = (why: string) => fieldError.invalid('spec.scopes', scopes, why)
  const errors: FieldError[] = []
  for (const scope of scopes) {
    if (!Object.hasOwn(resourcesOfScope, scope)) errors.push(invalid('unsupported scope'))
    for (let i = misfits(spec, scope); i > 0; i--) errors.push(invalid('unsupported scope applied to resource'))
  }
  if (conflict(scopes)) errors.push(invalid('conflicting scopes'))
  return errors
}

const onlyExists =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
const withValues = ['PriorityClass', 'VolumeAttributesClass']

/** validateScopedResourceSelectorRequirement. */
function validateScopeSelector(spec: ResourceQuotaSpec): FieldError[] {
  const { matchExpressions = [] } = spec.scopeSelector ?? {}
  const at = 'spec.scopeSelector.matchExpressions'
  const errors: FieldError[] = []
  for (const { scopeName, operator, values = [] } of matchExpressions) {
    const isKnown = Object.hasOwn(resourcesOfScope, scopeName)
    if (!isKnown) errors.push(fieldError.invalid(`${at}.scopeName`, scopeName, 'unsupported scope'))
    for (let i = misfits(spec, scopeName); i > 0; i--) {
      errors.push(fieldError.invalid(at, spec.scopeSelector, 'unsupported scope applied to resource'))
    }
    if (isKnown && !withValues.includes(scopeName) && operator !== 'Exists') {
      errors.push(fieldError.invalid(`${at}.operator`, operator, onlyExists))
    }
    if (operator === 'In' || operator === 'NotIn') {
      const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
      if (values.length === 0) errors.push(fieldError.required(`${at}.values`, why))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
      if (values.length > 0) errors.push(fieldError.invalid(`${at}.values`, values, why))
    } else errors.push(fieldError.invalid(`${at}.operator`, operator, 'not a valid selector operator'))
  }
  if (conflict(matchExpressions.map(({ scopeName }) => scopeName))) {
    errors.push(fieldError.invalid(at, spec.scopes ?? null, 'conflicting scopes'))
  }
  return errors
}
