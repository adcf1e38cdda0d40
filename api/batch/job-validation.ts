import { deepEqual } from '../../lib/json.ts'
import { selectionOf } from '../apps/workload-validation.ts'
import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName } from '../names.ts'
import { matchesLabels } from '../selectors.ts'
import { immutable, nonNegativeFields, unchanged, validateDomainPrefixedPath, validateLabelSelector } from '../validation.ts'
import { jobLabels } from './job-defaults.ts'
import { validatePodFailurePolicy, validateSuccessPolicy } from './job-policy-validation.ts'
import type { JobSpec, JobStatus } from './job-spec.ts'

interface JobObject {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly spec: JobSpec
  readonly status: JobStatus
}

/** A job, and what of it may change (pkg/apis/batch/validation ValidateJob and ValidateJobUpdate). */
export function validateJob(job: JobObject, old?: JobObject): FieldError[] {
  const { metadata, spec } = job
  const errors = [...validateGeneratedSelector(job, old), ...validateJobSpec(spec, 'spec'), ...validateSelector(spec)]
  if (spec.completionMode === 'Indexed' && spec.completions !== undefined && spec.completions > 0) {
    const hostname = `${metadata.name}-${spec.completions - 1}`
    if (labelName(hostname).length > 0) {
      const why = `will not able to create pod with invalid DNS label: ${hostname}`
      errors.push(fieldError.invalid('metadata.name', metadata.name, why))
    }
  }
  return old ? [...errors, ...validateUpdate(spec, old)] : errors
}

/** What was generated must still be there: the labels on the template, and a selector that they fulfil. */
function validateGeneratedSelector({ metadata, spec }: JobObject, old?: JobObject): FieldError[] {
  if (spec.manualSelector || !spec.selector) return []
  const errors: FieldError[] = []
  if (!metadata.uid) errors.push(fieldError.required('metadata.uid'))
  const labels = spec.template.metadata.labels ?? {}
  const oldLabels = old?.spec.template.metadata.labels ?? {}
  const { names, uids } = jobLabels
  // Jobs from before there were labels with a prefix may do without.
  const isModern = !old || (names[1] !== undefined && names[1] in oldLabels && uids[1] !== undefined && uids[1] in oldLabels)
  const expected: Record<string, string> = {}
  for (const i of isModern ? [0, 1] : [0]) {
    for (const [label, value] of [
      [uids[i], metadata.uid],
      [names[i], metadata.name],
    ] as const) {
      if (label === undefined) continue
      expected[label] = value
      const field = `spec.template.metadata.labels[${label}]`
      if (!(label in labels)) errors.push(fieldError.required(field, `must be '${value}'`))
      else if (labels[label] !== value) errors.push(fieldError.invalid(field, labels, `must be '${value}'`))
    }
  }
  const selects = selectionOf(spec.selector)
  if (selects !== undefined && !matchesLabels(selects, expected)) {
    errors.push(fieldError.invalid('spec.selector', spec.selector, '`selector` not auto-generated'))
  }
  return errors
}

function validateSelector({ selector, template }: JobSpec): FieldError[] {
  const errors = selector ? validateLabelSelector(selector, 'spec.selector') : [fieldError.required('spec.selector')]
  const selects = selectionOf(selector)
  if (selects !== undefined && !matchesLabels(selects, template.metadata.labels)) {
    const why = '`selector` does not match template `labels`'
    errors.push(fieldError.invalid('spec.template.metadata.labels', template.metadata.labels ?? null, why))
  }
  return errors
}

const counters = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const
const longestManagedBy = 63

/** What jobs and the templates of cron jobs have in common; `at` is the path of the spec. */
export function validateJobSpec(spec: JobSpec, at: string): FieldError[] {
  const { maxFailedIndexes, backoffLimitPerIndex, managedBy, completionMode, podFailurePolicy, successPolicy } = spec
  const errors = nonNegativeFields(at, spec, counters)
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    errors.push(fieldError.required(`${at}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  }
  if (managedBy !== undefined) {
    const field = `${at}.managedBy`
    errors.push(...validateDomainPrefixedPath(field, managedBy))
    if (managedBy.length > longestManagedBy) errors.push(fieldError.tooLong(field, longestManagedBy))
  }
  errors.push(...validateCompletionMode(spec, at))
  if (podFailurePolicy) errors.push(...validatePodFailurePolicy(spec, podFailurePolicy, `${at}.podFailurePolicy`))
  if (successPolicy && completionMode !== 'Indexed') {
    errors.push(fieldError.invalid(`${at}.successPolicy`, successPolicy, 'requires indexed completion mode'))
  } else if (successPolicy) errors.push(...validateSuccessPolicy(spec, successPolicy, `${at}.successPolicy`))
  errors.push(...validateReplacement(spec, `${at}.podReplacementPolicy`))
  errors.push(...validatePodTemplate(spec.template, `${at}.template`))
  return [...errors, ...validateRestarts(spec, `${at}.template.spec.restartPolicy`)]
}

const largest = { parallelism: 100_000, failedIndexes: 100_000, completions: 100_000, whenMany: 10_000 }

function validateCompletionMode(spec: JobSpec, at: string): FieldError[] {
  const { completionMode: mode, completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec
  const errors: FieldError[] = []
  if (mode !== 'NonIndexed' && mode !== 'Indexed' && mode !== undefined) {
    errors.push(fieldError.notSupported(`${at}.completionMode`, mode, ['NonIndexed', 'Indexed']))
  }
  if (mode === undefined || mode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      const value = spec[field]
      if (value !== undefined) errors.push(fieldError.invalid(`${at}.${field}`, value, 'requires indexed completion mode'))
    }
  }
  if (mode !== 'Indexed') return errors
  const tooMany = (field: string, value: number, why: string) => errors.push(fieldError.invalid(`${at}.${field}`, value, why))
  if (completions === undefined) errors.push(fieldError.required(`${at}.completions`, 'when completion mode is Indexed'))
  if (parallelism > largest.parallelism) {
    tooMany('parallelism', parallelism, `must be less than or equal to ${largest.parallelism} when completion mode is Indexed`)
  }
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    tooMany('maxFailedIndexes', maxFailedIndexes, 'must be less than or equal to completions')
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > largest.failedIndexes) {
    tooMany('maxFailedIndexes', maxFailedIndexes, `must be less than or equal to ${largest.failedIndexes}`)
  }
  if (completions === undefined || completions <= largest.completions || backoffLimitPerIndex === undefined) return errors
  if (maxFailedIndexes === undefined) {
    const why = `must be specified when completions is above ${largest.completions}`
    errors.push(fieldError.required(`${at}.maxFailedIndexes`, why))
  }
  const why = `must be less than or equal to ${largest.whenMany} when completions are above ${largest.completions} and used with backoff limit per index`
  if (parallelism > largest.whenMany) tooMany('parallelism', parallelism, why)
  if (maxFailedIndexes !== undefined && maxFailedIndexes > largest.whenMany) tooMany('maxFailedIndexes', maxFailedIndexes, why)
  return errors
}

function validateReplacement({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const allowed = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  return policy === undefined || allowed.includes(policy) ? [] : [fieldError.notSupported(field, policy, allowed)]
}

/** Pods that end: somebody has to say what happens when they fail. */
function validateRestarts({ template, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const { restartPolicy } = template.spec
  if (restartPolicy === 'Always') return [fieldError.required(field, 'valid values: "OnFailure", "Never"')]
  if (restartPolicy !== 'OnFailure' && restartPolicy !== 'Never') {
    return [fieldError.notSupported(field, restartPolicy, ['OnFailure', 'Never'])]
  }
  if (!podFailurePolicy || restartPolicy === 'Never') return []
  return [fieldError.invalid(field, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')]
}

function validateUpdate(spec: JobSpec, { spec: old, status }: JobObject): FieldError[] {
  const errors = validateCompletionsChange(spec, old)
  errors.push(...unchanged('spec.selector', spec.selector, old.selector))
  const mayMove = old.suspend === true && status.startTime === undefined
  const comparable = mayMove ? withPlacementOf(spec, old) : old.template
  if (!deepEqual(spec.template, comparable)) errors.push(fieldError.invalid('spec.template', spec.template, immutable))
  for (const field of ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) {
    errors.push(...unchanged(`spec.${field}`, spec[field] ?? null, old[field] ?? null))
  }
  return errors
}

function validateCompletionsChange({ completionMode, completions, parallelism }: JobSpec, old: JobSpec): FieldError[] {
  const field = 'spec.completions'
  if (completionMode !== 'Indexed') return unchanged(field, completions ?? null, old.completions ?? null)
  if (completions === undefined || completions === old.completions || completions === parallelism) return []
  return [fieldError.invalid(field, completions, 'can only be modified in tandem with spec.parallelism')]
}

/** The old template with where its pods may go as the new one says: that may change until a suspended job is first started. */
function withPlacementOf({ template: { metadata, spec } }: JobSpec, { template: old }: JobSpec): unknown {
  const { nodeAffinity: _old, ...otherAffinity } = old.spec.affinity ?? {}
  const affinity = spec.affinity
    ? { ...otherAffinity, nodeAffinity: spec.affinity.nodeAffinity }
    : Object.keys(otherAffinity).length > 0
      ? otherAffinity
      : undefined
  const { nodeSelector, tolerations, schedulingGates } = spec
  return {
    metadata: { ...old.metadata, annotations: metadata.annotations, labels: metadata.labels },
    spec: { ...old.spec, affinity, nodeSelector, tolerations, schedulingGates },
  }
}
