import { validateAffinity } from '../core/affinity-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { qualifiedName } from '../names.ts'
import { invalidWhen } from '../validation.ts'
import type { PluginWithArguments, RawArguments } from './schema.ts'

/** What may be wrong with what plugins are told, in upstream's words (pkg/scheduler/apis/config/validation/validation_pluginargs.go). */
export const argumentChecks: { readonly [Name in PluginWithArguments]: (args: RawArguments[Name], at: string) => FieldError[] } =
  {
    DefaultPreemption({ minCandidateNodesPercentage: percentage = 10, minCandidateNodesAbsolute: absolute = 100 }, at) {
      const [percentageAt, absoluteAt] = [`${at}.minCandidateNodesPercentage`, `${at}.minCandidateNodesAbsolute`]
      const errors = outside(percentage, 0, 100)
        ? [fieldError.invalid(percentageAt, percentage, 'not in valid range [0, 100]')]
        : []
      if (absolute < 0) errors.push(fieldError.invalid(absoluteAt, absolute, 'not in valid range [0, inf)'))
      if (percentage === 0 && absolute === 0)
        errors.push(
          fieldError.invalid(percentageAt, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute'),
          fieldError.invalid(absoluteAt, 0, 'cannot be zero at the same time as minCandidateNodesPercentage'),
        )
      return errors
    },
    InterPodAffinity: ({ hardPodAffinityWeight: weight = 1 }, at) =>
      outside(weight, 0, 100) ? [fieldError.invalid(`${at}.hardPodAffinityWeight`, weight, 'not in valid range [0, 100]')] : [],
    NodeAffinity: ({ addedAffinity }, at) =>
      addedAffinity
        ? validateAffinity({ nodeAffinity: addedAffinity }, at).map(error => ({
            ...error,
            field: error.field.replace(`${at}.nodeAffinity`, `${at}.addedAffinity`),
          }))
        : [],
    NodeResourcesBalancedAllocation: ({ resources = [] }, at) =>
      resources.flatMap(({ name, weight = 1 }, i) => {
        const field = `${at}.resources[${i}]`
        const isRepeated = resources.slice(0, i).some(other => other.name === name)
        const errors = isRepeated ? [fieldError.duplicate(`${field}.name`, name)] : []
        if (weight !== 1 && weight !== 0) errors.push(fieldError.invalid(`${field}.weight`, weight, 'must be 1'))
        return errors
      }),
    NodeResourcesFit: ({ ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }, at) => [
      ...ignoredResources.flatMap((name, i) => invalidWhen(`${at}.ignoredResources[${i}]`, name, qualifiedName(name))),
      ...ignoredResourceGroups.flatMap((group, i) => {
        const field = `${at}.ignoredResourceGroups[${i}]`
        const slash = group.includes('/') ? [fieldError.invalid(field, group, "resource group name can't contain '/'")] : []
        return [...slash, ...invalidWhen(field, group, qualifiedName(group))]
      }),
      ...(scoringStrategy ? validateStrategy(scoringStrategy, `${at}.scoringStrategy`) : []),
    ],
    PodTopologySpread({ defaultConstraints = [], defaultingType = 'System' }, at) {
      const field = `${at}.defaultingType`
      const errors: FieldError[] = []
      if (defaultingType !== 'System' && defaultingType !== 'List')
        errors.push(fieldError.notSupported(field, defaultingType, ['System', 'List']))
      else if (defaultingType === 'System' && defaultConstraints.length > 0)
        errors.push(fieldError.invalid(field, defaultingType, 'when .defaultConstraints are not empty'))
      return [...errors, ...validateConstraints(defaultConstraints, `${at}.defaultConstraints`)]
    },
    VolumeBinding({ bindTimeoutSeconds = 600, shape }, at) {
      const why = 'invalid BindTimeoutSeconds, should not be a negative value'
      const errors = bindTimeoutSeconds < 0 ? [fieldError.invalid(`${at}.bindTimeoutSeconds`, bindTimeoutSeconds, why)] : []
      const unexpected = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring'
      return shape ? [...errors, fieldError.invalid(`${at}.shape`, shape, unexpected)] : errors
    },
  }

const outside = (value: number, low: number, high: number) => value < low || value > high

type Strategy = NonNullable<RawArguments['NodeResourcesFit']['scoringStrategy']>

function validateStrategy({ type = '', resources = [], requestedToCapacityRatio }: Strategy, at: string): FieldError[] {
  const types = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']
  const errors = types.includes(type) ? [] : [fieldError.notSupported(`${at}.type`, type, types)]
  for (const [i, { name, weight = 1 }] of resources.entries())
    if (outside(weight || 1, 1, 100))
      errors.push(
        fieldError.invalid(`${at}.resources[${i}].weight`, weight, `resource weight of ${name} not in valid range (0, 100]`),
      )
  const needsShape = requestedToCapacityRatio || type === 'RequestedToCapacityRatio'
  if (needsShape) errors.push(...validateShape(requestedToCapacityRatio?.shape ?? [], `${at}.shape`))
  return errors
}

function validateShape(shape: readonly { utilization: number; score: number }[], at: string): FieldError[] {
  if (shape.length === 0) return [fieldError.required(at, 'at least one point must be specified')]
  const errors: FieldError[] = []
  const unsorted = shape.findIndex(({ utilization }, i) => i > 0 && (shape[i - 1]?.utilization ?? 0) >= utilization)
  if (unsorted > 0) {
    const why = 'values must be sorted in increasing order'
    errors.push(fieldError.invalid(`${at}[${unsorted}].utilization`, shape[unsorted]?.utilization, why))
  }
  for (const [i, { utilization, score }] of shape.entries()) {
    if (outside(utilization, 0, 100))
      errors.push(fieldError.invalid(`${at}[${i}].utilization`, utilization, 'not in valid range [0, 100]'))
    if (outside(score, 0, 10)) errors.push(fieldError.invalid(`${at}[${i}].score`, score, 'not in valid range [0, 10]'))
  }
  return errors
}

type Constraints = NonNullable<RawArguments['PodTopologySpread']['defaultConstraints']>

function validateConstraints(constraints: Constraints, at: string): FieldError[] {
  return constraints.flatMap(({ maxSkew, topologyKey, whenUnsatisfiable, labelSelector }, i) => {
    const field = `${at}[${i}]`
    const errors: FieldError[] = []
    if (maxSkew <= 0) errors.push(fieldError.invalid(`${field}.maxSkew`, maxSkew, 'not in valid range (0, inf)'))
    if (topologyKey === '') errors.push(fieldError.required(`${field}.topologyKey`, 'can not be empty'))
    else errors.push(...invalidWhen(`${field}.topologyKey`, topologyKey, qualifiedName(topologyKey)))
    // The type knows two words only; what a file says may be none of them.
    const action: string = whenUnsatisfiable
    const actions = ['DoNotSchedule', 'ScheduleAnyway']
    if (action === '') errors.push(fieldError.required(`${field}.whenUnsatisfiable`, 'can not be empty'))
    else if (!actions.includes(action)) errors.push(fieldError.notSupported(`${field}.whenUnsatisfiable`, action, actions))
    if (labelSelector)
      errors.push(
        fieldError.forbidden(`${field}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod'),
      )
    const isSame = (other: Constraints[number]) =>
      other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable
    if (constraints.slice(0, i).some(isSame)) errors.push(fieldError.duplicate(field, `{${topologyKey}, ${whenUnsatisfiable}}`))
    return errors
  })
}
