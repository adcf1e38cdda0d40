import type { CronJob, CronJobSpec } from '../../api/batch/cron-job.ts'
import type { Job } from '../../api/batch/job.ts'
import { hasCondition } from '../../api/batch/job-spec.ts'
import { dueOf, type Next } from './due.ts'

type ActiveRef = NonNullable<CronJob['status']['active']>[number]

/** What is to be told: type, reason, message. */
export type Telling = readonly ['Normal' | 'Warning', string, string]

/** How a job ended; `undefined` while it has not. */
export function endOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  return hasCondition(status, 'Complete') ? 'Complete' : hasCondition(status, 'Failed') ? 'Failed' : undefined
}

/** The finished jobs of which there are more than the history is to hold, those that started first. */
export function beyondHistory({ successfulJobsHistoryLimit, failedJobsHistoryLimit }: CronJobSpec, jobs: readonly Job[]): Job[] {
  const oldest = (end: 'Complete' | 'Failed', limit: number) => {
    const ended = jobs.filter(job => endOf(job) === end).sort(byStart)
    return ended.slice(0, Math.max(0, ended.length - limit))
  }
  return [...oldest('Complete', successfulJobsHistoryLimit), ...oldest('Failed', failedJobsHistoryLimit)]
}

/** Jobs that have not started come last; names decide between equals. */
function byStart(a: Job, b: Job): number {
  const [first, second] = [a, b].map(({ status }) => (status.startTime ? Date.parse(status.startTime) : Number.MAX_VALUE))
  return (first ?? 0) - (second ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1)
}

export interface Upkeep {
  readonly active: readonly ActiveRef[]
  readonly lastSuccessfulTime: string | undefined
  /** Jobs that run without being in the list. */
  readonly unexpected: readonly Job[]
  /** Jobs in the list that nobody sees. */
  readonly missing: readonly ActiveRef[]
  readonly tell: readonly Telling[]
}

/** Takes jobs that have ended off the list of active ones, and notes the latest success. */
export function upkeep({ status }: CronJob, jobs: readonly Job[]): Upkeep {
  const { active = [] } = status
  const byUid = new Map(jobs.map(job => [job.metadata.uid, job]))
  const listed = new Set(active.map(({ uid }) => uid))
  const tell: Telling[] = []
  let { lastSuccessfulTime } = status
  for (const job of jobs) {
    const end = endOf(job)
    const { name, uid } = job.metadata
    if (end && listed.has(uid)) tell.push(['Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`])
    const { completionTime } = job.status
    if (end !== 'Complete' || !completionTime) continue
    if (!lastSuccessfulTime || Date.parse(completionTime) > Date.parse(lastSuccessfulTime)) lastSuccessfulTime = completionTime
  }
  const hasEnded = (job: Job | undefined) => job !== undefined && endOf(job) !== undefined
  return {
    active: active.filter(({ uid = '' }) => !hasEnded(byUid.get(uid))),
    lastSuccessfulTime,
    unexpected: jobs.filter(job => !endOf(job) && !listed.has(job.metadata.uid)),
    missing: active.filter(({ uid = '' }) => !byUid.has(uid)),
    tell,
  }
}

export interface Start {
  /** The run to start now, by its time; absent: none. */
  readonly at?: number
  /** Why not, in a few words, where there is one to start. */
  readonly because?: string
  readonly tell: readonly Telling[]
}

/** `<cron job>-<minutes since the epoch>`: no run is started twice, whoever tries. */
export function jobName({ metadata }: CronJob, at: number): string {
  return `${metadata.name}-${Math.floor(at / 60_000)}`
}

/**
 * Whether a run has to be started: only the newest that is due, whatever was missed before (pkg/controller/cronjob, syncCronJob).
 * `undefined` when the schedule never comes.
 */
export function startOf(cronJob: CronJob, active: readonly ActiveRef[], now: number, next: Next): Start | undefined {
  const { spec, status } = cronJob
  const due = dueOf(cronJob, now, next, true)
  if (!due) return undefined
  if (due.latest === undefined) return { tell: [] }
  const tell: Telling[] = []
  if (due.missed === 'many') {
    const hint = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew'
    tell.push(['Warning', 'TooManyMissedTimes', `too many missed start times. ${hint}`])
  }
  const at = due.latest
  if (spec.startingDeadlineSeconds !== undefined && at + spec.startingDeadlineSeconds * 1000 < now) {
    const time = new Date(at).toUTCString().replace('GMT', '+0000')
    tell.push(['Warning', 'MissSchedule', `Missed scheduled time to start a job: ${time}`])
    return { tell, because: 'its deadline has passed' }
  }
  const isKnown = active.some(({ name }) => name === jobName(cronJob, at))
  if (isKnown || (status.lastScheduleTime && Date.parse(status.lastScheduleTime) === at)) {
    return { tell, because: 'it has been started' }
  }
  if (spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
    const why = 'Not starting job because prior execution is running and concurrency policy is Forbid'
    tell.push(['Normal', 'JobAlreadyActive', why])
    return { tell, because: 'the last run has not ended' }
  }
  return { at, tell }
}
