import { CronJob } from '../../api/batch/cron-job.ts'
import { Job } from '../../api/batch/job.ts'
import { isReason } from '../../api/errors.ts'
import type { Draft, InputOf } from '../../api/kind.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { controllerOf } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy } from '../../lib/json.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { controllerReference } from '../shared/owner-references.ts'
import { jobName, type Telling } from './plan.ts'
import { utc, zonedTimestamp, zoneOf } from './zone.ts'

/** A status that is being written. */
export type Status = Draft<CronJob['status']>

const scheduledTimestamp = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

/** Tells the user, in order. */
export function say({ events }: ReconcileContext, cronJob: CronJob, tellings: readonly Telling[]): void {
  for (const [type, reason, message] of tellings) events.record(cronJob, type, reason, message)
}

/** Removes a job with its pods, and from the list. Tells the user when it cannot, and rejects. */
export async function removeJob(
  { client, events }: ReconcileContext,
  cronJob: CronJob,
  job: Job,
  status: Status,
  note: { rule: string; text: string; data: object },
): Promise<void> {
  const { name, uid } = job.metadata
  try {
    await client.delete(Job, job.metadata, { propagationPolicy: 'Background', preconditions: { uid }, note })
  } catch (error) {
    events.record(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`)
    throw error
  }
  status.active = status.active?.filter(ref => ref.uid !== uid)
  events.record(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)
}

/** Removes all jobs of the list, as the next run takes their place. */
export async function replaceActive(context: ReconcileContext, cronJob: CronJob, status: Status): Promise<void> {
  for (const ref of status.active ?? []) {
    let job: Job
    try {
      job = await context.client.get(Job, { namespace: ref.namespace, name: ref.name ?? '' })
    } catch (error) {
      say(context, cronJob, [['Warning', 'FailedGet', `Get job: ${(error as Error).message}`]])
      throw error
    }
    const note = { rule: 'cronjob/replace', text: 'the next run is due, and takes the place of this one', data: {} }
    await removeJob(context, cronJob, job, status, note)
  }
}

/** Creates the job of a run, or finds that it is there already; `undefined` when its name belongs to somebody else's. */
export async function createJob(context: ReconcileContext, cronJob: CronJob, at: number): Promise<Job | undefined> {
  const { client } = context
  const input = jobOf(cronJob, at)
  const { name, namespace } = input.metadata
  const data = { schedule: cronJob.spec.schedule, timeZone: cronJob.spec.timeZone ?? 'local', at: timestamp(at) }
  const note = { rule: 'cronjob/start', text: `the run of ${data.at} is due`, data }
  try {
    const job = await client.create(Job, input, { note })
    say(context, cronJob, [['Normal', 'SuccessfulCreate', `Created job ${name}`]])
    return job
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) {
      const job = await client.get(Job, { name, namespace })
      return controllerOf(job)?.uid === cronJob.metadata.uid ? job : undefined
    }
    if (!isNamespaceEnding(error)) {
      say(context, cronJob, [['Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`]])
    }
    throw error
  }
}

function jobOf(cronJob: CronJob, at: number) {
  const { timeZone, jobTemplate } = cronJob.spec
  const { labels, annotations } = jobTemplate.metadata
  const zone = timeZone === undefined ? utc : zoneOf(timeZone)
  return {
    metadata: {
      name: jobName(cronJob, at),
      namespace: cronJob.metadata.namespace,
      labels: { ...labels },
      annotations: { ...annotations, [scheduledTimestamp]: zonedTimestamp(zone, at) },
      ownerReferences: [controllerReference(CronJob, cronJob)],
    },
    spec: copy(jobTemplate.spec),
  } satisfies InputOf<typeof Job>
}
