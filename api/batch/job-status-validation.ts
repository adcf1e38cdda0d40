import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { immutable, nonNegativeFields } from '../validation.ts'
import { commonIndex, readIndexes } from './indexes.ts'
import { hasCondition, type JobSpec, type JobStatus } from './job-spec.ts'

interface JobObject {
  readonly spec: JobSpec
  readonly status: JobStatus
}

const conditions = 'status.conditions'
/** An error about a whole list or object: its value is not shown. */
const wrong = (field: string, why: string): FieldError => ({ type: 'FieldValueInvalid', field, message: `Invalid value: ${why}` })
const is = (type: string) => (status: JobStatus) => hasCondition(status, type)
const [isComplete, hasFailed, isFailing, isMet] = ['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'].map(is) as [
  Holds,
  Holds,
  Holds,
  Holds,
]
type Holds = (status: JobStatus) => boolean
const isFinished: Holds = status => isComplete(status) || hasFailed(status)

/**
 * A state that a job can be in, reached from one it was in (pkg/apis/batch/validation ValidateJobStatusUpdate). Others than the
 * cluster's own controller may look after jobs, so only what a write changes is held against it (getStatusValidationOptions of
 * pkg/registry/batch/job/strategy.go).
 */
export function validateJobStatus({ spec, status }: JobObject, { status: old }: JobObject): FieldError[] {
  const errors = nonNegativeFields('status', status, ['active', 'succeeded', 'failed', 'ready', 'terminating'])
  const changed = (...fields: (keyof JobStatus)[]) => fields.some(field => !deepEqual(status[field], old[field]))
  const turned = (...holds: Holds[]) => holds.some(each => each(status) !== each(old))
  errors.push(...validateUncounted(status))
  errors.push(...validateEnd(spec, status, changed, turned))
  errors.push(...validateIndexes(spec, status, changed))
  if (changed('ready', 'active') && status.ready !== undefined && status.ready > (status.active ?? 0)) {
    errors.push(fieldError.invalid('status.ready', status.ready, 'cannot set more ready pods than active'))
  }
  if (isMet(status) && hasFailed(status)) {
    errors.push(wrong(conditions, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'))
  }
  if (isMet(status) && isFailing(status)) {
    errors.push(wrong(conditions, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'))
  }
  if (spec.successPolicy && isComplete(status) && !isMet(status)) {
    errors.push(wrong(conditions, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'))
  }
  return [...errors, ...validateTransition(spec, status, old)]
}

function validateUncounted({ uncountedTerminatedPods = {} }: JobStatus): FieldError[] {
  const seen = new Set<string>()
  return (['succeeded', 'failed'] as const).flatMap(outcome =>
    (uncountedTerminatedPods[outcome] ?? []).flatMap((uid, i) => {
      const field = `status.uncountedTerminatedPods.${outcome}[${i}]`
      if (uid === '') return [fieldError.invalid(field, uid, 'must not be empty')]
      if (seen.has(uid)) return [fieldError.duplicate(field, uid)]
      seen.add(uid)
      return []
    }),
  )
}

type Changed = (...fields: (keyof JobStatus)[]) => boolean
type Turned = (...holds: Holds[]) => boolean

/** What must be so when a job has ended. */
function validateEnd(spec: JobSpec, status: JobStatus, changed: Changed, turned: Turned): FieldError[] {
  const { startTime, completionTime, active = 0, terminating = 0, uncountedTerminatedPods: uncounted } = status
  const errors: FieldError[] = []
  const complete = isComplete(status)
  const refuse = (hasChanged: boolean, isWrong: boolean, error: () => FieldError) => {
    if (hasChanged && isWrong) errors.push(error())
  }
  const together = (other: string) => () => wrong(conditions, `cannot set Complete=True and ${other}=true conditions`)
  refuse(turned(isComplete, hasFailed), complete && hasFailed(status), together('Failed'))
  refuse(turned(isComplete, isFailing), complete && isFailing(status), together('FailureTarget'))
  const completion = turned(isComplete) || changed('completionTime')
  refuse(completion, completionTime !== undefined && !complete, () =>
    fieldError.invalid(
      'status.completionTime',
      completionTime,
      'cannot set completionTime when there is no Complete=True condition',
    ),
  )
  refuse(completion, completionTime === undefined && complete, () =>
    fieldError.required('status.completionTime', 'completionTime is required for Complete jobs'),
  )
  const isBackwards = !!startTime && !!completionTime && Date.parse(completionTime) < Date.parse(startTime)
  refuse(changed('startTime', 'completionTime'), isBackwards, () =>
    fieldError.invalid('status.completionTime', completionTime, 'must be equal to or after `startTime`'),
  )
  refuse(turned(hasFailed) || changed('failedIndexes'), hasFailed(status) && !isFailing(status), () =>
    wrong(conditions, 'cannot set Failed=True condition without the FailureTarget=true condition'),
  )
  refuse(turned(isComplete, isMet), complete && !isMet(status), () =>
    wrong(conditions, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
  )
  const finished = isFinished(status)
  refuse(turned(isFinished) || changed('active'), active > 0 && finished, () =>
    fieldError.invalid('status.active', active, 'active>0 is invalid for finished job'),
  )
  const neverStarts = spec.suspend === true && spec.completions === 0
  refuse((turned(isFinished) || changed('startTime')) && !neverStarts, startTime === undefined && finished, () =>
    fieldError.required('status.startTime', 'startTime is required for finished job'),
  )
  const waiting = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0)
  refuse(turned(isFinished) || changed('uncountedTerminatedPods'), finished && waiting > 0, () =>
    fieldError.invalid('status.uncountedTerminatedPods', uncounted, 'must be empty for finished job'),
  )
  refuse(turned(isFinished) || changed('terminating'), terminating > 0 && finished, () =>
    fieldError.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'),
  )
  return errors
}

/** The lists of indexes: readable, apart from each other, and only where there are indexes. */
function validateIndexes(spec: JobSpec, status: JobStatus, changed: Changed): FieldError[] {
  const { completions, completionMode, backoffLimitPerIndex } = spec
  const { completedIndexes = '', failedIndexes } = status
  const errors: FieldError[] = []
  const check = (field: 'completedIndexes' | 'failedIndexes', text: string) => {
    const read = readIndexes(text, completions ?? 0)
    if (typeof read === 'string') errors.push(fieldError.invalid(`status.${field}`, text, `error parsing ${field}: ${read}`))
  }
  if (changed('completedIndexes')) {
    if (completions !== undefined) check('completedIndexes', completedIndexes)
    if (completedIndexes !== '' && completionMode !== 'Indexed') {
      const why = 'cannot set non-empty completedIndexes when non-indexed completion mode'
      errors.push(fieldError.invalid('status.completedIndexes', completedIndexes, why))
    }
  }
  if (failedIndexes === undefined) return errors
  if (changed('failedIndexes')) {
    if (completions !== undefined && backoffLimitPerIndex !== undefined) check('failedIndexes', failedIndexes)
    if (backoffLimitPerIndex === undefined) {
      const why = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'
      errors.push(fieldError.invalid('status.failedIndexes', failedIndexes, why))
    }
  }
  if (!changed('failedIndexes', 'completedIndexes') || completions === undefined) return errors
  const common = commonIndex(completedIndexes, failedIndexes, completions)
  if (common !== undefined) {
    const why = `failedIndexes and completedIndexes overlap at index: ${common}`
    errors.push(fieldError.invalid('status.failedIndexes', failedIndexes, why))
  }
  return errors
}

/** What has happened has happened. */
function validateTransition(spec: JobSpec, status: JobStatus, old: JobStatus): FieldError[] {
  const errors: FieldError[] = []
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (!hasCondition(old, type) || hasCondition(status, type)) continue
    errors.push(wrong(conditions, `cannot disable the terminal ${type}=True condition`))
  }
  const { failed = 0, succeeded = 0, completionTime, startTime } = status
  if (failed < (old.failed ?? 0)) errors.push(fieldError.invalid('status.failed', failed, 'cannot decrease the failed counter'))
  const mayShrink = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
  if (!mayShrink && succeeded < (old.succeeded ?? 0)) {
    errors.push(fieldError.invalid('status.succeeded', succeeded, 'cannot decrease the succeeded counter'))
  }
  if (completionTime && old.completionTime && completionTime !== old.completionTime) {
    errors.push(fieldError.invalid('status.completionTime', completionTime, immutable))
  }
  if (old.startTime && startTime !== old.startTime && !spec.suspend) {
    errors.push(fieldError.required('status.startTime', 'startTime cannot be removed for unsuspended job'))
  }
  if (isMet(old) && !isMet(status)) errors.push(wrong(conditions, 'cannot disable the SuccessCriteriaMet=True condition'))
  if (isComplete(old) && !isMet(old) && isMet(status)) {
    errors.push(wrong(conditions, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'))
  }
  return errors
}
