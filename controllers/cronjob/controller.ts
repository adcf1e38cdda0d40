import { CronJob } from '../../api/batch/cron-job.ts'
import { Job } from '../../api/batch/job.ts'
import { ignore } from '../../api/errors.ts'
import type { Controller, ReconcileContext, ReconcileResult } from '../../client/controller.ts'
import { on, ownerKeys } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy, deepEqual } from '../../lib/json.ts'
import { controlledBy, controllerIndex } from '../shared/owner-references.ts'
import { type Next, nextOf, waitForNext } from './due.ts'
import { createJob, removeJob, replaceActive, type Status, say } from './jobs.ts'
import { beyondHistory, endOf, startOf, upkeep } from './plan.ts'
import { localZoneName, zoneOf } from './zone.ts'

const manual = 'https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/'

/**
 * Starts a job whenever a CronJob's schedule says so, and clears away those that are over (pkg/controller/cronjob). `localZone`: where
 * schedules are meant that name no zone.
 */
export function cronJob({ localZone = localZoneName() }: { localZone?: string } = {}): Controller {
  const schedules = new Map<string, string>()
  return {
    name: 'cronjob',
    watches: [on(CronJob), on(Job, ownerKeys(CronJob))],
    writes: [CronJob, Job],
    indexes: [controllerIndex(Job)],
    async reconcile(context, key) {
      const cronJob = context.lister(CronJob).get(key)
      if (!cronJob) return void schedules.delete(key)
      const { uid } = cronJob.metadata
      const identity = `${uid} ${cronJob.spec.timeZone ?? ''} ${cronJob.spec.schedule}`
      const known = schedules.get(key)
      schedules.set(key, identity)
      // What a new schedule would have meant in the past is not made up for: it counts from its next time on.
      const isRescheduled = known !== undefined && known !== identity && known.startsWith(`${uid} `)
      return sync(context, cronJob, { localZone, isRescheduled })
    },
  }
}

interface Settings {
  readonly localZone: string
  readonly isRescheduled: boolean
}

async function sync(context: ReconcileContext, cronJob: CronJob, settings: Settings): Promise<ReconcileResult | void> {
  const jobs = controlledBy(context.lister(Job), cronJob)
  const status = copy(cronJob.status)
  try {
    await clearHistory(context, cronJob, jobs, status)
    const isOurs = await keepUp(context, { ...cronJob, status }, jobs, status)
    return isOurs && !cronJob.metadata.deletionTimestamp ? await start(context, cronJob, status, settings) : undefined
  } finally {
    await writeStatus(context, cronJob, status)
  }
}

async function writeStatus({ client }: ReconcileContext, cronJob: CronJob, status: Status): Promise<void> {
  if (status.active?.length === 0) delete status.active
  if (deepEqual(status, cronJob.status)) return
  const active = (status.active ?? []).map(({ name }) => name)
  const data = { active, lastScheduleTime: status.lastScheduleTime, lastSuccessfulTime: status.lastSuccessfulTime }
  const note = { rule: 'cronjob/status', text: `${active.length} jobs are active`, data }
  await client.updateStatus(CronJob, { ...cronJob, status }, { note })
}

async function clearHistory(context: ReconcileContext, cronJob: CronJob, jobs: readonly Job[], status: Status): Promise<void> {
  for (const job of beyondHistory(cronJob.spec, jobs)) {
    if (job.metadata.deletionTimestamp) continue
    const { successfulJobsHistoryLimit: successful, failedJobsHistoryLimit: failed } = cronJob.spec
    const end = endOf(job) ?? ''
    const text = `there are more jobs that ended as ${end} than are to be kept, and this one began first`
    // What cannot be removed now can be later.
    await removeJob(context, cronJob, job, status, { rule: 'cronjob/history', text, data: { successful, failed } }).catch(
      () => {},
    )
  }
}

/** Brings the list of active jobs up to date. Answers whether it may be relied on. */
async function keepUp(context: ReconcileContext, cronJob: CronJob, jobs: readonly Job[], status: Status): Promise<boolean> {
  const { client } = context
  const { active, lastSuccessfulTime, unexpected, missing, tell } = upkeep(cronJob, jobs)
  say(context, cronJob, tell)
  status.active = copy(active) as Status['active']
  if (lastSuccessfulTime !== undefined) status.lastSuccessfulTime = lastSuccessfulTime
  if (unexpected.length > 0) {
    const fresh = await client.get(CronJob, cronJob.metadata)
    const listed = new Set(fresh.status.active?.map(({ uid }) => uid))
    const forgotten = unexpected.filter(({ metadata }) => !listed.has(metadata.uid))
    for (const { metadata } of forgotten) {
      const message = `Saw a job that the controller did not create or forgot: ${metadata.name}`
      say(context, cronJob, [['Warning', 'UnexpectedJob', message]])
    }
    // The list is newer than the one known here: this run is too early.
    if (forgotten.length < unexpected.length) return false
  }
  for (const ref of missing) {
    // Asks the server: the news of it may be late.
    const job = await client.get(Job, { namespace: ref.namespace, name: ref.name ?? '' }).catch(ignore('NotFound'))
    if (job) continue
    say(context, cronJob, [['Normal', 'MissingJob', `Active job went missing: ${ref.name}`]])
    status.active = status.active?.filter(({ uid }) => uid !== ref.uid)
  }
  return true
}

/** Starts the run that is due, if there is one. Answers when to look again. */
async function start(
  context: ReconcileContext,
  cronJob: CronJob,
  status: Status,
  { localZone, isRescheduled }: Settings,
): Promise<ReconcileResult | void> {
  const { spec } = cronJob
  const next = understood(context, cronJob, localZone)
  if (!next) return
  const now = context.clock.now()
  const seen = { ...cronJob, status }
  const again = (): ReconcileResult | undefined => {
    const wait = waitForNext({ ...cronJob, status }, now, next)
    return wait === undefined ? undefined : { requeueAfterMs: wait }
  }
  if (isRescheduled) return again()
  const planned = startOf(seen, status.active ?? [], now, next)
  if (!planned) {
    const why = 'time difference between two schedules is less than 1 second'
    return say(context, cronJob, [['Warning', 'InvalidSchedule', `invalid schedule: ${spec.schedule} : ${why}`]])
  }
  say(context, cronJob, planned.tell)
  if (planned.at === undefined) return again()
  if (spec.concurrencyPolicy === 'Replace') await replaceActive(context, cronJob, status)
  const job = await createJob(context, cronJob, planned.at)
  if (!job) return again()
  const { name, namespace, uid, resourceVersion } = job.metadata
  if (!status.active?.some(ref => ref.uid === uid)) {
    const ref = { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid, resourceVersion }
    status.active = [...(status.active ?? []), ref] as Status['active']
  }
  status.lastScheduleTime = timestamp(planned.at)
  return again()
}

/** What the schedule means; `undefined`, and told to the user, when nothing is to be started or it means nothing. */
function understood(context: ReconcileContext, cronJob: CronJob, localZone: string): Next | undefined {
  const { timeZone, schedule, suspend } = cronJob.spec
  if (timeZone !== undefined) {
    try {
      zoneOf(timeZone)
    } catch {
      const why = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`
      say(context, cronJob, [['Warning', 'UnknownTimeZone', why]])
      return undefined
    }
  }
  if (suspend) return undefined
  if (schedule.includes('TZ')) {
    const why = `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, see ${manual} for more details`
    say(context, cronJob, [['Warning', 'UnsupportedSchedule', why]])
  }
  try {
    return nextOf(cronJob.spec, localZone)
  } catch (error) {
    const why = `unparseable schedule: ${JSON.stringify(schedule)} : ${(error as Error).message}`
    say(context, cronJob, [['Warning', 'UnparseableSchedule', why]])
    return undefined
  }
}
