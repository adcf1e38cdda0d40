import * as z from 'zod'
import { age, column, templateColumns } from '../columns.ts'
import { defaultPodSpec } from '../core/pod-defaults.ts'
import { ObjectReference } from '../core/references.ts'
import { ageOf } from '../duration.ts'
import { type Column, type Draft, defineKind, type ObjectOf } from '../kind.ts'
import { TemplateMeta } from '../meta.ts'
import { atomicList, choice, int32, int64, named, plain, requiredText, timestampText } from '../schema.ts'
import { validateCronJob } from './cron-job-validation.ts'
import { JobSpec } from './job-spec.ts'
import { jobWarnings } from './job-warnings.ts'

/** What the jobs made from it look like. */
const JobTemplateSpec = named(
  'batch/v1.JobTemplateSpec',
  'What the jobs made from it look like.',
  () => ({ metadata: TemplateMeta, spec: JobSpec.prefault({}).describe('What the jobs do.') }),
  { wire: 'metadata spec' },
)

/** Which job runs, and when. */
export const CronJobSpec = named(
  'batch/v1.CronJobSpec',
  'Which job runs, and when.',
  () => ({
    schedule: requiredText('When it runs, in the five fields of cron: `*/5 * * * *`.'),
    timeZone: z.string().optional().describe('The time zone of the schedule; that of the server where absent.'),
    startingDeadlineSeconds: int64().optional().describe('Seconds after which a missed run is given up.'),
    concurrencyPolicy: plain(choice('Allow', 'Forbid', 'Replace').default('Allow')).describe(
      'What happens when the last run has not ended.',
    ),
    suspend: z.boolean().default(false).describe('Start no runs for now.'),
    jobTemplate: JobTemplateSpec.prefault({}).describe('What the jobs look like.'),
    successfulJobsHistoryLimit: int32().default(3).describe('How many jobs to keep that succeeded.'),
    failedJobsHistoryLimit: int32().default(1).describe('How many jobs to keep that failed.'),
  }),
  {
    wire: 'schedule startingDeadlineSeconds concurrencyPolicy suspend jobTemplate successfulJobsHistoryLimit failedJobsHistoryLimit timeZone',
  },
)
export type CronJobSpec = z.output<typeof CronJobSpec>

/** Which runs there have been. */
export const CronJobStatus = named(
  'batch/v1.CronJobStatus',
  'Which runs there have been.',
  () => ({
    active: atomicList(ObjectReference).optional().describe('Jobs that have not ended.'),
    lastScheduleTime: timestampText().optional().describe('When a job was started last.'),
    lastSuccessfulTime: timestampText().optional().describe('When a job succeeded last.'),
  }),
  { wire: 'active 4:lastScheduleTime lastSuccessfulTime' },
)
export type CronJobStatus = z.output<typeof CronJobStatus>

interface CronJobParts {
  readonly spec: CronJobSpec
  readonly status: CronJobStatus
}

const columns: Column<CronJobParts>[] = [
  column('Schedule', 'When it runs.', ({ spec }) => spec.schedule),
  column('Timezone', 'The time zone of the schedule.', ({ spec }) => spec.timeZone ?? '<none>'),
  column('Suspend', 'Whether runs are started.', ({ spec }) => (spec.suspend ? 'True' : 'False'), 'boolean'),
  column('Active', 'Jobs that have not ended.', ({ status }) => status.active?.length ?? 0, 'integer'),
  column('Last Schedule', 'How long ago a job was started.', ({ status }, now) =>
    status.lastScheduleTime ? ageOf(status.lastScheduleTime, now) : '<none>',
  ),
]

/** What both versions of the kind have in common. */
const cronJob = {
  group: 'batch',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  description: 'A job that runs again and again.',
  columns: [...columns, age, ...templateColumns<CronJobParts>(({ spec }) => spec.jobTemplate.spec)],
  subresources: ['status' as const],
  generationOf: ({ spec }: CronJobParts) => spec,
  default({ spec }: Draft<CronJobParts>) {
    defaultPodSpec(spec.jobTemplate.spec.template.spec)
  },
}

/** A job that runs again and again. */
export const CronJob = defineKind({
  ...cronJob,
  namespaced: true,
  version: 'v1',
  fields: () => ({
    spec: CronJobSpec.prefault({}).describe('Which job runs, and when.'),
    status: CronJobStatus.prefault({}).describe('Which runs there have been.'),
  }),
  validate: validateCronJob,
  warnings({ metadata, spec }, old) {
    const { spec: job } = spec.jobTemplate
    const warnings = jobWarnings({ metadata, spec: job }, 'spec.jobTemplate.spec', old)
    if (!old || !spec.schedule.includes('TZ')) return warnings
    const place = 'https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/'
    const why = `cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see ${place} for more details`
    return [...warnings, why]
  },
})
export type CronJob = ObjectOf<typeof CronJob>

/** As kubectl 1.20 knows it: nothing but the version differs. */
export const CronJobV1Beta1 = defineKind({
  ...cronJob,
  namespaced: true,
  version: 'v1beta1',
  deprecationWarning: 'batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob',
  fields: () => ({
    spec: CronJobSpec.prefault({}).describe('Which job runs, and when.'),
    status: CronJobStatus.prefault({}).describe('Which runs there have been.'),
  }),
  validate: validateCronJob,
  storedAs: {
    kind: CronJob,
    toStored: job => ({ ...job, apiVersion: 'batch/v1' }),
    fromStored: job => ({ ...job, apiVersion: 'batch/v1beta1' }),
  },
})
