import type { CronSchedule, Interval } from '../../api/batch/cron-schedule.ts'
import { momentOf, wallTime, type Zone } from './zone.ts'

const minuteInMs = 60_000
const hourInMs = 60 * minuteInMs
/** Nothing within five years: never, like the 30th of February. */
const patienceInYears = 5

/**
 * The first time after a moment that a schedule means, in milliseconds; `undefined` when there is none. It walks as robfig/cron v3 does
 * (spec.go, Next), so that daylight saving has the same effects: what clocks skip does not happen, and what they show twice mostly
 * happens twice. No library does so: they run what was skipped an hour later.
 */
export function nextTime(schedule: CronSchedule | Interval, zone: Zone, after: number): number | undefined {
  if ('everyMs' in schedule) return Math.floor(after / 1000) * 1000 + Math.floor(schedule.everyMs / 1000) * 1000
  return walk(schedule, zone, Math.floor(after / 1000) * 1000 + 1000)
}

function walk(schedule: CronSchedule, zone: Zone, start: number): number | undefined {
  let at = start
  let wall = wallTime(zone, at)
  const lastYear = wall.getUTCFullYear() + patienceInYears
  // Whether a larger unit has moved on, so that the smaller ones begin at their beginning.
  let moved = false
  const go = (to: number) => {
    at = to
    wall = wallTime(zone, at)
  }
  const goTo = (month: number, day: number, hour = 0) => go(momentOf(zone, Date.UTC(wall.getUTCFullYear(), month, day, hour)))
  const add = (months: number, days: number) => {
    const [year, month, day] = [wall.getUTCFullYear(), wall.getUTCMonth() + months, wall.getUTCDate() + days]
    go(momentOf(zone, Date.UTC(year, month, day, wall.getUTCHours(), wall.getUTCMinutes(), wall.getUTCSeconds())))
  }

  wrap: while (wall.getUTCFullYear() <= lastYear) {
    while (!schedule.months.includes(wall.getUTCMonth() + 1)) {
      if (!moved) goTo(wall.getUTCMonth(), 1)
      moved = true
      add(1, 0)
      if (wall.getUTCMonth() === 0) continue wrap
    }
    while (!dayMatches(schedule, wall)) {
      if (!moved) goTo(wall.getUTCMonth(), wall.getUTCDate())
      moved = true
      const before = at
      add(0, 1)
      // There are days without a midnight: those begin at one, or seem to at eleven the evening before.
      const hour = wall.getUTCHours()
      if (hour !== 0) go(at + (hour > 12 ? 24 - hour : -hour) * hourInMs)
      // A zone that crosses the date line skips a whole day; robfig/cron never comes back from there.
      if (at <= before) go(before + 24 * hourInMs)
      if (wall.getUTCDate() === 1) continue wrap
    }
    while (!schedule.hours.includes(wall.getUTCHours())) {
      if (!moved) goTo(wall.getUTCMonth(), wall.getUTCDate(), wall.getUTCHours())
      moved = true
      go(at + hourInMs)
      if (wall.getUTCHours() === 0) continue wrap
    }
    while (!schedule.minutes.includes(wall.getUTCMinutes())) {
      if (!moved) go(Math.floor(at / minuteInMs) * minuteInMs)
      moved = true
      go(at + minuteInMs)
      if (wall.getUTCMinutes() === 0) continue wrap
    }
    const seconds = wall.getUTCSeconds()
    if (seconds === 0) return at
    moved = true
    go(at + minuteInMs - seconds * 1000)
  }
  return undefined
}

function dayMatches({ daysOfMonth, daysOfWeek, anyDayWillDo }: CronSchedule, wall: Date): boolean {
  const byMonth = daysOfMonth.includes(wall.getUTCDate())
  const byWeek = daysOfWeek.includes(wall.getUTCDay())
  return anyDayWillDo ? byMonth || byWeek : byMonth && byWeek
}
