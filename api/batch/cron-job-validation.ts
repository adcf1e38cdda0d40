import { type FieldError, fieldError } from '../field-errors.ts'
import { nonNegative, nonNegativeFields } from '../validation.ts'
import type { CronJobSpec } from './cron-job.ts'
import { parseSchedule } from './cron-schedule.ts'
import { validateJobSpec } from './job-validation.ts'

interface CronJobObject {
  readonly metadata: { readonly name: string }
  readonly spec: CronJobSpec
}

/** 63, less the eleven characters that the name of each job ends with. */
const longestName = 52

/** A job that runs again and again (pkg/apis/batch/validation ValidateCronJobCreate and ValidateCronJobUpdate). */
export function validateCronJob({ metadata, spec }: CronJobObject, old?: CronJobObject): FieldError[] {
  const errors = validateSchedule(spec, old?.spec)
  errors.push(...nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds))
  if (!old || old.spec.timeZone !== spec.timeZone) errors.push(...validateTimeZone(spec.timeZone))
  const policies = ['Allow', 'Forbid', 'Replace']
  if (!policies.includes(spec.concurrencyPolicy)) {
    errors.push(fieldError.notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, policies))
  }
  errors.push(...validateTemplate(spec))
  errors.push(...nonNegativeFields('spec', spec, ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit']))
  if (!old && metadata.name.length > longestName) {
    errors.push(fieldError.invalid('metadata.name', metadata.name, `must be no more than ${longestName} characters`))
  }
  return errors
}

function validateSchedule({ schedule, timeZone }: CronJobSpec, old?: CronJobSpec): FieldError[] {
  const field = 'spec.schedule'
  if (schedule === '') return [fieldError.required(field)]
  const errors: FieldError[] = []
  try {
    parseSchedule(schedule)
  } catch (error) {
    errors.push(fieldError.invalid(field, schedule, error instanceof Error ? error.message : String(error)))
  }
  if (!schedule.includes('TZ')) return errors
  const isOld = old?.schedule.includes('TZ') === true
  if (isOld && timeZone === undefined) return errors
  const why = isOld
    ? 'cannot use both timeZone field and TZ or CRON_TZ in schedule'
    : 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
  return [...errors, fieldError.invalid(field, schedule, why)]
}

/** A step of a time zone's name (https://data.iana.org/time-zones/theory.html#naming). */
const zoneStep = /^[A-Za-z._0-9+][A-Za-z._0-9+-]{0,13}$/

function validateTimeZone(zone: string | undefined): FieldError[] {
  const field = 'spec.timeZone'
  if (zone === undefined) return []
  if (zone === '') return [fieldError.invalid(field, zone, 'timeZone must be nil or non-empty string')]
  const unknown = fieldError.invalid(field, zone, `unknown time zone ${zone}`)
  if (zone.split('/').some(step => step === '.' || step === '..' || !zoneStep.test(step))) return [unknown]
  if (zone.toLowerCase() === 'local') {
    const why = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
    return [fieldError.invalid(field, zone, why), ...(zone === 'Local' ? [] : [unknown])]
  }
  return isKnown(zone) ? [] : [unknown]
}

function isKnown(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function validateTemplate({ jobTemplate: { spec } }: CronJobSpec): FieldError[] {
  const at = 'spec.jobTemplate.spec'
  const errors = validateJobSpec(spec, at)
  if (spec.selector) errors.push(fieldError.invalid(`${at}.selector`, spec.selector, '`selector` will be auto-generated'))
  if (spec.manualSelector) errors.push(fieldError.notSupported(`${at}.manualSelector`, true, ['nil', 'false']))
  return errors
}
