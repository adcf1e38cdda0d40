import type { CronJob } from '../../api/batch/cron-job.ts'
import { parseSchedule } from '../../api/batch/cron-schedule.ts'
import { nextTime } from './next-time.ts'
import { type Zone, zoneOf } from './zone.ts'

/** The first time after a moment, in milliseconds; `undefined`: never. */
export type Next = (after: number) => number | undefined

/** Clocks differ a little: waking this much late is never too early. */
const marginInMs = 100
/** More than so many missed runs are told to the user. */
const many = 100

export interface Due {
  /** From when on runs were looked for. */
  readonly since: number
  /** The newest run that should have been started by now. */
  readonly latest: number | undefined
  readonly missed: 'none' | 'few' | 'many'
}

/**
 * When a cron job runs: in the zone that its schedule names (which is no longer allowed), or its own, or the one given. Throws an Error
 * when the schedule makes no sense, a RangeError when the zone does not.
 */
export function nextOf({ schedule: text, timeZone }: CronJob['spec'], localZone: string): Next {
  const zoneInSchedule = text.match(/^(?:CRON_)?TZ=(\S*) /)?.[1]
  const zone: Zone = zoneOf(zoneInSchedule ?? timeZone ?? localZone)
  const schedule = parseSchedule(text)
  return after => nextTime(schedule, zone, after)
}

/**
 * The newest run that is due, and roughly how many are (pkg/controller/cronjob/utils.go, mostRecentScheduleTime). `undefined` when the
 * schedule names no time, or its times lie within a second.
 */
export function dueOf({ metadata, spec, status }: CronJob, now: number, next: Next, withDeadline: boolean): Due | undefined {
  let since = Date.parse(status.lastScheduleTime ?? metadata.creationTimestamp)
  if (withDeadline && spec.startingDeadlineSeconds !== undefined) {
    since = Math.max(since, now - spec.startingDeadlineSeconds * 1000)
  }
  const first = next(since)
  if (first === undefined) return undefined
  if (now < first) return { since, latest: undefined, missed: 'none' }
  const second = next(first)
  if (second !== undefined && now < second) return { since, latest: first, missed: 'none' }
  const apart = second === undefined ? 0 : Math.round((second - first) / 1000)
  if (apart < 1) return undefined
  const missed = Math.trunc(Math.trunc((now - first) / 1000) / apart) + 1
  // One step back from where a regular schedule would be, as not all are regular.
  let latest: number | undefined
  for (let at = next(first + (missed - 2) * apart * 1000); at !== undefined && at <= now; at = next(at)) latest = at
  return { since, latest, missed: missed > many ? 'many' : 'few' }
}

/** How long until the next run, in milliseconds, with a margin; `undefined`: there is none. */
export function waitForNext(cronJob: CronJob, now: number, next: Next): number | undefined {
  const due = dueOf(cronJob, now, next, false)
  const from = due?.latest ?? (due?.missed === 'none' ? due.since : now)
  const at = next(from)
  return at === undefined ? undefined : at + marginInMs - now
}
