import { age, column, templateColumns } from '../columns.ts'
import { humanDuration } from '../duration.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { defaultJob, generateSelector } from './job-defaults.ts'
import { hasCondition, JobSpec, JobStatus } from './job-spec.ts'
import { validateJobStatus } from './job-status-validation.ts'
import { validateJob } from './job-validation.ts'
import { jobWarnings } from './job-warnings.ts'

interface JobParts {
  readonly metadata: { readonly deletionTimestamp?: string }
  readonly spec: JobSpec
  readonly status: JobStatus
}

function completionsOf({ spec: { completions, parallelism = 0 }, status: { succeeded = 0 } }: JobParts): string {
  if (completions !== undefined) return `${succeeded}/${completions}`
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function durationOf({ status: { startTime, completionTime } }: JobParts, now: number): string {
  if (!startTime) return ''
  return humanDuration((completionTime ? Date.parse(completionTime) : now) - Date.parse(startTime))
}

/** The first that holds. */
function statusOf({ metadata, status }: JobParts): string {
  if (hasCondition(status, 'Complete')) return 'Complete'
  if (hasCondition(status, 'Failed')) return 'Failed'
  if (metadata.deletionTimestamp) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(type => hasCondition(status, type)) ?? 'Running'
}

const columns: Column<JobParts>[] = [
  column('Status', 'How it goes.', statusOf),
  column('Completions', 'Pods that succeeded, and how many must.', completionsOf),
  column('Duration', 'How long it took, or has been taking.', durationOf),
]

/** Pods that run until enough of them have succeeded. */
export const Job = defineKind({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  namespaced: true,
  description: 'Pods that run until enough of them have succeeded.',
  fields: () => ({
    spec: JobSpec.prefault({}).describe('What is to be done.'),
    status: JobStatus.prefault({}).describe('How far it has come.'),
  }),
  columns: [...columns, age, ...templateColumns<JobParts>(({ spec }) => spec)],
  subresources: ['status'],
  selectableFields: { 'status.successful': ({ status }) => String(status.succeeded ?? 0) },
  unselectable: field => `field label ${JSON.stringify(field)} not supported for Job`,
  generationOf: ({ spec }) => spec,
  default: defaultJob,
  prepareForCreate: generateSelector,
  validate: validateJob,
  warnings: ({ metadata, spec }, old) => jobWarnings({ metadata, spec }, 'spec', old),
  validateStatus: validateJobStatus,
  // Its pods stay unless the caller says otherwise, as they always have.
  deletion: { defaultPropagation: 'Orphan' },
})
export type Job = ObjectOf<typeof Job>
